import { existsSync } from "node:fs";
import { isDialFailure } from "../../control-api/client.js";
import type { StatusView } from "../../control-api/contract.js";
import { BrokerError, type BrokerErrorCode } from "../../core/errors.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { SystemProcessTable } from "../../system/process-identity.js";
import type { Supervisor } from "../../system/service/supervisor.js";
import { acquireInstanceLock, type InstanceLock, instanceHolder } from "../../system/single-instance.js";
import type { DaemonEnd } from "../../system/spawn-daemon.js";
import { refuseIfStopped, type Wish } from "../../system/stop-marker.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { type LogEntry, parseLogLine } from "../terminal/log-line.js";
import { ownSupervisor } from "./own-supervisor.js";

/** Cold start of Node with the AWS SDK on a slow machine takes 2–3 s, and several times that beside a burst of commands. */
const START_PATIENCE_MS = 30_000;
const POLL_MS = 40;
/** Of those who wait for another command's start: one look in so many polls at whether it is still at it. */
const POLLS_PER_TURN = 6;
/** Between two looks into the log while a supervised brokerd is awaited. */
const SUPERVISED_POLL_MS = 1000;

type Starter = Omit<CliContext, "client">;

/**
 * Starts brokerd and waits until it answers; of several commands that do so at once one starts it, and all wait. Rejects
 * with what its log says when it ends instead, and where `brokerctl stop` came after this command had begun.
 */
export async function startDaemon(context: Starter): Promise<StatusView> {
  refuseWithoutConfig(context);
  refuseIfStopped(context.paths().stateDir, wishOf(context));
  const supervisor = await ownSupervisor(context);
  return supervisor ? startSupervised(supervisor, context) : startDetached(context);
}

/** Throws where there is nothing to start with. */
export function refuseWithoutConfig(context: Starter): void {
  const { configFile } = context.paths();
  if (existsSync(configFile)) return;
  throw new BrokerError("ConfigInvalid", `there is no config at ${configFile}`, { hint: "brokerctl init" });
}

/** After a supervisor's start or restart: waits until brokerd answers, or has logged why it does not. */
export async function supervisedAnswer(context: Starter, since: number): Promise<StatusView> {
  const deadline = since + START_PATIENCE_MS;
  for (;;) {
    const status = await runningDaemon(context, SUPERVISED_POLL_MS);
    if (status) return status;
    const logged = await lastLogError(context.paths().logFile, since);
    if (logged.message !== undefined) throw couldNotStart(logged, logged.message);
    if (context.clock.now() >= deadline) throw slow(context);
    await context.clock.sleep(POLL_MS);
  }
}

async function startSupervised(supervisor: Supervisor, context: Starter): Promise<StatusView> {
  const since = context.clock.now();
  await supervisor.start();
  return supervisedAnswer(context, since);
}

/** By turns: a command that waits finds the daemon that the one before has started, or what kept it from starting. */
async function startDetached(context: Starter): Promise<StatusView> {
  const since = context.clock.now();
  const { ensurePrivateDirectory } = await import("../../files/private-directory.js");
  await ensurePrivateDirectory(context.paths().stateDir);
  for (let polls = 0; ; polls++) {
    const status = await runningDaemon(context);
    if (status) return status;
    const turn = polls % POLLS_PER_TURN === 0 ? takeTurn(context) : undefined;
    if (turn) {
      try {
        return await startInTurn(context, { since, isFirst: polls === 0 });
      } finally {
        turn.release();
      }
    }
    if (context.clock.now() >= since + START_PATIENCE_MS) throw slow(context);
    await context.clock.sleep(POLL_MS);
  }
}

const NO_LOCK: Pick<InstanceLock, "release"> = { release: () => undefined };

/** Undefined: another command is starting it. Where no lock can be made (a full disk), brokerd's own decides alone. */
function takeTurn(context: Starter): Pick<InstanceLock, "release"> | undefined {
  const { stateDir } = context.paths();
  const lock = { stateDir, processes: new SystemProcessTable(), name: "brokerd.starting" } as const;
  try {
    if (instanceHolder(lock) !== undefined) return undefined;
    return acquireInstanceLock({ ...lock, pid: context.pid });
  } catch (error) {
    return error instanceof BrokerError && error.code === "DaemonRunning" ? undefined : NO_LOCK;
  }
}

interface Turn {
  /** When this command began to wait. */
  readonly since: number;
  /** No other command's start was waited for. */
  readonly isFirst: boolean;
}

async function startInTurn(context: Starter, { since, isFirst }: Turn): Promise<StatusView> {
  const { stateDir, logFile } = context.paths();
  const logged = isFirst ? {} : await lastLogError(logFile, since, NOT_STARTED);
  if (logged.message !== undefined) throw couldNotStart(logged, logged.message);
  // One that ends, or that another command has just started: a second would only be refused.
  const { status } = await answerOrEnd(context, { end: () => (hasDaemon(context) ? undefined : "none") });
  if (status) return status;
  refuseIfStopped(stateDir, wishOf(context));
  const launchedAt = context.clock.now();
  const daemon = await context.launchDaemon(context.startedAt());
  let ended: DaemonEnd | undefined;
  void daemon.ended.then((how) => (ended = how));
  const isOver = (): DaemonEnd | undefined => (hasDaemon(context) ? undefined : ended);
  const answer = await answerOrEnd(context, { end: isOver });
  if (answer.status) return answer.status;
  refuseIfStopped(stateDir, wishOf(context));
  throw await diedEarly(context, answer.end, launchedAt);
}

