import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunResult, runCommand } from "../support/cli-run.js";
import { get, InProcessBroker, roleArn } from "../support/in-process-broker.js";

let broker: InProcessBroker;
let orders: string;
beforeEach(async () => {
  broker = await InProcessBroker.ready();
  orders = join(broker.home, "orders");
  mkdirSync(orders);
  appendFileSync(
    join(broker.home, "config.yaml"),
    `\nprojects:\n  orders: { path: ${orders}, role: dev, stages: { dev: dev, prod: prod } }\n`,
  );
});
afterEach(async () => broker.close());

async function run(...argv: readonly string[]): Promise<RunResult> {
  const { clock, home } = broker;
  return runCommand(argv, { home, clock, cwd: orders, version: "0.0.0-test" });
}

/** Fetches as an SDK does, and writes down whose credentials these are, and the keys beside them. */
const FETCH = `
  const { env, argv } = process;
  const authorization = env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  require("http").get(env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization } }, async (answer) => {
    let body = "";
    for await (const piece of answer) body += piece;
    const { RoleArn } = JSON.parse(body);
    require("fs").writeFileSync(argv[1], JSON.stringify({ RoleArn, second: env.SHARED_AWS_ACCESS_KEY_ID }));
  });`;

describe("a project in the config of a running brokerd", () => {
  it("gives a command the role of its stage, and keys of a second role beside it", async () => {
    const seen = join(broker.home, "seen.json");
    const { code, stderr } = await run(
      ...["exec", "--stage", "prod", "--with", "dev=SHARED_", "--", process.execPath, "-e", FETCH, seen],
    );

    expect([code, stderr]).toEqual([0, expect.stringContaining("stage prod of project orders: role prod, account")]);
    const { leaseUrl } = await broker.call("lease-access", { pinnedRole: "dev" });
    const { AccessKeyId } = (await get(leaseUrl)).body;
    expect(JSON.parse(readFileSync(seen, "utf8"))).toEqual({ RoleArn: roleArn("prod"), second: AccessKeyId });
  });

  it("gives its role to a command where none was chosen, until one is", async () => {
    const seen = join(broker.home, "seen.json");
    const role = async (): Promise<unknown> => {
      expect(await run("exec", "--", process.execPath, "-e", FETCH, seen)).toMatchObject({ code: 0 });
      return (JSON.parse(readFileSync(seen, "utf8")) as { RoleArn: string }).RoleArn;
    };

    expect(await role()).toBe(roleArn("dev"));
    await broker.call("use", { lease: { by: "default" }, role: "prod" });
    expect(await role()).toBe(roleArn("prod"));
  });
});
