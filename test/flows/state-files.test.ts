import { chmodSync, chownSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { get, InProcessBroker } from "../support/in-process-broker.js";

let broker: InProcessBroker;
afterEach(() => broker.close());

async function stopped(): Promise<string> {
  broker = await InProcessBroker.ready();
  const url = await broker.urlOf("dev");
  await broker.call("lease-child", { role: "dev", pid: process.pid });
  expect((await get(url)).status).toBe(200);
  await broker.stop();
  return url;
}

const file = (name: string): string => join(broker.home, "state", name);

/** What others can do to a file that we trust. */
const strangers: readonly (readonly [string, (path: string) => void])[] = [
  ["that others may read", (path) => chmodSync(path, 0o644)],
  ["that a group may write", (path) => chmodSync(path, 0o620)],
  [
    "that is a link",
    (path) => {
      writeFileSync(`${path}.elsewhere`, readFileSync(path), { mode: 0o600 });
      unlinkSync(path);
      symlinkSync(`${path}.elsewhere`, path);
    },
  ],
  ...(process.getuid?.() === 0 ? [["of another user", (path: string) => chownSync(path, 65_534, 0)] as const] : []),
];

describe.each(strangers)("a state file %s", (_, spoil) => {
  it("is refused by name and left alone: secrets.sealed", async () => {
    const url = await stopped();
    const before = readFileSync(file("secrets.sealed"));
    spoil(file("secrets.sealed"));
    await broker.start();
    const { problem, state } = (await broker.call("status", {})).daemon;
    expect(state).toBe("degraded");
    expect(problem?.message).toContain(file("secrets.sealed"));
    expect(problem?.hint).toContain(file("secrets.sealed"));
    expect((await get(url)).status).toBe(400);
    expect(readFileSync(file("secrets.sealed")).equals(before)).toBe(true);
  });

  it("counts as empty: cache.sealed, which is disposable", async () => {
    const url = await stopped();
    spoil(file("cache.sealed"));
    await broker.start();
    expect((await get(url)).status).toBe(200);
    expect(broker.aws.countOf("AssumeRole")).toBe(2);
    expect(JSON.stringify(broker.log)).toContain("cache.sealed");
  });

  it("is told by `status`, as no request can be made: requests.json", async () => {
    await stopped();
    writeFileSync(file("requests.json"), '{"version":1,"requests":[]}', { mode: 0o600 });
    spoil(file("requests.json"));
    await broker.start();
    const { warnings, state } = (await broker.call("status", {})).daemon;
    expect([state, warnings.join()]).toEqual([
      "ready",
      expect.stringContaining("nothing can be requested or approved"),
    ]);
    expect(warnings.join()).toContain(file("requests.json"));
  });

  it.each(["endpoint-port", "leases.json", "child-leases.jsonl"])(
    "is refused by name at the start: %s",
    async (name) => {
      await stopped();
      spoil(file(name));
      const refusal = await brokerErrorOf(() => broker.start());
      expect(refusal.code).toBe("FileRefused");
      expect(refusal.message).toContain(file(name));
      expect(refusal.hint).toBeDefined();
    },
  );
});

describe("secrets.sealed", () => {
  it("is taken up after its mode was fixed", async () => {
    const url = await stopped();
    chmodSync(file("secrets.sealed"), 0o644);
    await broker.start();
    chmodSync(file("secrets.sealed"), 0o600);
    await broker.call("unlock", {});
    expect((await get(url)).status).toBe(200);
  });
});
