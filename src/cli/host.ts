import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";
import type { ControlClient } from "../control-api/client.js";
import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { SystemClock } from "../system/clock.js";
import { guardStandardStreams, type StreamEnds } from "../system/guard-standard-streams.js";
import { type BrokerPaths, homeDirectory, resolvePaths, runtimeDirectoryOf } from "../system/paths.js";
import { startOfThisProcess } from "../system/process-identity.js";
import type { Supervisor, SupervisorPlace, ToolRun } from "../system/service/supervisor.js";
import { hasControlUnits } from "../system/service/unit-names.js";
import type { SpawnedDaemon } from "../system/spawn-daemon.js";
import type { CliHost, Environment } from "./context.js";
import type { Prompts } from "./terminal/prompts.js";
import type { TextStream } from "./terminal/screen.js";

export interface HostOptions {
  readonly process: NodeJS.Process;
  readonly env: Environment;
  readonly version: string;
  /** Of brokerd. */
  readonly daemonScript: URL;
  /** The reader of our output has gone (`| head -1`): no failure, but there is no use in going on. */
  readonly onReaderGone: () => void;
  /** stdout does not take what was asked for (a full disk, say); `reason` is the system's. */
  readonly onOutputLost: (reason: string) => void;
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The process and machine as they are. What costs time to load, streams included, is loaded when it is used. */
export function createHost(options: HostOptions): CliHost {
  const { process, env, version, daemonScript, onReaderGone: onClosed } = options;
  const onFailed = (error: Error): void => options.onOutputLost(reasonOf(error));
  const openStdout = guarded(() => process.stdout, { onClosed, onFailed });
  const openStderr = guarded(() => process.stderr, { onClosed });
  const clock = new SystemClock();
  let startedAt: number | undefined;
  let resolved: BrokerPaths | undefined;
  const paths = (): BrokerPaths =>
    (resolved ??= resolvePaths({
      env,
      platform: process.platform,
      homeDir: homeDirectory(),
      uid: process.getuid?.() ?? -1,
    }));
  return {
    version,
    env,
    cwd: () => workingDirectory(process),
    pid: process.pid,
    homeDir: homeDirectory() || NO_HOME,
    files: { node: process.execPath, brokerctl: fileURLToPath(new URL("./brokerctl.js", daemonScript)) },
    clock,
    stdinIsTTY: isatty(STDIN),
    stdin: () => process.stdin,
    stdout: lazyStream(STDOUT, openStdout),
    stderr: lazyStream(STDERR, openStderr),
    streams: () => ({ stdout: openStdout(), stderr: openStderr() }),
    endStdout: () => {
      closeSync(STDOUT);
      openSync("/dev/null", "w"); // the lowest number that is free: no other file becomes stdout
    },
    prompts: lazyPrompts(async () => {
      const { createTerminalPrompts } = await import("./terminal/terminal-prompts.js");
      return createTerminalPrompts({ stdin: process.stdin, output: process.stderr });
    }),
    openTerminal: async () => {
      const { openOwnTerminal } = await import("./guard/terminal.js");
      return openOwnTerminal();
    },
    paths,
    connect: (as) => connect(paths(), { version, env, pid: process.pid, ...as }),
    startedAt: () => (startedAt ??= startOfThisProcess(() => clock.now())),
    launchDaemon: (wantedSince) => launchDaemon({ process, env, daemonScript, logFile: paths().logFile }, wantedSince),
    runBrokerd: (args) => runBrokerd(args, { process, env, daemonScript }),
    supervisor: () => supervisor(options, paths()),
    // launchd holds none.
    mayBeHeld: () => process.platform === "linux" && hasControlUnits(env, homeDirectory() || NO_HOME),
  };
}

/** As Debian calls the home of users without one: nothing is read from it, and nothing from the working directory in its place. */
const NO_HOME = "/nonexistent";

function workingDirectory(process: NodeJS.Process): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new BrokerError("UsageInvalid", "the current directory has been removed", { hint: "cd", cause });
  }
}

/** A stream takes 3 ms to open, to write to its descriptor none. */
function guarded(open: () => NodeJS.WriteStream, ends: StreamEnds): () => NodeJS.WriteStream {
  let stream: NodeJS.WriteStream | undefined;
  return () => {
    if (stream === undefined) {
      stream = open();
      guardStandardStreams([stream], ends);
    }
    return stream;
  };
}

