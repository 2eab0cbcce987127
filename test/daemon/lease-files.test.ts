import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Lease } from "../../src/core/lease.js";
import { LeaseFiles } from "../../src/daemon/lease-files.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";

const clock = new FakeClock("2026-01-01T00:00:00Z");
const START = clock.now() / 1000;
const lease = (given: Partial<Lease> & Pick<Lease, "kind">): Lease => ({
  ...{ id: "id", role: null, followsDefault: false, tokenHash: "a".repeat(64) },
  ...{ createdAt: clock.now(), expiresAt: null, lastUsedAt: null },
  ...given,
});

let stateDir: string;
let held: Lease[];
const directory = (): string => join(stateDir, "shell", "leases");
const files = (): LeaseFiles =>
  new LeaseFiles({ stateDir, leases: () => held, regionOf: (role) => (role === "dev" ? "eu-west-1" : null), clock });
const contents = (): Readonly<Record<string, string>> =>
  Object.fromEntries(readdirSync(directory()).map((name) => [name, readFileSync(join(directory(), name), "utf8")]));

beforeEach(() => {
  stateDir = tempDir("lease-files");
  mkdirSync(directory(), { recursive: true, mode: 0o700 });
});

describe("the files that prompts read", () => {
  it("say role, change, end and region of each lease, and nothing of its token", async () => {
    const soon = { until: clock.now() + 60_000, thenRole: "prod" };
    held = [
      lease({ kind: "default", role: "dev", temporary: soon }),
      lease({ kind: "named", role: "prod", expiresAt: clock.now() + 5000, tokenHash: "b".repeat(64) }),
      lease({ kind: "child", followsDefault: true, tokenHash: "d".repeat(64) }),
      lease({ kind: "named", role: "lambda:f:$LATEST", tokenHash: "c".repeat(64) }),
    ];
    await files().publish();
    expect(contents()).toEqual({
      ["a".repeat(16)]: `dev ${START + 60} prod 0 eu-west-1\n`,
      ["b".repeat(16)]: `prod 0 - ${START + 5} -\n`,
      ["d".repeat(16)]: `dev ${START + 60} prod 0 eu-west-1\n`,
      ["c".repeat(16)]: "lambda:f:?LATEST 0 - 0 -\n",
    });
    expect(statSync(join(directory(), "a".repeat(16))).mode & 0o777).toBe(0o600);
  });

  it("go with their leases, and leave what is not ours", async () => {
    held = [lease({ kind: "default", role: "dev" })];
    const kept = files();
    await kept.publish();
    writeFileSync(join(directory(), "notes.txt"), "mine");
    writeFileSync(join(directory(), "d".repeat(16)), "of a lease that ended while brokerd was down");
    held = [];
    await kept.publish();
    expect(contents()).toEqual({ "notes.txt": "mine" });
  });

  it("are put back when they were removed", async () => {
    held = [lease({ kind: "default", role: "dev" })];
    const kept = files();
    await kept.publish();
    rmSync(directory(), { recursive: true });
    await kept.publish();
    expect(Object.values(contents())).toEqual(["dev 0 - 0 eu-west-1\n"]);
  });

  it("are not made where no shell has the hook", async () => {
    stateDir = tempDir("lease-files");
    held = [lease({ kind: "default", role: "dev" })];
    await files().publish();
    expect(readdirSync(stateDir)).toEqual([]);
  });
});
