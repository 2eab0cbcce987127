import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENTS } from "./aws-clients.js";
import { type Bench, startBench, testRole } from "./bench.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

/** Each client is the first to ask for a role of its own. */
const CASES = CLIENTS.map((client, index) => {
  const role = testRole({ name: `slow-${index}`, account: "555555555555", region: "eu-west-1" });
  return { client, name: client.name, role };
});
/** The endpoint gives up waiting after 900 ms: longer than that, and shorter than any client's patience. */
const HOLD_MS = 1500;

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600, roles: CASES.map(({ role }) => role) });
});
afterAll(async () => bench.stop());

describe("a first fetch that takes longer than the endpoint may hold a client", () => {
  it.concurrent.each(CASES)("reaches $name by its own retry", async ({ client, role }) => {
    const { leaseUrl } = await bench.broker.call("lease-access", { pinnedRole: role.name });
    const held = bench.proxy.hold(role.roleArn);
    const asking = bench.shell("empty", client.name).withLease({ leaseUrl, region: role.region }, client.identity);
    await held.arrived;
    await pause(HOLD_MS);
    held.release();
    const outcome = await asking;
    expect(outcome).toEqual(SUCCESS);
    expect(arnsIn(outcome)).toEqual([role.arn]);
  });
});
