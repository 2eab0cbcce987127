import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunResult, runCommand } from "../support/cli-run.js";
import { get, InProcessBroker } from "../support/in-process-broker.js";

let broker: InProcessBroker;
beforeEach(async () => {
  broker = await InProcessBroker.ready();
});
afterEach(async () => broker.close());

async function why(env: Record<string, string> = {}): Promise<RunResult> {
  const { clock, home } = broker;
  return runCommand(["why"], { home, clock, env, version: "0.0.0-test" });
}

/** Of a lease without a role, whose programs are refused until one is chosen. */
async function refused(): Promise<{ readonly url: string; readonly env: Record<string, string> }> {
  const { leaseUrl: url } = await broker.call("lease-create", { name: "ide", role: null });
  expect((await get(url)).status).toBe(400);
  return { url, env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: url } };
}

describe("what a program was refused at the endpoint", () => {
  it("is told in its shell with the command that fixes it, and nothing of it to another lease's", async () => {
    const { env } = await refused();
    const { code, stdout, stderr } = await why(env);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^NoRole: .*\n {2}when/)]);
    expect(stderr).toContain("brokerctl use ROLE");
    expect((await why()).stdout).toBe("nothing was refused to the default lease\n");
  });

  it("is told after a restart of brokerd, too", async () => {
    const { env } = await refused();
    await broker.stop();
    await broker.start();
    expect((await why(env)).stdout).toMatch(/^NoRole: no role is chosen for this lease\n/);
  });

  it("is over when the same lease was served", async () => {
    const { url, env } = await refused();
    await broker.call("use", { lease: { by: "name", name: "ide" }, role: "dev" });
    expect((await get(url)).status).toBe(200);
    expect((await why(env)).stdout).toContain("served again");
  });
});
