import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { DAEMON_NODE_FLAGS } from "../../src/system/node-flags.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { acceptedConnections } from "../support/accepted-connections.js";
import { TestBroker } from "../support/broker.js";
import { awsOptions, get, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

const LAUNCHER = resolve("bin/brokerd");
const BROKERD = resolve("dist/brokerd.js");

const started: ChildProcess[] = [];
let aws: FakeAws | undefined;
let broker: TestBroker;

afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await aws?.close();
  aws = undefined;
});

interface Started {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

function launch(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  // In its home: what an option of Node writes does not land in the repository.
  const place = { cwd: broker.home, env: { ...broker.env, ...env } };
  const child = spawn(command, args, { ...place, stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let stderr = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, stderr: () => stderr, ended };
}

/** Resolves when it answers; rejects with what it said when it ends instead. */
async function answering({ ended, stderr }: Started): Promise<void> {
  const died = ended.then(() => {
    throw new Error(stderr());
  });
  died.catch(() => undefined);
  await Promise.race([broker.answering(), died]);
}

async function fixture(config = ROLES_YAML): Promise<void> {
  aws = await startFakeAws(awsOptions());
  broker = await TestBroker.create({ name: "process", config, env: { AWS_ENDPOINT_URL: aws.url } });
}

/** A file that leaves a mark when Node loads it. */
function intruder(): { readonly path: string; readonly wasLoaded: () => boolean } {
  const directory = tempDir("intruder");
  const path = join(directory, "intruder.cjs");
  writeFileSync(path, `require("node:fs").writeFileSync(${JSON.stringify(join(directory, "mark"))}, "");`);
  return { path, wasLoaded: () => readdirSync(directory).includes("mark") };
}

/** A client that begins a request and does not go on. */
function stall(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined).write("GET /creds HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  return socket;
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  const isTaken = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  socket.destroy();
  return isTaken;
}

async function until(look: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("bin/brokerd", () => {
  it("obeys nothing of NODE_OPTIONS, NODE_PATH and the like, and starts", async () => {
    await fixture();
    const { path, wasLoaded } = intruder();
    const keys = join(tempDir("keylog"), "keys");
    const daemon = launch(LAUNCHER, [], {
      NODE_OPTIONS: `--require ${path} --inspect=127.0.0.1:0 --tls-keylog=${keys}`,
      NODE_PATH: dirname(path),
      NODE_REPL_EXTERNAL_MODULE: path,
      NODE_V8_COVERAGE: join(dirname(path), "coverage"),
      LD_PRELOAD: "",
    });
    await answering(daemon);
    expect(wasLoaded()).toBe(false);
    expect(daemon.stderr()).not.toContain("Debugger listening");
    const inherited = readFileSync(`/proc/${daemon.child.pid}/environ`, "utf8");
    expect(inherited).not.toMatch(/NODE_OPTIONS|NODE_PATH|NODE_REPL|NODE_V8_COVERAGE|LD_PRELOAD/);
    daemon.child.kill("SIGTERM");
    expect(await daemon.ended).toEqual([0, null]);
  });

  it("starts Node itself, in its own place, with the flags of every other start", async () => {
    await fixture();
    const daemon = launch(LAUNCHER, []);
    await answering(daemon);
    const words = readFileSync(`/proc/${daemon.child.pid}/cmdline`, "utf8").split("\0").slice(1, -1);
    expect(words.filter((word) => word !== "--disable-sigusr1")).toEqual([...DAEMON_NODE_FLAGS, BROKERD]);
    expect(readFileSync(`/proc/${daemon.child.pid}/limits`, "utf8")).toMatch(/Max core file size\s+0\s+0/);
  });

  it("finds its place through links, relative ones and directories with spaces too", async () => {
    await fixture();
    const directory = join(tempDir("links"), "with spaces -x");
    mkdirSync(join(directory, "bin"), { recursive: true });
    symlinkSync(LAUNCHER, join(directory, "real"));
    symlinkSync("../real", join(directory, "bin", "brokerd"));
    const { child, ended } = launch(join(directory, "bin", "brokerd"), ["--version"], { CDPATH: directory });
    expect(child.pid).toBeDefined();
    expect(await ended).toEqual([0, null]);
  });

  it("says what is missing where there is no Node", async () => {
    await fixture();
    const tools = join(tempDir("tools"), "bin");
    mkdirSync(tools);
    for (const tool of ["sh", "readlink", "dirname"]) symlinkSync(`/usr/bin/${tool}`, join(tools, tool));
    const { ended, stderr } = launch(LAUNCHER, [], { PATH: tools });
    expect(await ended).toEqual([1, null]);
    expect(stderr()).toContain("node is not in PATH");
  });

  it.each([
    ["v14.21.3", 1],
    ["v9.0.0", 1],
    ["v20.9.0", 1],
    ["v20.18.3", 1],
    ["v20.19.0", 0],
    ["v22.0.0", 0],
    ["v100.0.0", 0],
  ])("says what it needs where Node is %s: exit %i", async (version, code) => {
    await fixture();
    const tools = tempDir("tools");
    const script = `#!/bin/sh\ncase $* in *--version) echo ${version} ;; esac\n`;
    writeFileSync(join(tools, "node"), script, { mode: 0o755 });
    const { ended, stderr } = launch(LAUNCHER, [], { PATH: `${tools}:/usr/bin:/bin` });
    expect(await ended).toEqual([code, null]);
    expect(stderr().includes(`needs Node.js 20.19 or newer`)).toBe(code === 1);
  });
});

describe("brokerd by itself", () => {
  it.each([
    ["with --inspect", ["--inspect=127.0.0.1:0"], {}],
    ["with --inspect in NODE_OPTIONS", [], { NODE_OPTIONS: "--inspect=127.0.0.1:0" }],
    ["with code preloaded by NODE_OPTIONS", [], { NODE_OPTIONS: "-r node:fs" }],
    ["with a TLS key log in NODE_OPTIONS", [], { NODE_OPTIONS: "--tls-keylog=/dev/null" }],
    [
      "with a snapshot of its memory at a signal in NODE_OPTIONS",
      [],
      { NODE_OPTIONS: "--heapsnapshot-signal=SIGUSR2" },
    ],
  ])("refuses to start %s, and says the fix", async (_, nodeArgs, env) => {
    await fixture();
    const { ended, stderr } = launch(process.execPath, [...nodeArgs, BROKERD], env);
    expect(await ended).toEqual([2, null]);
    expect(stderr()).toContain("env -u NODE_OPTIONS brokerd");
  });

  it.each([
    ["--heapsnapshot-signal=SIGUSR2"],
    ["--heapsnapshot-near-heap-limit=1"],
    ["--report-on-signal"],
    ["--report-uncaught-exception"],
    ["--heap-prof"],
    ["--cpu-prof"],
    ["--diagnostic-dir=."],
    ["--trace-event-categories", "node"],
    ["--import", "data:text/javascript,"],
  ])("refuses to start with %s before its script, and names it", async (...nodeArgs) => {
    await fixture();
    const { ended, stderr } = launch(process.execPath, [...nodeArgs, BROKERD]);
    expect(await ended).toEqual([2, null]);
    expect(stderr()).toContain(`node was started with ${nodeArgs[0].split("=")[0]}`);
  });

  it("refuses a CREDBROKER_HOME that others can write to, before anything is made in it", async () => {
    await fixture();
    chmodSync(broker.home, 0o777);
    const { ended, stderr } = launch(process.execPath, [BROKERD]);
    expect(await ended).toEqual([2, null]);
    expect(stderr()).toContain(`brokerd: hint: chmod go-w ${broker.home}\n`);
    expect(existsSync(join(broker.home, "state"))).toBe(false);
    expect(await broker.ctl(["status"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`chmod go-w ${broker.home}`) as unknown,
    });
  });

  it("takes limits of memory from NODE_OPTIONS", async () => {
    await fixture();
    const daemon = launch(process.execPath, [BROKERD], { NODE_OPTIONS: "--max-old-space-size=256 --no-warnings" });
    await answering(daemon);
  });

  it("opens no inspector for SIGUSR1 or _debugProcess, running or just started", async () => {
    await fixture();
    const daemon = launch(process.execPath, [BROKERD]);
    await answering(daemon);
    (process as unknown as { _debugProcess(pid: number): void })._debugProcess(daemon.child.pid!);
    for (let signal = 0; signal < 5; signal++) daemon.child.kill("SIGUSR1");
    await broker.call("status", {});
    expect(daemon.stderr()).not.toContain("Debugger listening");
    daemon.child.kill("SIGTERM");
    await daemon.ended;

    for (const delay of [20, 60, 120, 200, 300, 450]) {
      const early = launch(process.execPath, [BROKERD]);
      await new Promise((resolve) => setTimeout(resolve, delay));
      early.child.kill("SIGUSR1");
      const outcome = await Promise.race([early.ended, broker.answering()]);
      // In its first moments Node itself still listens to the signal: then nothing was served, or it was too early for Node.
      const isOpen = early.stderr().includes("Debugger listening");
      expect(isOpen).toBe(outcome?.[0] === 2);
      early.child.kill("SIGKILL");
      await early.ended;
    }
  });

  it("leaves no core, and no memory in one, when it aborts", async () => {
    await fixture();
    const directory = tempDir("core");
    const shell = `ulimit -c unlimited 2>/dev/null; cd ${directory} && exec "$0" "$@"`;
    const viaLauncher = launch("/bin/sh", ["-c", shell, LAUNCHER]);
    await answering(viaLauncher);
    viaLauncher.child.kill("SIGABRT");
    expect(await viaLauncher.ended).toEqual([null, "SIGABRT"]);
    expect(readdirSync(directory)).toEqual([]);

    const bare = launch("/bin/sh", ["-c", shell, process.execPath, BROKERD]);
    await answering(bare);
    expect(readFileSync(`/proc/${bare.child.pid}/coredump_filter`, "utf8").trim()).toBe("00000000");
  });

  it("outlives its terminal: streams closed, SIGHUP, and goes on serving", async () => {
    await fixture();
    const daemon = launch(process.execPath, [BROKERD]);
    await answering(daemon);
    daemon.child.stdout?.destroy();
    daemon.child.stderr?.destroy();
    for (let hangup = 0; hangup < 3; hangup++) daemon.child.kill("SIGHUP");
    for (let ask = 0; ask < 5; ask++) await broker.call("config-reload", {});
    expect((await broker.call("status", {})).daemon.pid).toBe(daemon.child.pid);
    daemon.child.kill("SIGTERM");
    expect(await once(daemon.child, "exit")).toEqual([0, null]);
  });

  it("starts without any standard stream, and serves", async () => {
    await fixture();
    const daemon = launch("/bin/sh", ["-c", 'exec "$0" "$@" <&- >&- 2>&-', process.execPath, BROKERD]);
    await answering(daemon);
    await broker.call("config-reload", {});
    daemon.child.kill("SIGTERM");
    expect(await once(daemon.child, "exit")).toEqual([0, null]);
  });

  it("ends with 0 when SIGTERM comes: who was asking is answered, who stalls is cut", async () => {
    await fixture();
    const daemon = launch(process.execPath, [BROKERD]);
    await answering(daemon);
    await broker.call("store-create", {});
    await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    const { leaseUrl } = await broker.call("lease-access", { pinnedRole: "dev" });
    const port = Number(new URL(leaseUrl).port);
    const hold = aws!.faults.hold("AssumeRole");
    const asked = Array.from({ length: 20 }, () => get(leaseUrl));
    await hold.arrived();
    const stalled = stall(port);
    await until(() => acceptedConnections(port) >= 21);
    daemon.child.kill("SIGTERM");
    await until(async () => !(await takesConnections(port)));
    hold.release();

    expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
    // How long it waits is tested with the clock in hand. Here: it was not ended the hard way, five seconds after it was asked.
    expect(await daemon.ended).toEqual([0, null]);
    stalled.destroy();
  });

  it("ends at once when it is asked again", async () => {
    await fixture();
    const daemon = launch(process.execPath, [BROKERD]);
    await answering(daemon);
    const { daemon: view } = await broker.call("status", {});
    const port = Number(new URL(view.endpoint ?? "").port);
    const stalled = stall(port);
    await until(() => acceptedConnections(port) >= 1);
    // Twice within a fifth of a second is one request: so it is asked until it obeys.
    const asking = setInterval(() => daemon.child.kill("SIGTERM"), 50);
    const outcome = await daemon.ended;
    clearInterval(asking);
    // It would be 0 had it waited for the one who stalls.
    expect(outcome).toEqual([1, null]);
    stalled.destroy();
  });

  it("is started by brokerctl without what the environment says of Node", async () => {
    await fixture();
    const { path } = intruder();
    const { code, stderr } = await broker.ctl(["start"], {
      env: { NODE_OPTIONS: "--max-old-space-size=512", NODE_PATH: dirname(path) },
    });
    expect([code, stderr]).toEqual([0, expect.stringContaining("started")]);
    const { pid } = (await broker.call("status", {})).daemon;
    try {
      expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toMatch(/NODE_OPTIONS|NODE_PATH/);
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")).toEqual(
        expect.arrayContaining([...DAEMON_NODE_FLAGS]),
      );
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });
});
