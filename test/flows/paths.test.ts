import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditLines } from "../support/audit-lines.js";
import { runCommand } from "../support/cli-run.js";
import { filesRun } from "../support/files-run.js";
import { get, InProcessBroker } from "../support/in-process-broker.js";

interface Path {
  /** What a reader opens to follow it, in that order. */
  readonly read: readonly string[];
  /** What a reader takes by its name. */
  readonly named: readonly string[];
}

/** The files that docs/architecture.md lists for a path. */
function listed(path: string): Path {
  const text = readFileSync("docs/architecture.md", "utf8");
  const list = new RegExp(`^Files of ${path}: (.*?)\\.$(?:\\nBy their names: (.*?)\\.$)?`, "ms");
  const [, read = "", named = ""] = list.exec(text) ?? [];
  return { read: filesIn(read), named: filesIn(named) };
}

function filesIn(list: string): readonly string[] {
  return [...list.matchAll(/`([\w/-]+\.ts)`/g)].map(([, name]) => name!);
}

function joined(one: Path, other: Path): Path {
  return { read: [...one.read, ...other.read], named: [...one.named, ...other.named] };
}

/** What every path has behind it, and tells on a list of its own. */
const RECORD = listed("a line on record");
const ON_RECORD = [...RECORD.read, ...RECORD.named];

const DEFAULT = { by: "default" } as const;
/** Bounds the answers that any client in the daemon's process reads; in these tests that is a client of the daemon, too. */
const OF_EVERY_CLIENT = ["aws/bounded-body.ts", ...ON_RECORD];
const OF_THE_CLIENT = [...OF_EVERY_CLIENT, "control-api/client.ts"];

let broker: InProcessBroker;
beforeEach(async () => {
  broker = await InProcessBroker.ready();
  await broker.call("use", { lease: DEFAULT, role: "prod" });
  await broker.call("use", { lease: DEFAULT, role: "dev" });
});
afterEach(async () => broker.close());

async function run(...argv: readonly string[]): Promise<void> {
  const { clock, home } = broker;
  const { code, stderr } = await runCommand(argv, { home, clock, version: "0.0.0-test" });
  expect(stderr).not.toContain("error");
  expect(code).toBe(0);
}

/** What ran of a path and stands in no list of it, what is to be read and did not run, and names that no file has. */
function differences(ran: readonly string[], path: Path, besides: readonly string[] = OF_EVERY_CLIENT): object {
  const known = [...path.read, ...path.named, ...besides];
  return {
    unlisted: ran.filter((file) => !known.includes(file)),
    notRun: path.read.filter((file) => !ran.includes(file)),
    gone: path.named.filter((file) => !existsSync(`src/${file}`)),
  };
}

const NONE = { unlisted: [], notRun: [], gone: [] };

/** How many files a path has, told too. */
function sizeOf(what: string, { read, named }: Path): { readonly read: number; readonly named: number } {
  process.stdout.write(`${what}: ${read.length} files to read, ${named.length} by their names\n`);
  return { read: read.length, named: named.length };
}

