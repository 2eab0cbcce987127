import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { markStopped, refuseIfStopped } from "../../src/system/stop-marker.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const refusal = (stateDir: string, since: number, now: number): Promise<unknown> =>
  brokerErrorOf(() => Promise.resolve().then(() => refuseIfStopped(stateDir, { since, now })));
const passes = (stateDir: string, since: number, now: number): void =>
  expect(() => refuseIfStopped(stateDir, { since, now })).not.toThrow();

it("what began before a stop does not bring the daemon back, what begins after it does", async () => {
  const stateDir = tempDir("stopped");
  passes(stateDir, 0, 2000);

  await markStopped(stateDir, 1000);

  expect(statSync(join(stateDir, "stopped-at")).mode & 0o777).toBe(0o600);
  expect(await refusal(stateDir, 999, 2000)).toMatchObject({ code: "DaemonUnreachable", hint: "brokerctl start" });
  expect(await refusal(stateDir, 999, 1000)).toMatchObject({ code: "DaemonUnreachable" });
  passes(stateDir, 1000, 2000);
  passes(stateDir, 1001, 2000);
});

it("a stop that is still to come keeps no command from starting: the clock was set back", async () => {
  const stateDir = tempDir("stopped");
  await markStopped(stateDir, 1000);

  passes(stateDir, 500, 999);
});

it("a marker that cannot be read keeps no command from starting", () => {
  const stateDir = tempDir("stopped");
  mkdirSync(join(stateDir, "stopped-at"));
  passes(stateDir, 0, 2000);

  const other = tempDir("stopped");
  writeFileSync(join(other, "stopped-at"), "yesterday\n");
  passes(other, 0, 2000);
});
