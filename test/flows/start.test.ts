import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../support/broker.js";
import { metafile } from "../support/bundles.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

let aws: FakeAws | undefined;
let broker: TestBroker | undefined;

afterEach(async () => {
  await broker?.stop();
  await aws?.close();
});

/** A home in which a role's credentials are held. */
async function withHeldRole(): Promise<TestBroker> {
  aws = await startFakeAws(awsOptions());
  broker = await TestBroker.create({ name: "start", config: ROLES_YAML, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
  await broker.call("use", { lease: { by: "default" }, role: "dev" });
  return broker;
}

/** What a program opened of `dist`, compiled code left out, and which of Node's own modules it loaded, as `node:NAME`. */
async function opened({ env }: TestBroker, program: string, args: readonly string[]): Promise<readonly string[]> {
  const command = [resolve("test/flows/programs/count-opened.cjs"), resolve("dist", program), ...args];
  const child = spawn(process.execPath, command, { env, stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const printed = await text(child.stdio[3] as Readable);
  return printed.split("\n").filter((file) => file !== "" && !file.startsWith("compiled/"));
}

/** The packages whose code lies in these files of `dist`. */
function packagesIn(files: readonly string[]): readonly string[] {
  const { outputs, files: holding } = metafile();
  const read = Object.keys(outputs).filter((output) =>
    holding[output]?.some((file) => files.includes(file.slice("dist/".length))),
  );
  const sources = read.flatMap((output) => Object.keys(outputs[output]?.inputs ?? {}));
  return [...new Set(sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []))];
}

it("brokerd opens six files of its installation at most before it listens, and none of AWS's SDK, control or node-cron", async () => {
  const home = await withHeldRole();
  await home.stop();
  const loaded = await opened(home, "brokerd.js", []);
  expect(loaded).not.toContain("node:assert"); // sonic-boom loads it at its head
  const files = loaded.filter(isFile);
  expect(files).toContain("chunks/brokerd.js");
  process.stdout.write(`brokerd opens ${files.join(" ")}\n`);
  expect(files.length).toBeLessThanOrEqual(6);
  // Of the small ones, in `chunks/brokerd.js`, a chunk is compiled when it is loaded.
  const large = files.filter((file) => file !== "chunks/brokerd.js");
  expect(packagesIn(large).filter((name) => /^@aws-sdk|^@smithy|^node-cron|^https?-proxy-agent/.test(name))).toEqual(
    [],
  );
});

function isFile(name: string): boolean {
  return !name.startsWith("node:");
}

/** Each of them costs a command 2 to 5 ms. */
const DEAR = ["node:crypto", "node:http", "node:child_process", "node:fs/promises", "node:worker_threads"];

describe.each([["status"], ["env"], ["use dev"]])("brokerctl %s", (command) => {
  const args = command.split(" ");

  it("opens one file beside its first, and loads none of Node's own modules that take long", async () => {
    const home = await withHeldRole();
    // The first `env` of a home looks through `~/.aws`.
    await opened(home, "brokerctl.js", args);
    const loaded = await opened(home, "brokerctl.js", args);
    expect(loaded.filter(isFile)).toEqual(["chunks/brokerctl.js"]);
    expect(loaded).toContain("node:net");
    expect(loaded.filter((name) => DEAR.includes(name))).toEqual([]);
  });
});