/** Node's own writes to a terminal, a file or a pipe are done when they return, too. */
function lazyStream(descriptor: number, opened: () => NodeJS.WriteStream): TextStream {
  let isStream = false;
  return {
    isTTY: isatty(descriptor),
    write: (text) => {
      const bytes = Buffer.from(text);
      const rest = isStream ? bytes : unwritten(descriptor, bytes);
      if (rest.length === 0) return;
      isStream = true; // what follows has to wait behind it
      opened().write(rest);
    },
    get columns() {
      return opened().columns;
    },
  };
}

/** What the descriptor did not take: a reader that made it non-blocking is slow, or it failed, which the stream then tells. */
function unwritten(descriptor: number, bytes: Buffer): Buffer {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
  } catch {
    // The stream meets the same.
  }
  return rest;
}

function lazyPrompts(load: () => Promise<Prompts>): Prompts {
  return {
    secret: async (question) => (await load()).secret(question),
    line: async (question) => (await load()).line(question),
    confirm: async (question, fallback) => (await load()).confirm(question, fallback),
    pick: async (question, choices) => (await load()).pick(question, choices),
  };
}

/** Who may write into the socket's directory may be at the other end: it is looked at before anything is sent. */
async function connect(
  { home, controlSocket, runtimeDir }: BrokerPaths,
  { version, env, pid, leaseToken }: Pick<CliHost, "version" | "env" | "pid"> & { readonly leaseToken?: string },
): Promise<ControlClient> {
  const [{ createControlClient }, { refuseSwappableHome, refuseUnlessPrivate }, { tokenInVariables }] =
    await Promise.all([
      import("../control-api/client.js"),
      import("../files/private-directory.js"),
      import("./access/find-lease.js"),
    ]);
  if (home !== undefined) refuseSwappableHome(home);
  if (existsSync(runtimeDir)) refuseUnlessPrivate(runtimeDir);
  const caller = { pid, leaseToken: leaseToken ?? (await tokenInVariables(env)) };
  return createControlClient({ socketPath: controlSocket, version, caller });
}

interface Launch {
  readonly process: NodeJS.Process;
  readonly env: Environment;
  readonly daemonScript: URL;
  readonly logFile: string;
}

async function launchDaemon(
  { process, env, daemonScript, logFile }: Launch,
  wantedSince: number,
): Promise<SpawnedDaemon> {
  const [{ spawnDaemon }, { cleanEnvironment }] = await Promise.all([
    import("../system/spawn-daemon.js"),
    import("../system/clean-environment.js"),
  ]);
  const scriptPath = fileURLToPath(daemonScript);
  return spawnDaemon({ nodePath: process.execPath, scriptPath, env: cleanEnvironment(env), logFile, wantedSince });
}

/** A keychain prompt waits for the user; brokerd itself gives up after 30 s. */
const BROKERD_LIMIT_MS = 60_000;

async function runBrokerd(
  args: readonly string[],
  { process, env, daemonScript }: Omit<Launch, "logFile">,
): Promise<ToolRun> {
  const [{ toolRunner }, { cleanEnvironment }] = await Promise.all([
    import("../system/service/run-tool.js"),
    import("../system/clean-environment.js"),
  ]);
  const run = toolRunner(cleanEnvironment(env));
  return run(process.execPath, [fileURLToPath(daemonScript), ...args], { limitMs: BROKERD_LIMIT_MS });
}

async function supervisor(
  { process, env, daemonScript }: HostOptions,
  paths: BrokerPaths,
): Promise<Supervisor | undefined> {
  const { toolRunner } = await import("../system/service/run-tool.js");
  const uid = process.getuid?.() ?? -1;
  const place: SupervisorPlace = {
    env,
    homeDir: homeDirectory() || NO_HOME,
    uid,
    paths,
    nodePath: process.execPath,
    scriptPath: fileURLToPath(daemonScript),
    // systemctl itself does not look for the manager of a user whose shell is outside any session.
    run: toolRunner({ ...env, XDG_RUNTIME_DIR: runtimeDirectoryOf({ env, uid }) }),
  };
  if (process.platform === "darwin") return new (await import("../system/service/launchd.js")).Launchd(place);
  if (process.platform === "linux") return new (await import("../system/service/systemd.js")).Systemd(place);
  return undefined;
}
