import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { SERVED } from "../fakes/fake-control.js";
import type { FakeLaunch } from "../fakes/fake-launch.js";
import { type Outcome, type RunOptions, runProgram } from "../support/broker.js";
import { BROKERCTL, BROKERCTL_IN_SHELL } from "../support/brokerctl.js";
import { canarySecretKey } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { makeCopiesFor } from "../support/copies.js";
import { tempDir } from "../support/temp-dir.js";

const NODE = process.execPath;
const PRINT_ENV = [NODE, "-e", "process.stdout.write(JSON.stringify(process.env))"];

let fixture: CliFixture;
let env: Record<string, string>;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.knowsLaunches = true;
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" }).addRole("prod");
  env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("user", "input"), CREDBROKER_HOME: fixture.home };
  await makeCopiesFor(env);
});

/** The real program in a process of its own. */
function ctl(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runProgram([...BROKERCTL, ...argv], { ...options, env: { ...env, ...options.env } });
}

async function envOf(argv: readonly string[], extra: Record<string, string> = {}): Promise<Record<string, string>> {
  const { stdout, stderr } = await ctl(["exec", ...argv, "--", ...PRINT_ENV], { env: extra });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string>;
}

const leases = (): string[] => fixture.control.leases.map(({ kind }) => kind);

