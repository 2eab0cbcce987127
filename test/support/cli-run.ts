import { Readable, Writable } from "node:stream";
import { runCli } from "../../src/cli/cli.js";
import type { CliHost } from "../../src/cli/context.js";
import { type Choice, Interrupted, type Prompts } from "../../src/cli/terminal/prompts.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { Clock } from "../../src/system/clock.js";
import { resolvePaths } from "../../src/system/paths.js";
import type { Supervisor } from "../../src/system/service/supervisor.js";
import type { SpawnedDaemon } from "../../src/system/spawn-daemon.js";
import { NOW } from "../fakes/fake-control.js";

/** `^C` at a question. */
export const CONTROL_C = Symbol("^C");

export interface RunOptions {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the user answers, in order, each with what its question must hold. */
  readonly answers?: readonly (readonly [question: RegExp, answer: string | boolean | typeof CONTROL_C])[];
  /** A user sits there; default: when there are answers. */
  readonly interactive?: boolean;
  readonly stdin?: string;
  readonly clock?: Clock;
  readonly version?: string;
  /** When the command began; default: now. */
  readonly startedAt?: number;
  readonly launchDaemon?: (wantedSince: number) => Promise<SpawnedDaemon>;
  /** Default: a brokerd whose keychain holds nothing of this home. */
  readonly runBrokerd?: CliHost["runBrokerd"];
  readonly supervisor?: Supervisor;
  /** Default: files of no machine. */
  readonly files?: CliHost["files"];
}

export interface RunResult {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Of stdout. */
  readonly json: unknown;
  /** Of stderr: the error object of `--json`. */
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string } | undefined;
  /** Questions that were asked. */
  readonly asked: readonly string[];
  /** The lists to choose from, as they were shown. */
  readonly offered: readonly (readonly Choice[])[];
}

const NO_DATA_KEY = JSON.stringify({ outcome: "absent", account: "data-key:v1:/home", byHand: "true" });

/** Runs a command line in this process, in a world of the test's making. */
export async function runCommand(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const { home, env = {}, answers = [], interactive = answers.length > 0 } = options;
  const written = { stdout: "", stderr: "" };
  const asked: string[] = [];
  const offered: (readonly Choice[])[] = [];
  const paths = resolvePaths({ env: { CREDBROKER_HOME: home }, platform: "linux", homeDir: home, uid: 0 });
  const clock = options.clock ?? new HastyClock();
  const startedAt = options.startedAt ?? clock.now();
  const prompts = scriptedPrompts([...answers], asked, offered);
  const host: CliHost = {
    version: options.version ?? "0.1.0",
    env: { CREDBROKER_HOME: home, ...env },
    cwd: () => options.cwd ?? home,
    pid: process.pid,
    homeDir: home,
    files: options.files ?? { node: "/opt/node/bin/node", brokerctl: "/opt/credbroker/dist/brokerctl.js" },
    clock,
    stdinIsTTY: interactive,
    stdin: () => Readable.from([Buffer.from(options.stdin ?? "")]),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text), isTTY: interactive },
    streams: () => ({ stdout: collecting(written, "stdout"), stderr: collecting(written, "stderr") }),
    endStdout: () => undefined,
    prompts,
    openTerminal: async () =>
      interactive ? { prompts, say: (text) => void asked.push(text), close: () => undefined } : undefined,
    paths: () => paths,
    connect: async (as) =>
      createControlClient({
        ...{ socketPath: paths.controlSocket, version: options.version ?? "0.1.0", timeoutMs: 2000 },
        ...(as && { caller: { pid: process.pid, ...as } }),
      }),
    startedAt: () => startedAt,
    launchDaemon:
      options.launchDaemon ??
      (() => {
        throw new Error("a daemon was started where none should be");
      }),
    runBrokerd: options.runBrokerd ?? (() => Promise.resolve({ code: 0, stdout: NO_DATA_KEY, stderr: "" })),
    supervisor: () => Promise.resolve(options.supervisor),
    mayBeHeld: () => options.supervisor !== undefined,
  };
  const outcome = await runCli(argv, host);
  return {
    code: typeof outcome === "number" ? outcome : undefined,
    signal: typeof outcome === "number" ? undefined : outcome.signal,
    ...written,
    json: parse(written.stdout),
    error: (parse(written.stderr) as { readonly error?: RunResult["error"] } | undefined)?.error,
    asked,
    offered,
  };
}

type Answers = (readonly [RegExp, string | boolean | typeof CONTROL_C])[];

function scriptedPrompts(answers: Answers, asked: string[], offered: (readonly Choice[])[]): Prompts {
  const answer = async <T extends string | boolean>(question: string): Promise<T> => {
    asked.push(question);
    const [expected, value] = answers.shift() ?? [];
    if (!expected?.test(question)) throw new Error(`asked ${question}, expected ${String(expected)}`);
    if (value === CONTROL_C) throw new Interrupted();
    return value as T;
  };
  return {
    secret: (question) => answer<string>(question),
    line: (question) => answer<string>(question),
    confirm: (question) => answer<boolean>(question),
    pick: async (question, choices) => {
      offered.push(choices);
      const value = await answer<string>(question);
      if (!choices.some((choice) => choice.value === value)) throw new Error(`${value} is not among the choices`);
      return value;
    },
  };
}

function collecting(written: Record<"stdout" | "stderr", string>, name: "stdout" | "stderr"): Writable {
  return new Writable({
    write(chunk: Buffer, _, done) {
      written[name] += chunk.toString();
      done();
    },
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** It is not waited on: a sleep ends at once, that much later. */
class HastyClock implements Clock {
  #now = NOW;

  now(): number {
    return this.#now;
  }

  after(): () => void {
    return () => undefined;
  }

  async sleep(delayMs: number): Promise<void> {
    this.#now += delayMs;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
