#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hasErrno, reasonOf } from "./core/errno.js";
import { BrokerError, toBrokerError } from "./core/errors.js";
import { visibleText } from "./core/visible-text.js";
import type { Daemon } from "./daemon/daemon.js";
import { ensurePrivateDirectory, refuseSwappableHome } from "./files/private-directory.js";
import { cleanEnvironmentInPlace } from "./system/clean-environment.js";
import { SystemClock } from "./system/clock.js";
import { guardStandardStreams } from "./system/guard-standard-streams.js";
import { hardenProcess, hasNoNewPrivileges, refuseIntruders } from "./system/hardening.js";
import { type LogFile, openLogFile } from "./system/log-file.js";
import { type Logger } from "./system/logger.js";
import { refuseLowFileLimit, tooFewFiles } from "./system/open-file-limit.js";
import { type BrokerPaths, homeDirectory, resolvePaths } from "./system/paths.js";
import { ProcPeers } from "./system/peer-identity.js";
import { createLogger, LOG_LEVELS, type LogLevel } from "./system/pino-logger.js";
import { type InheritedSockets, takeInheritedSockets } from "./system/socket-activation.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const KEYCHAIN_CHILD = { nodePath: process.execPath, scriptPath: join(HERE, "keychain-child.js") };
/** A stop that takes longer hangs: end it the hard way (an unanswered keychain prompt can block exit itself). */
const STOP_LIMIT_MS = 5000;
/** npm, docker and terminals pass one Ctrl-C on twice. */
const SAME_REQUEST_MS = 200;
/** Between one failed start under a service manager and the next. */
const FAILED_START_PAUSE_MS = 5000;
/** A last line is worth waiting for, a full disk is not. */
const LOG_LIMIT_MS = 1000;

const USAGE = `brokerd — the credbroker daemon; brokerctl starts it for you

usage: brokerd [--supervised] [--log-file FILE]   run in the foreground, log on stderr
       brokerd --check-config                     check config.yaml and end
       brokerd --forget-data-key [--dry-run] [--prompt]
                                                  remove the data key from the OS keychain and end
       brokerd --version | --help

  --supervised      stay up, degraded, when config.yaml is missing or not valid, and serve
                    the roles that are, where only single entries are bad
  --log-file FILE   log to FILE, rotated, instead of stderr; implies --supervised
  --unless-stopped-since MS
                    end at once where \`brokerctl stop\` ran after that time (epoch milliseconds): brokerctl gives it
  --dry-run         say whether the data key is there, remove nothing
  --prompt          the keychain may ask for its password

environment: CREDBROKER_HOME, CREDBROKER_LOG_LEVEL (debug info warn error), CREDBROKER_PASSPHRASE_FILE
exit codes: 0 ended as asked, 1 failed, 2 usage or config
`;

async function main(): Promise<void> {
  const flags = parseFlags();
  await refuseIntruders(process.env["NODE_OPTIONS"], process.execArgv);
  const inherited = takeInheritedSockets(process.env, process.pid);
  cleanEnvironmentInPlace(process.env);
  if (flags.help) return void process.stdout.write(USAGE);
  if (flags.version) return void process.stdout.write(`${version()}\n`);
  refuseLowFileLimit();
  const paths = resolvePaths({ env: process.env, platform: process.platform, homeDir: homeDirectory(), uid: uid() });
  if (paths.home !== undefined) refuseSwappableHome(paths.home);
  if (flags["check-config"]) return checkConfig(paths.configFile);
  if (flags["forget-data-key"]) return forgetKey(paths.stateDir, flags);
  return serve(paths, flags, inherited);
}

