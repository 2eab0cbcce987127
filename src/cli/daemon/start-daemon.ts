import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isDialFailure } from "../../control-api/client.js";
import type { StatusView } from "../../control-api/contract.js";
import { BrokerError, type BrokerErrorCode } from "../../core/errors.js";
import type { Supervisor } from "../../system/service/supervisor.js";
import type { DaemonEnd } from "../../system/spawn-daemon.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { type LogEntry, parseLogLine } from "../terminal/log-line.js";
import { ownSupervisor } from "./own-supervisor.js";

/** Cold start of Node with the AWS SDK on a slow machine takes 2–3 s. */
const START_PATIENCE_MS = 10_000;
const POLL_MS = 40;
/** Between two looks into the log while a supervised brokerd is awaited. */
const SUPERVISED_POLL_MS = 1000;
/** Ours ended because another one, started at the same moment, holds the lock: that one is about to answer. */
const RIVAL_PATIENCE_MS = 1500;

type Starter = Omit<CliContext, "client">;

/** Starts brokerd and waits until it answers. Rejects with what its log says when it ends instead. */
export async function startDaemon(context: Starter): Promise<StatusView> {
  const { configFile } = context.paths();
  if (!existsSync(configFile)) {
    throw new BrokerError("ConfigInvalid", `there is no config at ${configFile}`, { hint: "brokerctl init" });
  }
  const supervisor = await ownSupervisor(context);
  return supervisor ? startSupervised(supervisor, context) : startDetached(context);
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

async function startDetached(context: Starter): Promise<StatusView> {
  const since = context.clock.now();
  const daemon = await context.launchDaemon();
  let deadline = since + START_PATIENCE_MS;
  let end: DaemonEnd | undefined;
  void daemon.ended.then((how) => {
    end = how;
    deadline = Math.min(deadline, context.clock.now() + (how.code === EXIT.usage ? 0 : RIVAL_PATIENCE_MS));
  });
  for (;;) {
    const status = await runningDaemon(context);
    if (status) return status;
    if (context.clock.now() >= deadline) throw end === undefined ? slow(context) : await diedEarly(context, end, since);
    await context.clock.sleep(POLL_MS);
  }
}

/** Throws `error` again, unless it says that nobody listens and a daemon may be started. */
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
 * Undefined: nobody listens. With a limit, silence is no answer either: a socket that systemd holds takes what nobody
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

/** The newest error in the log that is not older than this start. */
async function lastLogError(logFile: string, since: number): Promise<LogError> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  for (const line of text.trimEnd().split("\n").reverse()) {
    const entry = parseLogLine(line);
    if (entry === undefined) continue;
    if (Date.parse(String(entry["time"])) < since) return {};
    if (entry["level"] === "error") return logErrorOf(entry);
  }
  return {};
}

function logErrorOf({ msg, code, hint }: LogEntry): LogError {
  return {
    message: String(msg).replace(/^not started: /, ""),
    ...(typeof code === "string" && { code: code as BrokerErrorCode }),
    ...(typeof hint === "string" && { hint }),
  };
}
