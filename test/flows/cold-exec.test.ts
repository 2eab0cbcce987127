import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "../support/cli-run.js";
import { get, InProcessBroker } from "../support/in-process-broker.js";

const AT_ONCE = 20;

let broker: InProcessBroker;

beforeEach(async () => {
  broker = await InProcessBroker.ready();
});

afterEach(() => broker.close());

async function execAtOnce(role: string): Promise<void> {
  const env = { PATH: process.env["PATH"] ?? "" };
  const options = { home: broker.home, env, version: "0.0.0-test" };
  const command = ["exec", role, "--", "true"];
  const runs = Array.from({ length: AT_ONCE }, () => runCommand(command, options));
  for (const { code, stderr } of await Promise.all(runs)) expect([code, stderr]).toEqual([0, ""]);
}

describe(`${AT_ONCE} exec at once`, () => {
  it("of a role that nothing was fetched for are one AssumeRole, and none is left of their leases", async () => {
    await execAtOnce("dev");
    expect(broker.aws.countOf("AssumeRole")).toBe(1);
    // A lease ends with its connection, which brokerd hears of after brokerctl has ended.
    await vi.waitFor(async () => {
      const { leases } = await broker.call("lease-list", {});
      expect(leases.filter(({ kind }) => kind === "child")).toEqual([]);
    });
  });

  it("of a role at the end of a chain are one AssumeRole a hop", async () => {
    await execAtOnce("chained");
    expect(broker.aws.countOf("AssumeRole")).toBe(2);
  });

  it("are no call to AWS while the role's credentials are held, nor are GETs, nor after a restart", async () => {
    await execAtOnce("dev");
    await execAtOnce("dev");
    const url = await broker.urlOf("dev");
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => get(url)));
    expect(answers.map(({ status }) => status)).toEqual(Array(AT_ONCE).fill(200));
    await broker.stop();
    await broker.start();
    await execAtOnce("dev");
    expect(broker.aws.countOf("AssumeRole")).toBe(1);
  });
});