/** Until a signal, or `brokerctl stop`, ends it. */
async function serve(paths: BrokerPaths, flags: Flags, inherited: InheritedSockets | undefined): Promise<void> {
  const clock = new SystemClock();
  const log = await openLog(flags["log-file"], clock);
  const logger = createLogger({ level: logLevel(), destination: log ?? process.stderr });
  const ending = new Ending(logger, log);
  try {
    const { startDaemon } = await import("./daemon/daemon.js");
    const daemon = await startDaemon({
      ...{ paths, clock, logger, inherited },
      environment: process.env,
      peers: new ProcPeers({ clock }),
      rotateLog: log && (() => log.rotate()),
      random: Math.random,
      version: version(),
      pid: process.pid,
      ...identity(),
      keychainChild: KEYCHAIN_CHILD,
      pageDirectory: join(HERE, "page"),
      supervised: flags.supervised || log !== undefined || inherited !== undefined,
      hardened: inherited !== undefined && hasNoNewPrivileges(),
      wantedSince: wantedSince(flags["unless-stopped-since"]),
      onStopRequested: () => ending.request(),
    });
    ending.watch(daemon);
  } catch (error) {
    const known = explain(error);
    // Stopped meanwhile is no failure, and none for the next command that reads the log.
    const level = known.code === "DaemonUnreachable" ? "info" : "error";
    logger[level]({ err: error, code: known.code, hint: known.hint }, `not started: ${known.message}`);
    await log?.close();
    throw known;
  }
}

async function openLog(path: string | undefined, clock: SystemClock): Promise<LogFile | undefined> {
  if (path === undefined) return undefined;
  await ensurePrivateDirectory(dirname(path));
  return openLogFile({ path, clock });
}

async function checkConfig(path: string): Promise<void> {
  const { loadConfig } = await import("./config/load-config.js");
  const { roles, sources } = await loadConfig({ path, ...identity() });
  process.stdout.write(`${path}: ${sources.size} sources, ${roles.size} roles, no problem\n`);
}

/** One JSON line for `brokerctl uninstall`, which may not touch the keychain itself. */
async function forgetKey(stateDir: string, { "dry-run": dryRun, prompt }: Flags): Promise<void> {
  const { forgetDataKey } = await import("./secrets/keychain.js");
  const clock = new SystemClock();
  const options = { stateDir, child: KEYCHAIN_CHILD, clock, dryRun, interactive: prompt };
  process.stdout.write(`${JSON.stringify(await forgetDataKey(options))}\n`);
}

/** Signals in, an orderly end out: TERM and INT stop, HUP reloads, a second TERM does not wait. */
class Ending {
  readonly #logger: Logger;
  readonly #log: LogFile | undefined;
  #daemon: Daemon | undefined;
  #requestedAt: number | undefined;

