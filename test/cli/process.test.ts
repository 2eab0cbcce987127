import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { type Outcome, type RunOptions, runProgram } from "../support/broker.js";
import { BROKERCTL, BROKERCTL_IN_SHELL } from "../support/brokerctl.js";
import { canarySecretKey } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { makeCopiesFor } from "../support/copies.js";
import { tempDir } from "../support/temp-dir.js";

let fixture: CliFixture;
let env: Record<string, string>;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.knowsLaunches = true;
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" });
  env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("user", "input"), CREDBROKER_HOME: fixture.home };
  await makeCopiesFor(env);
});

function ctl(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runProgram([...BROKERCTL, ...argv], { ...options, env: { ...env, ...options.env } });
}

describe("the program", () => {
  it("tells its version without a home, a config or a daemon", async () => {
    const { code, stdout } = await ctl(["--version"], { env: { CREDBROKER_HOME: "not/absolute" } });
    expect([code, stdout]).toEqual([0, "brokerctl 0.1.0\n"]);
  });

  it("exits with 2 and the fix where no place can be named", async () => {
    const { code, stderr } = await ctl(["status"], { env: { CREDBROKER_HOME: "not/absolute" } });
    expect(code).toBe(2);
    expect(stderr).toContain("CREDBROKER_HOME is not an absolute path");
  });

  it("sends nothing into a socket directory that others can write to", async () => {
    chmodSync(`${fixture.home}/run`, 0o777);
    const { code, stderr } = await ctl(["status"]);
    expect([code, fixture.control.calls]).toEqual([2, []]);
    expect(stderr).toContain(`chmod 700 ${fixture.home}/run`);
  });

  it("names the state directory that brokerd refuses, and its fix", async () => {
    const home = tempDir("open-state");
    writeFileSync(`${home}/config.yaml`, "version: 1\nsecret_store: key_file\nendpoint: { port: 1 }\n", {
      mode: 0o600,
    });
    mkdirSync(`${home}/state`);
    chmodSync(`${home}/state`, 0o755);
    const { code, stderr } = await ctl(["start"], { env: { CREDBROKER_HOME: home } });
    expect(code).toBe(2);
    expect(stderr).toContain(`chmod 700 ${home}/state`);
  });

  it("reads a secret from a pipe", async () => {
    const argv = ["keys", "add", "ops", "--access-key-id", "AKIAIOSFODNN7EXAMPLE", "--secret-stdin"];
    const secret = canarySecretKey("pipe");
    const { code, stdout, stderr } = await ctl(argv, { input: `${secret}\n` });
    expect([code, fixture.control.secrets.get("ops")]).toEqual([0, secret]);
    expect(stdout + stderr).not.toContain(secret);
  });

  it.runIf(existsSync("/dev/full")).each([
    ["env", ["env"]],
    ["env ROLE", ["env", "dev"]],
    ["credential-process", ["credential-process", "dev"]],
  ])("fails when its output cannot be written: %s", async (_, words) => {
    const argv = ["-c", `exec ${BROKERCTL_IN_SHELL} "$@" > /dev/full`, "sh", ...words];
    const child = spawn("sh", argv, { env, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(stderr).toContain("no space left on device");
  });

  it("does not fail when the reader of its output has enough", async () => {
    for (let index = 0; index < 3000; index++) fixture.control.addRole(`role-${String(index).padStart(60, "0")}`);
    const child = spawn("sh", ["-c", `${BROKERCTL_IN_SHELL} roles | head -1; true`], { env });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, "close");
    expect(stderr).toBe("");
  });

  it("dies of the signal at `logs -f`", async () => {
    const child = spawn(BROKERCTL[0], [...BROKERCTL.slice(1), "logs", "-f"], { env });
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([null, "SIGINT"]);
  });

  it("gives a shell a lease to eval, and takes it away again when it fails", async () => {
    const script = `
      eval "$(${BROKERCTL_IN_SHELL} env dev)" && echo "uri=$AWS_CONTAINER_CREDENTIALS_FULL_URI region=$AWS_REGION key=$AWS_ACCESS_KEY_ID"
      eval "$(${BROKERCTL_IN_SHELL} env nosuch 2>/dev/null)" || echo "failed uri=$AWS_CONTAINER_CREDENTIALS_FULL_URI"`;
    const child = spawn("sh", ["-c", script], {
      env: { ...env, AWS_ACCESS_KEY_ID: "old" },
    });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    await once(child, "close");
    expect(stdout).toMatch(/^uri=http:\/\/127\.0\.0\.1:\d+\/lease\/brk_\S+ region=eu-west-1 key=\nfailed uri=\n$/);
  });
});