describe("what exec runs", () => {
  it("has both variables of the region where the environment has one and the role names none", async () => {
    expect(await envOf(["prod"], { AWS_REGION: "x" })).toMatchObject({ AWS_REGION: "x", AWS_DEFAULT_REGION: "x" });
    expect(await envOf(["prod"], { AWS_DEFAULT_REGION: "x" })).toMatchObject({ AWS_REGION: "x" });
    expect(await envOf(["dev"], { AWS_REGION: "x" })).toMatchObject({ AWS_DEFAULT_REGION: "eu-west-1" });
    expect(await envOf(["prod"])).not.toHaveProperty("AWS_DEFAULT_REGION");
  });

  it("finds its credentials by header, and nothing that would win over them", async () => {
    const seen = await envOf(["dev"], {
      AWS_ACCESS_KEY_ID: "AKIAOLD",
      AWS_PROFILE: "old",
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/old",
      "AWS_MY-STAGE_PROFILE": "old",
      no_proxy: "corp.example",
    });
    expect(seen).toMatchObject({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/creds`,
      AWS_REGION: "eu-west-1",
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_EC2_METADATA_DISABLED: "true",
      NO_PROXY: "corp.example,127.0.0.1,localhost",
      no_proxy: "corp.example,127.0.0.1,localhost",
    });
    expect(seen["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).toMatch(/^brk_/);
    for (const name of [
      "AWS_ACCESS_KEY_ID",
      "AWS_PROFILE",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
      "AWS_MY-STAGE_PROFILE",
    ]) {
      expect(seen).not.toHaveProperty([name]);
    }
  });

  it("gets copies of ~/.aws without keys, always", async () => {
    const aws = join(env["HOME"]!, ".aws");
    mkdirSync(aws);
    writeFileSync(join(aws, "config"), "[default]\ns3 =\n  max_queue_size = 7\ncredential_process = /bin/evil\n");
    writeFileSync(join(aws, "credentials"), `[default]\naws_secret_access_key = ${canarySecretKey("creds")}\n`);
    const seen = await envOf(["dev"]);
    const config = readFileSync(seen["AWS_CONFIG_FILE"]!, "utf8");
    expect(config).toContain("max_queue_size = 7");
    expect(seen["AWS_SDK_LOAD_CONFIG"]).toBe("1");
    expect(config).not.toContain("evil");
    expect(readFileSync(seen["AWS_SHARED_CREDENTIALS_FILE"]!, "utf8")).not.toContain("aws_secret");
    // The SDK v1 for Java knows the file by this name alone.
    expect(seen["AWS_CREDENTIAL_PROFILES_FILE"]).toBe(seen["AWS_SHARED_CREDENTIALS_FILE"]);
  });

  it("puts an empty file in the place of boto 2's where that holds AWS keys, and leaves gsutil's alone", async () => {
    const boto = join(env["HOME"]!, ".boto");
    writeFileSync(boto, "[Credentials]\n#aws_access_key_id = <yours>\ngs_access_key_id = GOOG1\n");
    expect(await envOf(["dev"])).not.toHaveProperty("BOTO_CONFIG");
    const secret = canarySecretKey("boto");
    writeFileSync(boto, `[Credentials]\naws_access_key_id = AKIABOTO000000000000\naws_secret_access_key = ${secret}\n`);
    const seen = await envOf(["dev"]);
    expect(seen["BOTO_CONFIG"]).toBe(seen["AWS_SHARED_CREDENTIALS_FILE"]);
    expect(readFileSync(seen["BOTO_CONFIG"]!, "utf8")).toMatch(/^#.*\n$/);
  });

  it.each([
    ["url", { AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringContaining("/lease/brk_") as string }],
    ["static", { AWS_ACCESS_KEY_ID: SERVED.accessKeyId, AWS_SECRET_ACCESS_KEY: SERVED.secretAccessKey }],
  ])("has its credentials in the form that --as %s names", async (form, expected) => {
    expect(await envOf(["dev", "--as", form])).toMatchObject(expected);
    await expect.poll(leases).toEqual(["default"]);
  });

  it("finds the token's file while it runs, and the file is gone afterwards", async () => {
    const print =
      "const f=process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;console.log(f);console.log(require('fs').readFileSync(f,'utf8'))";
    const { stdout } = await ctl(["exec", "dev", "--as", "token-file", "--", NODE, "-e", print]);
    const [path = "", token] = stdout.split("\n");
    expect(token).toMatch(/^brk_[\w-]{43}$/);
    expect(existsSync(path)).toBe(false);
  });

  it("gets stdin whole, arguments as they are, and passes stdout, stderr and exit code", async () => {
    const input = `${"x".repeat(1_000_000)}\n`;
    const script =
      "process.stdin.pipe(process.stdout);console.error(JSON.stringify(process.argv.slice(1)));process.exitCode=7";
    const odd = ["--json", "--", "a b", "$HOME", "", "*", "-n"];
    const { code, stdout, stderr } = await ctl(["exec", "dev", "--", NODE, "-e", script, "--", ...odd], { input });
    expect([code, stdout === input]).toEqual([7, true]);
    expect(JSON.parse(stderr)).toEqual(odd);
  });

  it("is $SHELL where nothing is named", async () => {
    const shell = join(fixture.home, "my-shell");
    writeFileSync(shell, "#!/bin/sh\necho my shell\n");
    chmodSync(shell, 0o700);
    expect((await ctl(["exec", "dev"], { env: { SHELL: shell } })).stdout).toBe("my shell\n");
  });
});

describe("the lease of exec", () => {
  it("belongs to the child, and ends with it", async () => {
    const go = join(fixture.home, "go");
    const script = `const look=setInterval(()=>{if(fs.existsSync(${JSON.stringify(go)})){clearInterval(look);console.log(process.pid)}},5)`;
    const running = ctl(["exec", "dev", "--for", "10m", "--", NODE, "-e", script]);
    await untilHandedOver();
    writeFileSync(go, "");
    const { stdout } = await running;
    expect(fixture.control.requests("lease-child")).toMatchObject([{ role: "dev", forSeconds: 600 }]);
    expect(fixture.control.requests("lease-hand-over")).toEqual([{ id: "lease-2", pid: Number(stdout) }]);
    await expect.poll(() => fixture.control.requests("lease-revoke")).toEqual([{ lease: { by: "id", id: "lease-2" } }]);
    await expect.poll(leases).toEqual(["default"]);
  });

  it("stays with the child when brokerctl is killed", async () => {
    const { child, childPid } = await started("setTimeout(()=>{},600000)");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(fixture.control.leases[1]).toMatchObject({ holderPid: childPid });
    process.kill(childPid);
  });

  it("follows the default lease where no role is named, or has the role of this shell's own", async () => {
    fixture.control.defaultRole = "prod";
    fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "prod" }));
    await ctl(["exec", "--", "true"]);
    const own = fixture.control.addLease("child", { role: "dev" });
    await ctl(["exec", "--", "true"], {
      env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/lease/${own.token}` },
    });
    expect(fixture.control.requests("lease-child")).toMatchObject([{ role: null }, { role: null, like: own.token }]);
    expect(fixture.control.requests("warm")).toEqual([{ role: "prod" }, { role: "dev" }]);
  });

  it("is a named one when told, which stays", async () => {
    const { token } = fixture.control.addLease("named", { name: "ide", role: "dev" });
    const seen = await envOf(["--lease", "ide"]);
    expect(seen["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).toBe(token);
    await expect.poll(leases).toEqual(["default", "named"]);
  });
});

describe("how exec ends", () => {
  it.each([
    ["not found", ["nosuch-command-here"], 127],
    ["not executable", ["/etc/passwd"], 126],
    ["a directory", ["/"], 126],
  ])("CMD %s", async (_, command, code) => {
    const result = await ctl(["exec", "dev", "--", ...command]);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(command[0]);
    await expect.poll(leases).toEqual(["default"]);
  });

  it.each(["SIGTERM", "SIGKILL", "SIGINT", "SIGSEGV", "SIGPIPE"] as const)(
    "dies of %s as CMD did, its lease ended",
    async (signal) => {
      const result = await ctl(["exec", "dev", "--", "sh", "-c", `kill -${signal.slice(3)} $$`]);
      expect(result.signal).toBe(signal);
      await expect.poll(leases).toEqual(["default"]);
    },
  );

  it.each<[string, string[], number]>([
    ["an unknown role", ["nosuch"], 125],
    ["no role chosen", [], 125],
    ["an unknown lease", ["--lease", "nosuch"], 125],
    ["wrong flags", ["--for", "soon"], 2],
    ["a flag of a later version", ["--bind"], 2],
  ])("with a code of its own where exec itself fails: %s", async (_, argv, code) => {
    const result = await ctl(["exec", ...argv, "--", "sh", "-c", "echo ran"]);
    expect([result.code, result.stdout]).toEqual([code, ""]);
    expect(result.stderr).toContain("brokerctl: error:");
  });

  it("125 when AWS denies the role, 4 when a login is missing", async () => {
    fixture.control.failing.set("dev", { code: "AssumeRoleDenied", message: "not authorized" });
    expect(await ctl(["exec", "dev", "--", "true"])).toMatchObject({ code: 125 });
    fixture.control.needMfa("prod", "123456");
    expect(await ctl(["exec", "prod", "--", "true"])).toMatchObject({ code: 4 });
  });

  it("125 without a daemon", async () => {
    await fixture.control.close();
    expect(await ctl(["exec", "dev", "--", "true"], { env: { CREDBROKER_NO_AUTOSTART: "1" } })).toMatchObject({
      code: 125,
    });
  });

  it("ends with CMD's code when the daemon has gone meanwhile", async () => {
    const { child, ended } = await started("process.on('SIGTERM',()=>process.exit(9));setTimeout(()=>{},600000)");
    await fixture.control.close();
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 9 });
  });
});

