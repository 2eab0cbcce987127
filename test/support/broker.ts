import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import { BROKERCTL } from "./brokerctl.js";
import { tempDir } from "./temp-dir.js";

const BROKERD = resolve("dist/brokerd.js");

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The real programs in a home of their own, with nothing of this machine's user in their environment. */
export class TestBroker {
  readonly home: string;
  readonly userHome: string;
  readonly env: Readonly<Record<string, string>>;
  /** What is started as brokerd. */
  entry = BROKERD;
  #daemon: ChildProcess | undefined;

  private constructor(name: string, env: Readonly<Record<string, string>>) {
    this.home = tempDir(name);
    this.userHome = join(this.home, "user");
    mkdirSync(this.userHome, { mode: 0o700 });
    this.env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.userHome,
      CREDBROKER_HOME: this.home,
      CREDBROKER_LOG_LEVEL: "debug",
      ...env,
    };
  }

  /** A home with `config` (YAML without version, secret_store and port) and nothing running. */
  static async create(options: { name: string; config?: string; env?: Record<string, string> }): Promise<TestBroker> {
    const broker = new TestBroker(options.name, options.env ?? {});
    if (options.config !== undefined) await broker.configure(options.config);
    return broker;
  }

  get configFile(): string {
    return join(this.home, "config.yaml");
  }

  async configure(yaml: string): Promise<void> {
    const head = `version: 1\nsecret_store: key_file\nendpoint: { port: ${await freePort()} }\n`;
    writeFileSync(this.configFile, head + yaml, { mode: 0o600 });
  }

  /** Starts brokerd itself, in the foreground, logging to a file in its home; resolves when it answers. */
  async start(
    args: readonly string[] = [],
    nodeArgs: readonly string[] = [],
    [wrapper, ...wrapperArgs]: readonly string[] = [],
  ): Promise<void> {
    const log = join(this.home, "state", "brokerd.log");
    mkdirSync(join(this.home, "state"), { recursive: true, mode: 0o700 });
    const command = [...nodeArgs, this.entry, "--log-file", log, ...args];
    const wrapped = wrapper === undefined ? command : [...wrapperArgs, process.execPath, ...command];
    const child = spawn(wrapper ?? process.execPath, wrapped, {
      env: this.env,
      stdio: "ignore",
    });
    this.#daemon = child;
    const ended = once(child, "exit").then(() => {
      throw new Error(`brokerd ended at start:\n${this.log()}`);
    });
    ended.catch(() => undefined);
    await Promise.race([this.answering(), ended]);
  }

  /** Start, data key, keys: what `init` and `keys add` do for a user. */
  async startWithKey(
    key: { source: string; accessKeyId: string; secretAccessKey: string },
    nodeArgs: readonly string[] = [],
  ): Promise<void> {
    await this.start([], nodeArgs);
    await this.call("store-create", {});
    await this.call("keys-add", { ...key, replace: false });
  }

  call<O extends ControlOperation>(operation: O, request: ControlRequest<O>): Promise<ControlResponse<O>> {
    const socketPath = join(this.home, "run", "control.sock");
    return createControlClient({ socketPath, version: "test" }).call(operation, request);
  }

  /** Runs brokerctl to its end. */
  ctl(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return runProgram([...BROKERCTL, ...args], { ...options, env: { ...this.env, ...options.env } });
  }

  /** With the rotated files: a test may run over midnight, or set the clock beyond it. */
  log(): string {
    const state = join(this.home, "state");
    const rotated = readdirSync(state).flatMap((name) => /^brokerd\.log\.(\d+)$/.exec(name)?.[1] ?? []);
    const oldestFirst = rotated.map(Number).sort((a, b) => b - a);
    return [...oldestFirst.map((index) => `brokerd.log.${index}`), "brokerd.log"]
      .map((name) => readFileSync(join(state, name), { encoding: "utf8", flag: "a+" }))
      .join("");
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Of brokerd, while it runs. */
  get process(): ChildProcess | undefined {
    return this.#daemon;
  }

  /** Orderly, or by SIGKILL; resolves when the process is gone. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#daemon;
    this.#daemon = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  /** Resolves when the control socket answers. */
  async answering(): Promise<void> {
    for (;;) {
      const ok = await this.call("status", {}).then(
        () => true,
        () => false,
      );
      if (ok) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Runs Node with these arguments; stdout and stderr are collected. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runProgram([process.execPath, ...args], options);
}

/** The same of any program. */
export async function runProgram(
  [file, ...args]: readonly [string, ...string[]],
  { input, env = {} }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  child.stdin.on("error", () => undefined).end(input ?? "");
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/**
 * Below the ranges from which Linux and macOS take the ports of outgoing connections: there, a call of another program, or
 * a test server on port 0, could take it before brokerd does.
 */
const FIRST_PORT = 20_000;
const PORTS_END = 32_768;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, PORTS_END);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server
      .once("error", () => resolve(false))
      .listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(true));
  });
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}
