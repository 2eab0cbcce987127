import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { BROKERCTL } from "../support/brokerctl.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";
import { allAtOnce } from "../support/processes.js";

/** Starts of Node, each most of a second of a busy processor: `npm run test:clients` has a hundred of them. */
const AT_ONCE = Number(process.env["CREDBROKER_TEST_AT_ONCE"] ?? 20);
const MFA = "arn:aws:iam::111111111111:mfa/me";

let aws: FakeAws;
let broker: TestBroker;

beforeEach(async () => {
  aws = await startFakeAws(awsOptions());
  broker = await TestBroker.create({ name: "process", env: { AWS_ENDPOINT_URL: aws.url } });
});

afterEach(async () => {
  await broker.ctl(["stop"]);
  await broker.stop("SIGKILL");
  await aws.close();
});

async function start(config = ROLES_YAML): Promise<void> {
  await broker.configure(config);
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
}

const ask = (role = "dev"): Promise<Outcome> => broker.ctl(["credential-process", role]);
const childLeases = async (): Promise<number> =>
  (await broker.call("lease-list", {})).leases.filter(({ kind }) => kind === "child").length;

function keysOf(outcomes: readonly Outcome[]): readonly string[] {
  for (const { code, stderr } of outcomes) expect([code, stderr]).toEqual([0, ""]);
  return [...new Set(outcomes.map(({ stdout }) => (JSON.parse(stdout) as { AccessKeyId: string }).AccessKeyId))];
}

describe(`${AT_ONCE} credential-process at once`, () => {
  it("ask AWS once, are all answered with the same key, and leave no lease", async () => {
    await start();
    const outcomes = await allAtOnce(AT_ONCE, () => ask());
    expect(keysOf(outcomes)).toHaveLength(1);
    expect(aws.countOf("AssumeRole")).toBe(1);
    await expect.poll(childLeases).toBe(0);
  });

  it("start brokerd once where none runs, and then ask AWS once", async () => {
    await start();
    await broker.stop();
    const outcomes = await allAtOnce(AT_ONCE, () => ask());
    expect(keysOf(outcomes)).toHaveLength(1);
    expect(aws.countOf("AssumeRole")).toBe(1);
    expect(broker.log().match(/"msg":"started"/g)).toHaveLength(2);
  });
});

describe("what only a person can do", () => {
  it.each<[string, string, () => Promise<unknown>, RegExp]>([
    ["an unlock", ROLES_YAML, () => broker.call("lock", {}), /brokerctl unlock/],
    [
      "an MFA code",
      `sources:\n  ops-keys: { type: keys, mfa_serial: "${MFA}" }\nroles:\n  dev: { source: ops-keys }\n`,
      async () => undefined,
      /brokerctl login ops-keys/,
    ],
    [
      "a login",
      'sources:\n  ops-keys: { type: keys }\n  corp: { type: sso, sso_start_url: "https://corp.awsapps.com/start", sso_region: eu-west-1 }\n' +
        'roles:\n  dev: { source: corp, sso_account_id: "111111111111", sso_role_name: Developer }\n',
      async () => undefined,
      /brokerctl login corp/,
    ],
  ])(
    "is %s: exit 4, the command on stderr, nothing on stdout, and no lease is left",
    async (_, config, before, told) => {
      await start(config);
      await before();
      const { code, stdout, stderr } = await ask();
      expect([code, stdout]).toEqual([4, ""]);
      expect(stderr).toMatch(told);
      await expect.poll(childLeases).toBe(0);
    },
  );
});

describe("a program that does not read the answer", () => {
  it("is no failure to tell, and leaves no lease", async () => {
    await start();
    const script = `"$@"; printf %s "$?" >&2`;
    const command = [...BROKERCTL, "credential-process", "dev"];
    const child = spawn("/bin/sh", ["-c", script, "sh", ...command], {
      env: broker.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    await once(child, "close");
    expect(stderr).toBe("0");
    await expect.poll(childLeases).toBe(0);
  });

  it.runIf(process.platform === "linux")("is told that its disk is full", async () => {
    await start();
    const script = `"$@" > /dev/full`;
    const command = [...BROKERCTL, "credential-process", "dev"];
    const child = spawn("/bin/sh", ["-c", script, "sh", ...command], {
      env: broker.env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    const [code] = (await once(child, "close")) as [number];
    expect(code).toBe(1);
    expect(stderr).toContain("cannot write the output");
  });
});
