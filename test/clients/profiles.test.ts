import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runToEnd } from "../support/processes.js";
import { AWS_CLI, BOTO3, CLIENTS, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, DEV, PROD, startBench, testRole, type UserShell } from "./bench.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

/** With every sort of character that names of roles have. */
const ODD = testRole({ name: "team/x.y_z@a+b", account: "444444444444", region: "eu-west-1" });
/** The session's name holds the role's, which IAM knows without the path. */
const ODD_ROLE = {
  ...ODD,
  roleArn: "arn:aws:iam::444444444444:role/odd",
  arn: ODD.arn.replace("team/x.y_z@a+b", "odd"),
};
const SESSION_SECONDS = 12;
const WATCH_SECONDS = SESSION_SECONDS + 3;

let bench: Bench;
let hour: Bench;

beforeAll(async () => {
  bench = await startBench({ sessionSeconds: SESSION_SECONDS, roles: [ODD_ROLE] });
  hour = await startBench({ sessionSeconds: 3600 });
}, 180_000);
afterAll(async () => {
  await bench.stop();
  await hour.stop();
});

/** A user with keys in `[default]` and a file of their own, after `brokerctl profiles sync`. */
async function syncedShell(label: string, on = bench): Promise<UserShell> {
  const shell = on.shell("[default] with keys", label);
  const aws = join(shell.home.directory, ".aws");
  mkdirSync(aws, { recursive: true });
  writeFileSync(join(aws, "config"), "[profile mine]\r\nregion = us-west-2", { mode: 0o600 });
  expect(await shell.script("brokerctl profiles sync")).toMatchObject({ code: 0 });
  return shell;
}

const ROLES = [DEV, PROD, ODD_ROLE];

describe("a synced profile", () => {
  it.each(CLIENTS.flatMap((client) => ROLES.map((role) => ({ client, role, name: client.name, profile: role.name }))))(
    "$profile is the role to $name, by AWS_PROFILE, also where [default] has keys",
    async ({ client, role, name }) => {
      const shell = await syncedShell(`${name}/${role.name}`);
      const outcome = await shell.script(`AWS_PROFILE='${role.name}' exec "$@"`, client.identity);
      expect([outcome, arnsIn(outcome)]).toEqual([SUCCESS, [role.arn]]);
    },
  );

  it("is the role to `aws --profile`, outside and inside of `exec` and `env` of another role", async () => {
    const shell = await syncedShell("by flag");
    const command = [...AWS_CLI.identity, "--profile", PROD.name];
    const outcomes = [
      await shell.script('exec "$@"', command),
      await shell.withExec(DEV.name, command),
      await shell.script(`eval "$(brokerctl env ${DEV.name} 2>/dev/null)" && exec "$@"`, command),
    ];
    for (const outcome of outcomes) expect([outcome, arnsIn(outcome)]).toEqual([SUCCESS, [PROD.arn]]);
  });

  it("gives way to the lease inside `exec`, which unsets AWS_PROFILE", async () => {
    const shell = await syncedShell("within exec");
    const outcome = await shell.script(
      `AWS_PROFILE=${PROD.name} exec brokerctl exec ${DEV.name} -- "$@"`,
      BOTO3.identity,
    );
    expect([outcome, arnsIn(outcome)]).toEqual([SUCCESS, [DEV.arn]]);
  });

  it("works in an environment with nothing in it, as an IDE's or cron's", async () => {
    const shell = await syncedShell("bare");
    const env = { HOME: shell.home.directory, AWS_PROFILE: DEV.name, AWS_ENDPOINT_URL: bench.proxy.url("bare") };
    const outcome = await runToEnd(BOTO3.identity, { env, cwd: "/" });
    expect([outcome, arnsIn(outcome)]).toEqual([SUCCESS, [DEV.arn]]);
  });

  it.concurrent.each([BOTO3, JAVASCRIPT])(
    "renews itself in one process of $name, past the end of the first key",
    async (client) => {
      const label = `rotation of ${client.name}`;
      const shell = await syncedShell(label);
      const command = [...client.identity, String(WATCH_SECONDS)];
      const outcome = await shell.script(`AWS_PROFILE=${DEV.name} exec "$@"`, command);
      expect([outcome, [...new Set(arnsIn(outcome))]]).toEqual([SUCCESS, [DEV.arn]]);
      const keys = bench.proxy.keysOf(label);
      expect(keys.length).toBeGreaterThanOrEqual(2);
      const calls = bench.proxy.callsOf(label);
      expect(calls.filter(({ at, accessKeyId }) => at > bench.proxy.endOf(accessKeyId ?? ""))).toEqual([]);
    },
  );

  it("is gone after `profiles remove`, with every other byte as it was", async () => {
    const shell = await syncedShell("removed");
    expect(await shell.script("brokerctl profiles remove")).toMatchObject({ code: 0 });
    expect(readFileSync(join(shell.home.directory, ".aws", "config"), "utf8")).toBe(
      "[profile mine]\r\nregion = us-west-2",
    );
    expect(await shell.script('exec "$@"', [...AWS_CLI.identity, "--profile", DEV.name])).toMatchObject({ code: 255 });
  });
});

describe("a profile of a role that needs a person", () => {
  it.each([AWS_CLI, BOTO3])("has $name show the command", async (client) => {
    const shell = await syncedShell(`locked/${client.name}`, hour);
    await hour.broker.call("lock", {});
    try {
      const { code, stdout, stderr } = await shell.script(`AWS_PROFILE=${DEV.name} exec "$@"`, client.identity);
      expect([code === 0, stdout]).toEqual([false, ""]);
      expect(stderr).toContain("brokerctl unlock");
    } finally {
      await hour.broker.call("unlock", {});
    }
  });
});

describe("a profile whose name has a colon", () => {
  it.concurrent.each(CLIENTS)("is read by $name", async (client) => {
    const shell = await syncedShell(`colon/${client.name}`);
    const path = join(shell.home.directory, ".aws", "config");
    const [, lines = ""] = /\[profile dev\]\n((?:.+\n){2})/.exec(readFileSync(path, "utf8").replaceAll("\r", "")) ?? [];
    writeFileSync(path, `[profile corp:111111111111/Developer]\n${lines}`);
    const outcome = await shell.script('AWS_PROFILE=corp:111111111111/Developer exec "$@"', client.identity);
    expect([outcome, arnsIn(outcome)]).toEqual([SUCCESS, [DEV.arn]]);
  });
});