/** Polls until brokerd answers or `end` says that nothing is to come. */
async function answerOrEnd<E>(
  context: Starter,
  { end }: { readonly end: () => E | undefined },
): Promise<{ readonly status: StatusView } | { readonly status?: never; readonly end: E }> {
  const deadline = context.clock.now() + START_PATIENCE_MS;
  for (;;) {
    const over = end();
    const status = await runningDaemon(context);
    if (status) return { status };
    if (over !== undefined) return { end: over };
    if (context.clock.now() >= deadline) throw slow(context);
    await context.clock.sleep(POLL_MS);
  }
}

/** A process that has the daemon's lock: it starts, serves or ends. */
function hasDaemon(context: Starter): boolean {
  return daemonHolder(context) !== undefined;
}

/** The pid of the process that has the daemon's lock; undefined: none, or it cannot be told. */
export function daemonHolder({ paths }: Pick<Starter, "paths">): number | undefined {
  try {
    return instanceHolder({ stateDir: paths().stateDir, processes: new SystemProcessTable() });
  } catch {
    return undefined;
  }
}

function wishOf({ startedAt, clock }: Starter): Wish {
  return { since: startedAt(), now: clock.now() };
}

/** Throws `error` again, unless it says that no daemon listens and a daemon may be started. */
export function refuseUnlessStartable(error: unknown, { env }: Starter): void {
  if (!isDialFailure(error)) throw error;
  if (env["CREDBROKER_NO_AUTOSTART"] !== "1") return;
  throw new BrokerError(
    "DaemonUnreachable",
    "brokerd is not running, and CREDBROKER_NO_AUTOSTART=1 forbids to start it",
    {
      hint: "brokerctl start",
      cause: error,
    },
  );
}

/**
 * Undefined: no daemon listens. With a limit, silence is no answer either: a socket that systemd holds takes what no process
 * reads yet.
 */
export async function runningDaemon({ quietClient }: Starter, limitMs?: number): Promise<StatusView | undefined> {
  try {
    return await quietClient.call("status", {}, { timeoutMs: limitMs });
  } catch (error) {
    const isSilent = limitMs !== undefined && error instanceof BrokerError && error.code === "DaemonUnreachable";
    if (isSilent || isDialFailure(error)) return undefined;
    throw error;
  }
}

/** With the code that brokerd itself gave its failure: a config or directory that it cannot use is exit 2 here too. */
async function diedEarly(context: Starter, end: DaemonEnd, since: number): Promise<BrokerError> {
  const logged = await lastLogError(context.paths().logFile, since);
  const told = logged.message === undefined ? toldError(end) : logged;
  const how = end.signal ?? `exit code ${end.code ?? "unknown"}`;
  return couldNotStart(told, told.message ?? `it ended with ${how} and logged nothing`);
}

function couldNotStart({ code = "DaemonUnreachable", hint = "brokerctl logs" }: LogError, reason: string): BrokerError {
  return new BrokerError(code, `brokerd could not start: ${reason}`, { hint });
}

/** What brokerd said on stderr when it could not open or write its log: a directory that it refuses, a full disk. */
function toldError({ code, lastWords = "" }: DaemonEnd): LogError {
  const message = /^brokerd: error: (.+)$/m.exec(lastWords)?.[1];
  const hint = /^brokerd: hint: (.+)$/m.exec(lastWords)?.[1];
  return {
    ...(message !== undefined && { message }),
    ...(code === EXIT.usage && { code: "FileRefused" }),
    ...(hint !== undefined && { hint }),
  };
}

function slow(context: Starter): BrokerError {
  return new BrokerError(
    "DaemonUnreachable",
    `brokerd was started but did not answer within ${START_PATIENCE_MS / 1000} s at ${context.paths().controlSocket}`,
    { hint: "brokerctl logs" },
  );
}

interface LogError {
  readonly message?: string;
  readonly code?: BrokerErrorCode;
  readonly hint?: string;
}

/** As brokerd begins the line on why it does not start. */
const NOT_STARTED = "not started: ";

/** The newest error in the log that is not older than this start; with `prefix`, of those that begin so. */
async function lastLogError(logFile: string, since: number, prefix = ""): Promise<LogError> {
  const text = await readRegularFile(logFile).catch(() => "");
  for (const line of text.trimEnd().split("\n").reverse()) {
    const entry = parseLogLine(line);
    if (entry === undefined) continue;
    if (Date.parse(String(entry["time"])) < since) return {};
    if (entry["level"] === "error" && String(entry["msg"]).startsWith(prefix)) return logErrorOf(entry);
  }
  return {};
}

function logErrorOf({ msg, code, hint }: LogEntry): LogError {
  return {
    message: String(msg).replace(NOT_STARTED, ""),
    ...(typeof code === "string" && { code: code as BrokerErrorCode }),
    ...(typeof hint === "string" && { hint }),
  };
}
