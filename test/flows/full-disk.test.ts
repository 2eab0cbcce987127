import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { run, TestBroker } from "../support/broker.js";
import { awsOptions, get, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";
import { canMount, SmallDisk } from "../support/small-disk.js";

const BROKERD = resolve("dist/brokerd.js");

let aws: FakeAws;
let broker: TestBroker;
let disk: SmallDisk | undefined;

beforeEach(async () => {
  aws = await startFakeAws(awsOptions());
  broker = await TestBroker.create({ name: "full-disk", config: ROLES_YAML, env: { AWS_ENDPOINT_URL: aws.url } });
});

afterEach(async () => {
  await broker.stop("SIGKILL");
  disk?.unmount();
  disk = undefined;
  await aws.close();
});

function smallState(): SmallDisk {
  disk = new SmallDisk(join(broker.home, "state"));
  return disk;
}

async function warnings(): Promise<string> {
  return (await broker.call("status", {})).daemon.warnings.join("\n");
}

/** By the sweep, within its 15 s. */
async function untilNothingIsUnsaved(): Promise<void> {
  while (/not durable|no space|out of date/.test(await warnings()))
    await new Promise((resolve) => setTimeout(resolve, 200));
}

describe.skipIf(!canMount())("on a full disk", () => {
  it("a brokerd that was killed starts, serves what it had, says what is not durable and saves it once there is space", {
    timeout: 120_000,
  }, async () => {
    const state = smallState();
    await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
    await broker.call("use", { lease: { by: "default" }, role: "dev" });
    const { leaseUrl } = await broker.call("lease-access", { lease: { by: "default" } });
    const served = await get(leaseUrl);
    await broker.stop(); // writes the cache
    await broker.start();
    const calls = aws.countOf("AssumeRole");

    await broker.stop("SIGKILL");
    state.fill();
    await broker.start();
    state.fill();

    expect((await get(leaseUrl)).body["AccessKeyId"]).toBe(served.body["AccessKeyId"]);
    expect(aws.countOf("AssumeRole")).toBe(calls);
    const lock = readdirSync(state.path).find((name) => name.startsWith("brokerd.lock."));
    expect(lstatSync(join(state.path, String(lock))).isSymbolicLink()).toBe(true);
    const text = await broker.ctl(["status"]);
    expect([text.code, text.stderr]).toEqual([0, expect.stringContaining("had no space at the start")]);

    const refused = await broker.ctl(["use", "prod"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("no space left on device")]);
    expect(refused.stderr).toContain("free some space");
    const change = { lease: { by: "default" }, role: "prod" } as const;
    await expect(broker.call("use", change)).rejects.toMatchObject({ code: "StoreUnavailable" });
    expect((await broker.call("status", {})).defaultRole).toBe("dev");
    const told = JSON.parse((await broker.ctl(["status", "--json"])).stdout) as { daemon: { warnings: string[] } };
    expect(told.daemon.warnings.join("\n")).toContain("leases are not durable");

    state.free();
    await untilNothingIsUnsaved();
    await broker.call("use", { lease: { by: "default" }, role: "prod" });
    await broker.stop("SIGKILL");
    await broker.start();
    expect((await broker.call("status", {})).defaultRole).toBe("prod");
    expect(await warnings()).not.toMatch(/not durable|no space|out of date/);
  });

  it("a second brokerd is refused, stop works, and the next one starts", async () => {
    const state = smallState();
    await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
    await broker.stop("SIGKILL");
    state.fill();
    await broker.start();

    const second = await run([BROKERD], { env: broker.env });
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("already running as process")]);

    state.fill();
    const stopped = await broker.ctl(["stop"]);
    expect([stopped.code, stopped.stderr]).toEqual([0, expect.stringContaining("brokerd has stopped")]);
    await broker.start();
    expect((await broker.call("status", {})).daemon.state).toBe("ready");
  });

  it("a state directory on a read-only file system is named, and brokerd ends with 1", async () => {
    smallState().makeReadOnly();

    const { code, stderr } = await run([BROKERD], { env: broker.env });

    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`brokerd: error: cannot lock ${broker.home}/state: read-only file system\n`),
    ]);
    expect(stderr).not.toContain("unexpected");
    expect((await broker.ctl(["start"])).stderr).toContain("read-only file system");
  });
});

describe("a FIFO without a writer", () => {
  it("in place of brokerd.log is refused by name, and keeps no command waiting", async () => {
    const log = join(broker.home, "brokerd.log");
    execFileSync("mkfifo", ["-m", "600", log]);

    const { code, stderr } = await run([BROKERD, "--log-file", log], { env: broker.env });

    expect([code, stderr]).toEqual([2, expect.stringContaining(`${log} is not a regular file`)]);
  });

  it("in place of config.yaml is refused by name, and keeps no command waiting", async () => {
    execFileSync("rm", [broker.configFile]);
    execFileSync("mkfifo", ["-m", "600", broker.configFile]);

    const foreground = await run([BROKERD], { env: broker.env });
    await broker.start(); // supervised: it stays, degraded
    const status = await broker.ctl(["status"]);

    expect([foreground.code, foreground.stderr]).toEqual([2, expect.stringContaining("is not a regular file")]);
    expect(status.stderr).toContain(`${broker.configFile} is not a regular file`);
  });
});

describe.skipIf(process.platform !== "linux")("with too low a limit of open files", () => {
  const limited = (files: number, command: readonly string[]): Promise<{ code: number | null; stderr: string }> =>
    run(["-e", EXEC_LIMITED, String(files), ...command], { env: broker.env });

  it.each([64, 191])("brokerd says the limit of %i and what it needs in two lines", async (files) => {
    const { code, stderr } = await limited(files, [process.execPath, BROKERD]);
    expect([code, stderr.split("\n")]).toEqual([
      1,
      [
        `brokerd: error: the limit of open files is ${files}, and brokerd needs at least 192`,
        expect.stringMatching(/^brokerd: hint: .*ulimit -n/),
        "",
      ],
    ]);
  });

  it("bin/brokerd says it where Node itself could not be loaded", async () => {
    const { code, stderr } = await limited(20, [resolve("bin/brokerd")]);
    expect([code, stderr.split("\n")[0]]).toEqual([
      1,
      "brokerd: error: the limit of open files is 20, and brokerd needs at least 192",
    ]);
  });

  it("brokerctl prints no stack", async () => {
    const low = await limited(24, [process.execPath, resolve("dist/brokerctl.js"), "status"]);
    // Node 20 opens more files at once than 24 does, for which these are enough.
    expect(low.stderr).toMatch(/^brokerctl: error: .*(?:limit of open files is too low|brokerd is not running)/);
    expect(low.stderr).not.toMatch(/^\s+at /m);
    const started = await limited(64, [process.execPath, resolve("dist/brokerctl.js"), "start"]);
    expect(started.stderr).toContain("the limit of open files is 64");
    expect(started.stderr).not.toMatch(/^\s+at /m);
  });

  it("brokerd serves with the least that it asks for", async () => {
    await broker.start([], [], ["prlimit", "--nofile=192:192"]);
    expect((await broker.call("status", {})).daemon.endpoint).not.toBeNull();
  });
});

const EXEC_LIMITED = `
  const [files, ...command] = process.argv.slice(1);
  const limit = "--nofile=" + files + ":" + files;
  process.exitCode = require("node:child_process").spawnSync("prlimit", [limit, ...command], { stdio: "inherit" }).status;
`;