describe("the files that run", () => {
  it("for a GET from memory on a kept connection are those of docs/architecture.md, ten at most", async () => {
    const { leaseUrl } = await broker.call("lease-access", { lease: DEFAULT });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await get(leaseUrl, {}, agent)).status).toBe(200);

    const each: (readonly string[])[] = [];
    for (let i = 0; i < 3; i++) {
      each.push(await filesRun(async () => expect((await get(leaseUrl, {}, agent)).status).toBe(200)));
    }
    agent.destroy();
    // What the daemon is still writing since it was started runs beside one of them, not beside each.
    const files = each[0]!.filter((file) => each.every((ran) => ran.includes(file)) && !OF_THE_CLIENT.includes(file));

    process.stdout.write(`a GET from memory: ${files.length} files: ${files.join(" ")}\n`);
    expect(files).toEqual([...listed("a GET from memory on a kept connection").read].sort());
    expect(files.length).toBeLessThanOrEqual(10);
  });

  it("for a `use` of a role that is held are, in the daemon, those of docs/architecture.md", async () => {
    const path = listed("a `use` in the daemon");

    const ran = await filesRun(() => broker.call("use", { lease: DEFAULT, role: "prod" }));

    expect(differences(ran, path, OF_THE_CLIENT)).toEqual(NONE);
    const { read, named } = sizeOf("use, in the daemon", path);
    expect(read).toBeLessThanOrEqual(16);
    expect(named).toBeLessThanOrEqual(17);
  });

  it("for a `use` are, in the command line, those of docs/architecture.md", async () => {
    const [cli, daemon] = [listed("a `use` in the command line"), listed("a `use` in the daemon")];
    await run("use", "prod");

    const ran = await filesRun(() => run("use", "dev"));

    expect(differences(ran, joined(cli, daemon))).toEqual(NONE);
    const { read, named } = sizeOf("use, in the command line", cli);
    expect(read).toBeLessThanOrEqual(10);
    expect(named).toBeLessThanOrEqual(9);
  });

  it("for an `exec` of a role that is held are, in both programs, those of docs/architecture.md", async () => {
    const cli = listed("an `exec` in the command line");
    const use = listed("a `use` in the daemon");
    const ofUseAlone = ["control/handlers/move-handlers.ts", "control/app.ts"];
    const besidesItsHandler = { ...use, read: use.read.filter((file) => !ofUseAlone.includes(file)) };
    const daemon = joined(besidesItsHandler, listed("an `exec` in the daemon"));
    await run("exec", "prod", "--", "true");

    const ran = await filesRun(() => run("exec", "dev", "--", "true"));

    expect(differences(ran, joined(cli, daemon))).toEqual(NONE);
    const [ofCli, ofDaemon] = [sizeOf("exec, in the command line", cli), sizeOf("exec, in the daemon", daemon)];
    expect(ofCli.read).toBeLessThanOrEqual(13);
    expect(ofCli.named).toBeLessThanOrEqual(19);
    expect(ofDaemon.read).toBeLessThanOrEqual(20);
    expect(ofDaemon.named).toBeLessThanOrEqual(26);
  });

  it("behind a `use` and behind a GET, for their lines on record, are those of docs/architecture.md, and six at most are to be read", async () => {
    const { leaseUrl } = await broker.call("lease-access", { lease: DEFAULT });
    const ofUse = await filesRun(() => broker.call("use", { lease: DEFAULT, role: "prod" }));
    const ofGet = await filesRun(async () => {
      expect((await get(leaseUrl)).status).toBe(200);
      const lines = () => auditLines(join(broker.home, "state"));
      await expect.poll(lines).toContainEqual(expect.objectContaining({ event: "fetch" }));
    });

    for (const [ran, other] of [
      [ofUse, "endpoint/"],
      [ofGet, "control/"],
    ] as const) {
      const read = RECORD.read.filter((file) => !file.startsWith(other));
      expect(read.filter((file) => !ran.includes(file))).toEqual([]);
      expect(ran.filter((file) => file.startsWith("audit/") && !ON_RECORD.includes(file))).toEqual([]);
      expect(sizeOf("a line on record", { ...RECORD, read }).read).toBeLessThanOrEqual(6);
    }
  });

  it("of a list that is wrong are told: one that is not listed, one that did not run, one that is gone", async () => {
    const ran = await filesRun(() => broker.call("lease-list", {}));

    expect(
      differences(ran, { read: ["leases/lease-tokens.ts"], named: ["core/none.ts"] }, OF_THE_CLIENT),
    ).toMatchObject({
      unlisted: expect.arrayContaining(["control/handlers/lease-handlers.ts"]) as unknown,
      notRun: ["leases/lease-tokens.ts"],
      gone: ["core/none.ts"],
    });
  });
});