describe("a notice of brokerd to exec", () => {
  const TEXT = "the login of corp ends at 14:05, in 15 min: brokerctl login corp";

  /** Sent to each of these commands while its CMD runs; CMD ends when one has shown it. What each wrote, terminal and pipe alike. */
  async function told(...starts: readonly ((command: string) => ChildProcess)[]): Promise<readonly string[]> {
    const go = join(tempDir("go"), "go");
    const launches: FakeLaunch[] = [];
    fixture.control.onLaunch = (launch) => void launches.push(launch);
    const texts = starts.map(() => "");
    const ends = starts.map((start, index) => {
      const child = start(`sh -c 'until [ -e ${go} ]; do sleep 0.05; done; echo end'`);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on("data", (bytes: Buffer) => (texts[index] = `${texts[index] ?? ""}${bytes.toString()}`));
      }
      return once(child, "close");
    });
    await expect.poll(() => fixture.control.requests("lease-hand-over").length).toBe(starts.length);
    for (const launch of launches) launch.notice(TEXT);
    await expect.poll(() => texts.some((text) => text.includes(TEXT))).toBe(true);
    writeFileSync(go, "");
    await Promise.all(ends);
    return texts;
  }

  const line = (flags: string) => (command: string) => `${BROKERCTL_IN_SHELL} exec dev ${flags}-- ${command}`;
  const onTerminal =
    (flags = "") =>
    (command: string): ChildProcess =>
      spawn("script", ["-qec", line(flags)(command), "/dev/null"], { env: { ...env, SHELL: "/bin/sh" } });
  const inPipe = (command: string): ChildProcess => spawn("/bin/sh", ["-c", line("")(command)], { env });

  it("is a line where stderr is a terminal, while CMD goes on, and nothing in a pipe", async () => {
    expect(await told(onTerminal(), inPipe)).toEqual([`brokerctl: ${TEXT}\r\nend\r\n`, "end\n"]);
  });

  it("is not shown with --quiet", async () => {
    expect(await told(onTerminal("--quiet "), onTerminal())).toEqual(["end\r\n", `brokerctl: ${TEXT}\r\nend\r\n`]);
  });
});

describe("signals to exec", () => {
  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const)(
    "pass on to CMD: %s",
    async (signal) => {
      const { child, ended } = await started(
        `process.on('${signal}',()=>{console.log('got ${signal}');process.exit(42)});setTimeout(()=>{},600000)`,
      );
      child.kill(signal);
      expect(await ended).toMatchObject({ code: 42, stdout: expect.stringContaining(`got ${signal}`) as string });
      await expect.poll(leases).toEqual(["default"]);
    },
  );

  it("do not end brokerctl while CMD goes on", async () => {
    const { child, ended } = await started(
      "let n=0;process.on('SIGTERM',()=>{if(++n===2)process.exit(3);console.log('once')});setTimeout(()=>{},600000)",
    );
    child.kill("SIGTERM");
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 3 });
  });
});

/** `exec dev` of a Node script that has begun to run and listens to its signals. */
async function started(script: string): Promise<{ child: ChildProcess; childPid: number; ended: Promise<Outcome> }> {
  const [file, ...first] = BROKERCTL;
  const words = [...first, "exec", "dev", "--", NODE, "-e", `${script};console.log(process.pid)`];
  const child = spawn(file, words, { env });
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ready = new Promise<number>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      resolve(Number(stdout.split("\n")[0]));
    });
    child.once("exit", () => reject(new Error(`it ended: ${stderr}`)));
  });
  const ended = (once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>).then(([code, signal]) => {
    return { code, signal, stdout, stderr };
  });
  const childPid = await ready;
  await untilHandedOver();
  return { child, childPid, ended };
}

async function untilHandedOver(): Promise<void> {
  while (fixture.control.requests("lease-hand-over").length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}
