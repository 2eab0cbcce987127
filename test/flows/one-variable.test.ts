import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { run, TestBroker } from "../support/broker.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

const CLIENT = resolve("test/flows/programs/sts-client.mjs");

interface Seen {
  readonly arn?: string;
  readonly key?: string;
  readonly error?: string;
}

let aws: FakeAws;
let broker: TestBroker;

beforeEach(async () => {
  aws = await startFakeAws(awsOptions({ sessionSeconds: 6 }));
  broker = await TestBroker.create({ name: "one", config: ROLES_YAML, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterEach(async () => {
  await broker.stop();
  await aws.close();
});

/** The SDK's default chain in a process of its own, with what `brokerctl env` set and nothing else. */
async function client(set: Readonly<Record<string, string>>, calls: number, pause = 0): Promise<Seen[]> {
  const env = {
    ...set,
    PATH: broker.env["PATH"]!,
    HOME: broker.userHome,
    AWS_REGION: "eu-west-1",
    AWS_ENDPOINT_URL: aws.url,
  };
  const { stdout, stderr } = await run([CLIENT, String(calls), String(pause)], { env });
  if (stdout === "") throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Seen);
}

async function envOf(...args: string[]): Promise<Record<string, string>> {
  const { stdout } = await broker.ctl(["env", ...args, "--format", "json"]);
  return (JSON.parse(stdout) as { set: Record<string, string> }).set;
}

describe("one environment variable", () => {
  it("gives a real SDK credentials that rotate while the process runs, without an error in between", async () => {
    await broker.ctl(["use", "dev"]);
    const seen = await client(await envOf(), 30, 400);
    expect(seen.filter(({ error }) => error)).toEqual([]);
    expect(new Set(seen.map(({ key }) => key)).size).toBeGreaterThanOrEqual(3);
    expect(new Set(seen.map(({ arn }) => arn?.split("/")[1]))).toEqual(new Set(["dev"]));
  });

  it("follows `use`: the next process has another role", async () => {
    await broker.ctl(["use", "dev"]);
    const set = await envOf();
    expect((await client(set, 1))[0]?.arn).toContain("/dev/");
    const moved = await broker.ctl(["use", "prod"]);
    expect(moved.code).toBe(0);
    expect((await client(set, 1))[0]?.arn).toContain("/prod/");
  });

  it("can hold two roles at once in two shells", async () => {
    const [dev, prod] = [await envOf("dev"), await envOf("prod")];
    const [first, second] = await Promise.all([client(dev, 5, 50), client(prod, 5, 50)]);
    expect(new Set(first.map(({ arn }) => arn?.split("/")[1]))).toEqual(new Set(["dev"]));
    expect(new Set(second.map(({ arn }) => arn?.split("/")[1]))).toEqual(new Set(["prod"]));
  });

  it("stays good over a restart and a kill of the daemon", async () => {
    await broker.ctl(["use", "dev"]);
    const set = await envOf();
    await broker.stop();
    await broker.start();
    expect((await client(set, 1))[0]?.arn).toContain("/dev/");
    await broker.stop("SIGKILL");
    await broker.start();
    expect((await client(set, 1))[0]?.arn).toContain("/dev/");
    expect(await envOf()).toEqual(set);
  });

  it("of a revoked lease is refused, and says so", async () => {
    await broker.ctl(["lease", "create", "ide", "dev"]);
    const set = await envOf("--lease", "ide");
    expect((await client(set, 1))[0]?.arn).toContain("/dev/");
    await broker.ctl(["lease", "revoke", "ide"]);
    expect((await client(set, 1))[0]?.error).toBeDefined();
    const response = await fetch(set["AWS_CONTAINER_CREDENTIALS_FULL_URI"]!);
    expect([response.status, ((await response.json()) as { Code: string }).Code]).toEqual([403, "LeaseEnded"]);
  });
});
