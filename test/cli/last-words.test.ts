import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { changesFor } from "../../src/cli/access/variables.js";
import { type Outcome, run } from "../support/broker.js";
import { chunkOf } from "../support/bundles.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

const BROKERCTL = resolve("dist/brokerctl.js");
const UNSETS = changesFor({}, {}).unset;

let fixture: CliFixture;
let env: Record<string, string>;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" });
  env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("user"), CREDBROKER_HOME: fixture.home };
  // An earlier evaluation, which must not be used any more.
  for (const name of UNSETS) env[name] = "old";
});

/** In a shell, whose last word says what the evaluation left behind. */
async function evaluated(command: string, extra: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const script = `eval "$(${command})"; echo "$? \${AWS_ACCESS_KEY_ID-none} \${AWS_CONTAINER_CREDENTIALS_FULL_URI-none}"`;
  const child = spawn("sh", ["-c", script], { env: { ...env, ...extra }, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

const ENV = `${process.execPath} ${BROKERCTL} env`;
const FAILED = "1 none none\n";

/** Code that runs before ours: the process says that it is an old Node. */
function oldNode(version: string): Record<string, string> {
  const path = join(tempDir("preload"), "old-node.cjs");
  writeFileSync(path, `Object.defineProperty(process.versions, "node", { value: ${JSON.stringify(version)} });`);
  return { NODE_OPTIONS: `--require ${path}` };
}

/** An installation of its own, of which something can be taken away. */
function installation(): string {
  const root = tempDir("installation");
  cpSync("dist", join(root, "dist"), { recursive: true });
  cpSync("package.json", join(root, "package.json"));
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  return root;
}

describe("env, whose output a shell evaluates", () => {
  it("works in a directory that has been removed", async () => {
    const gone = tempDir("gone");
    const { stdout, stderr } = await evaluated(`cd ${gone} && rmdir ${gone} && ${ENV}`);
    expect(stdout).toMatch(/^0 none http:\/\/127\.0\.0\.1:\d+\/lease\/brk_/);
    expect(stderr).not.toContain("uv_cwd");
  });

  it.each([
    ["env", "env dev --as nonsense"],
    ["lambda env", "lambda env orders --via dev"],
  ])("drops the old keys when it fails in a removed directory: %s", async (_, args) => {
    const gone = tempDir("gone");
    const { stdout, stderr } = await evaluated(
      `cd ${gone} && rmdir ${gone} && ${process.execPath} ${BROKERCTL} ${args}`,
    );
    expect(stdout).toBe(FAILED);
    expect(stderr).toMatch(/^brokerctl: error: /);
    expect(stderr).not.toContain("    at ");
  });

  it("drops them with a home that is empty, and without a home at all", async () => {
    delete env["CREDBROKER_HOME"];
    env["HOME"] = "";
    const { stdout, stderr } = await evaluated(ENV);
    expect(stdout).toBe(FAILED);
    expect(stderr).toContain("HOME is not set, or empty");
  });

  it("drops them on a Node that is too old, and says what it needs", async () => {
    const { stdout, stderr } = await evaluated(ENV, oldNode("20.18.3"));
    expect(stdout).toBe(FAILED);
    expect(stderr).toContain("brokerctl needs Node.js 20.19 or newer, and was started by 20.18.3");
    const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
    expect(engines.node).toBe(">=20.19");
    expect((await evaluated(ENV, oldNode("20.19.0"))).stdout).toMatch(/^0 /);
  });

  it.each([
    ["the commands", chunkOf("src/cli/commands/env.ts", "brokerctl")],
    ["the package's own description", "package.json"],
    ["everything beside its first file", "dist/chunks"],
    ["a file that is there and cut short", ""],
  ])("drops the variables of an earlier evaluation where an installation lacks %s", async (_, file) => {
    const root = installation();
    if (file === "") writeFileSync(join(root, chunkOf("src/cli/commands/env.ts", "brokerctl")), "module.exports = {");
    else rmSync(join(root, file), { recursive: true });
    const { stdout, stderr } = await evaluated(`${process.execPath} ${join(root, "dist/brokerctl.js")} env`);
    expect(stdout).toBe(FAILED);
    expect(stderr).toMatch(
      /^brokerctl: error: this installation is not whole: .*\nbrokerctl: hint: install credbroker again\n$/,
    );
  });

  it("says the same for fish, PowerShell and programs where nothing of ours can be loaded", async () => {
    const root = installation();
    rmSync(join(root, "dist", "chunks"), { recursive: true });
    const text = async (format: string): Promise<string> =>
      (await run([join(root, "dist/brokerctl.js"), "env", "--format", format], { env })).stdout;
    for (const name of UNSETS) expect(await text("sh")).toContain(name);
    expect(await text("fish")).toMatch(/^set -e AWS_ACCESS_KEY_ID .*; true;\nfalse;\n$/);
    expect(await text("powershell")).toMatch(/^Remove-Item .*'Env:AWS_PROFILE'.*;\n.*LASTEXITCODE = 1/);
    expect(JSON.parse(await text("json"))).toEqual({ set: {}, unset: expect.arrayContaining([...UNSETS]) as unknown });
    expect(await text("dotenv")).toBe("");
  }, 30_000);

  it("drops them when it is ended while it waits", async () => {
    await fixture.control.close();
    // Takes connections and never answers: a daemon that hangs.
    const silent = createServer();
    silent.listen(join(fixture.home, "run", "control.sock"));
    const child = spawn(process.execPath, [BROKERCTL, "env"], { env, stdio: ["ignore", "pipe", "ignore"] });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    await once(silent, "connection");
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([null, "SIGTERM"]);
    expect(stdout).toMatch(/^unset AWS_ACCESS_KEY_ID .*;\nfalse\n$/);
    silent.close();
  });
});

describe("the other commands", () => {
  it.each([["roles"], ["status"], ["exec dev -- true"], ["completion bash"], ["--help"]])(
    "work in a removed directory too: %s",
    async (args) => {
      const gone = tempDir("gone");
      const { stdout, stderr } = await evaluated(
        `cd ${gone} && rmdir ${gone} && ${process.execPath} ${BROKERCTL} ${args} > /dev/null && echo true`,
      );
      expect([stdout, stderr]).toEqual(["0 old old\n", ""]);
    },
  );

  it("name the directory where they need it", async () => {
    const gone = join(tempDir("gone"), "sub");
    mkdirSync(gone);
    const { stderr } = await evaluated(
      `cd ${gone} && rmdir ${gone} && ${process.execPath} ${BROKERCTL} config check x`,
    );
    expect(stderr).toBe("brokerctl: error: the current directory has been removed\nbrokerctl: hint: cd\n");
  });

  it("tell a broken installation in one sentence, as JSON where that is asked for", async () => {
    const root = installation();
    rmSync(join(root, chunkOf("src/cli/commands/doctor.ts", "brokerctl")));
    const { code, stdout, stderr } = await run([join(root, "dist/brokerctl.js"), "doctor", "--json"], { env });
    expect([code, stdout]).toEqual([1, ""]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "InternalError", hint: "install credbroker again" } });
  });
});
