import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesRun } from "../support/files-run.js";
import { get, InProcessBroker } from "../support/in-process-broker.js";

/** The files that docs/architecture.md lists for a path, in its order. */
function listed(path: string): readonly string[] {
  const text = readFileSync("docs/architecture.md", "utf8");
  const [, list = ""] = new RegExp(`^Files of ${path}: (.*?)\\.$`, "ms").exec(text) ?? [];
  return [...list.matchAll(/`([\w/-]+\.ts)`/g)].map(([, name]) => name!);
}

const DEFAULT = { by: "default" } as const;
/** The client's half of what runs in this one process. */
const OF_THE_CLIENT = ["aws/bounded-body.ts", "control-api/client.ts"];

let broker: InProcessBroker;
beforeEach(async () => {
  broker = await InProcessBroker.ready();
});
afterEach(async () => broker.close());

async function daemonFilesOf(act: () => Promise<unknown>): Promise<readonly string[]> {
  return (await filesRun(act)).filter((file) => !OF_THE_CLIENT.includes(file));
}

describe("the files that run", () => {
  it("for a GET from memory are the ten of docs/architecture.md", async () => {
    await broker.call("use", { lease: DEFAULT, role: "dev" });
    const { leaseUrl } = await broker.call("lease-access", { lease: DEFAULT });
    expect((await get(leaseUrl)).status).toBe(200);

    const files = await daemonFilesOf(async () => expect((await get(leaseUrl)).status).toBe(200));

    process.stdout.write(`a GET from memory: ${files.length} files: ${files.join(" ")}\n`);
    expect(files).toEqual([...listed("a GET from memory")].sort());
    expect(files.length).toBeLessThanOrEqual(10);
  });

  it("for a `use` of a role that is held are, in the daemon, those of docs/architecture.md", async () => {
    await broker.call("use", { lease: DEFAULT, role: "prod" });
    await broker.call("use", { lease: DEFAULT, role: "dev" });

    const files = await daemonFilesOf(() => broker.call("use", { lease: DEFAULT, role: "prod" }));

    process.stdout.write(`use, in the daemon: ${files.length} files: ${files.join(" ")}\n`);
    const known = listed("a `use` in the daemon");
    expect(files.filter((file) => !known.includes(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(["control/app.ts", "leases/lease-registry.ts"]));
    expect(known.length).toBeLessThanOrEqual(30);
  });
});