  constructor(logger: Logger, log: LogFile | undefined) {
    this.#logger = logger;
    this.#log = log;
    process.on("SIGTERM", () => this.request());
    process.on("SIGINT", () => this.request());
    process.on("SIGHUP", () => this.#reload());
    process.on("uncaughtException", (error) => this.#crash(error));
    process.on("unhandledRejection", (error) => this.#crash(error));
  }

  watch(daemon: Daemon): void {
    this.#daemon = daemon;
    if (this.#requestedAt !== undefined) void this.#stop();
  }

  request(): void {
    const now = performance.now();
    if (this.#requestedAt !== undefined) return this.#hurry(now - this.#requestedAt);
    this.#requestedAt = now;
    setTimeout(() => process.kill(process.pid, "SIGKILL"), STOP_LIMIT_MS).unref();
    if (this.#daemon) void this.#stop();
  }

  /** A second signal asks not to wait; what was acknowledged is on the disk. */
  #hurry(sinceMs: number): void {
    if (sinceMs < SAME_REQUEST_MS) return;
    this.#logger.warn({}, "ended at once, as was asked again");
    process.exit(1);
  }

  async #stop(): Promise<void> {
    try {
      // Later than the answer to `brokerctl stop`, which is on its way now.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#daemon?.stop();
      await this.#log?.close();
      process.exit(0);
    } catch (error) {
      this.#logger.error({ err: error }, "stop failed");
      process.exit(1);
    }
  }

  #reload(): void {
    this.#daemon?.reload().then(
      ({ roles }) => this.#logger.info({ roles: roles.size }, "reloaded"),
      (error: unknown) =>
        this.#logger.error({ reason: toBrokerError(error).message }, "reload refused, running config kept"),
    );
  }

  #crash(error: unknown): void {
    this.#logger.error({ err: error }, "crashed");
    setTimeout(() => process.exit(1), LOG_LIMIT_MS).unref();
    void (this.#log?.close() ?? Promise.resolve()).finally(() => process.exit(1));
  }
}

interface Flags {
  readonly help: boolean;
  readonly version: boolean;
  readonly supervised: boolean;
  readonly "check-config": boolean;
  readonly "forget-data-key": boolean;
  readonly "dry-run": boolean;
  readonly prompt: boolean;
  readonly "log-file"?: string;
  readonly "unless-stopped-since"?: string;
}

function parseFlags(): Flags {
  const off = { type: "boolean", default: false } as const;
  const options = {
    help: { ...off, short: "h" },
    version: off,
    supervised: off,
    "check-config": off,
    "forget-data-key": off,
    "dry-run": off,
    prompt: off,
    "log-file": { type: "string" },
    "unless-stopped-since": { type: "string" },
  } as const;
  try {
    const { values } = parseArgs({ args: process.argv.slice(2), options });
    return values;
  } catch (error) {
    process.stderr.write(`brokerd: error: ${flagProblem(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** What parseArgs says, without its advice on how to write programs. */
function flagProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const flag = /'([^' ]+)/.exec(message)?.[1] ?? "an argument";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `unknown flag ${flag}`;
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") return `unexpected argument '${flag}'`;
  if (code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    return `${flag.replace(/^-\w, /, "")} ${message.includes("does not take") ? "takes no value" : "needs a value"}`;
  }
  return message;
}

function wantedSince(flag: string | undefined): number | undefined {
  if (flag === undefined || /^\d{1,15}(?:\.\d+)?$/.test(flag)) return flag === undefined ? undefined : Number(flag);
  throw new BrokerError("UsageInvalid", `--unless-stopped-since must be epoch milliseconds, not '${flag}'`, {
    hint: "brokerctl start, which gives it",
  });
}

function logLevel(): LogLevel {
  const wanted = process.env["CREDBROKER_LOG_LEVEL"];
  return LOG_LEVELS.find((level) => level === wanted) ?? "info";
}

function identity(): { readonly user: string; readonly host: string } {
  return { user: userName(), host: hostname() };
}

function uid(): number {
  return process.getuid?.() ?? -1;
}

/** A container may run us as a number that no list of users has. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["USER"] ?? `uid-${uid()}`;
  }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(HERE, "..", "package.json"), "utf8")) as { version: string };
  return version;
}

const USAGE_CODES = new Set(["ConfigInvalid", "FileRefused", "UsageInvalid", "NotSupported"]);

/** There may be no log to look into yet: an unexpected error is printed in the system's words. */
function explain(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  if (hasErrno(error, "EMFILE", "ENFILE")) return tooFewFiles(undefined, error);
  const path = error instanceof Error && "path" in error ? ` (${String(error.path)})` : "";
  return new BrokerError("InternalError", `unexpected: ${reasonOf(error)}${path}`, {
    hint: "brokerctl logs",
    cause: error,
  });
}

async function fail(error: BrokerError): Promise<void> {
  const hint = error.hint === undefined ? "" : `brokerd: hint: ${error.hint}\n`;
  process.stderr.write(visibleText(`brokerd: error: ${error.message}\n${hint}`));
  // A service manager starts us again at once, and does so for ever while clients wait on its sockets.
  if (isActivated) await new Promise((resolve) => setTimeout(resolve, FAILED_START_PAUSE_MS));
  process.exit(USAGE_CODES.has(error.code) ? 2 : 1);
}

// Last: a class above is not there for what runs before its line.
const isActivated = process.env["LISTEN_PID"] === String(process.pid);
hardenProcess(process);
guardStandardStreams();
main().catch(async (error: unknown) => fail(explain(error)));
