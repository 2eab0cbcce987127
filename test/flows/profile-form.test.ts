import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../support/broker.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

/** A sweep is every 15 s. */
const SWEPT_WITHIN_MS = 60_000;

let aws: FakeAws;
let broker: TestBroker;

beforeEach(async () => {
  aws = await startFakeAws(awsOptions());
  broker = await TestBroker.create({ name: "profile", config: ROLES_YAML, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});
afterEach(async () => {
  await broker.stop("SIGKILL");
  await aws.close();
});

const WAIT = "console.log(process.pid, process.env.AWS_SHARED_CREDENTIALS_FILE); setInterval(() => {}, 1000)";

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + SWEPT_WITHIN_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${SWEPT_WITHIN_MS} ms`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

describe("the file of exec --as profile", () => {
  it("stays for CMD when brokerctl is killed, and is removed by brokerd when CMD is, too", async () => {
    const words = [resolve("dist/brokerctl.js"), "exec", "dev", "--as", "profile", "--", process.execPath, "-e", WAIT];
    const env = { PATH: process.env["PATH"], HOME: tempDir("user"), CREDBROKER_HOME: broker.home };
    const brokerctl = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "ignore"] });
    const [line] = (await once(createInterface({ input: brokerctl.stdout }), "line")) as [string];
    const pid = Number.parseInt(line);
    const file = line.slice(line.indexOf("/"));
    expect(readFileSync(file, "utf8")).toContain("[dev]");

    await handedOver(pid);
    brokerctl.kill("SIGKILL");
    await once(brokerctl, "exit");
    expect(existsSync(file)).toBe(true);

    process.kill(pid, "SIGKILL");
    await until(() => !existsSync(dirname(file)), "the directory is gone");
  }, 120_000);
});

async function handedOver(pid: number): Promise<void> {
  const deadline = Date.now() + SWEPT_WITHIN_MS;
  for (;;) {
    const { leases } = await broker.call("lease-list", {});
    if (leases.some(({ holderPid }) => holderPid === pid)) return;
    if (Date.now() > deadline) throw new Error("CMD holds no lease");
    await new Promise((done) => setTimeout(done, 50));
  }
}
