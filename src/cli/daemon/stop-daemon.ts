import { isDialFailure } from "../../control-api/client.js";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { markStopped } from "../../system/stop-marker.js";
import type { CliContext } from "../context.js";
import { ownSupervisor } from "./own-supervisor.js";
import { daemonHolder } from "./start-daemon.js";

/** Open requests are let finish, sealed files written: well under this. */
const STOP_PATIENCE_MS = 10_000;
/** One that is still being loaded beside a burst of commands has to answer before it can be asked to end. */
const START_PATIENCE_MS = 30_000;
const POLL_MS = 40;

/**
 * As `stopDaemon`, and no command that began earlier starts it again (those wait for a socket, or have started a process
 * that is still being loaded).
 */
export async function stopForGood(context: CliContext): Promise<boolean> {
  let ran = false;
  let problem: string | undefined;
  do {
    await mark(context);
    ran = (await stopDaemon(context)) || ran;
    // Anew: of what was started meanwhile nothing has the daemon's lock from now on that began before now.
    problem = await mark(context);
  } while (daemonHolder(context) !== undefined);
  if (problem !== undefined) context.output.warn(`a command that runs already may start brokerd again: ${problem}`);
  return ran;
}

/** Stops the daemon, and what would start it again, and waits until its process has gone; false: it did not run. */
export async function stopDaemon(context: CliContext): Promise<boolean> {
  const supervisor = await ownSupervisor(context);
  const { running = false } = (await supervisor?.state()) ?? {};
  await supervisor?.stop();
  return (await stopDetached(context)) || running;
}

/** As `stopDaemon`, for one that no supervisor has started. */
export async function stopDetached(context: CliContext): Promise<boolean> {
  const { quietClient, clock } = context;
  const pid = (await askToStop(quietClient)) ?? (await askHolderToStop(context));
  if (pid === undefined) return false;
  const deadline = clock.now() + STOP_PATIENCE_MS;
  while (isAlive(pid)) {
    if (clock.now() > deadline) {
      throw new BrokerError("InternalError", `brokerd (pid ${pid}) has not ended within ${STOP_PATIENCE_MS / 1000} s`, {
        hint: `kill ${pid}`,
      });
    }
    await clock.sleep(POLL_MS);
  }
  return true;
}

/** No daemon answers yet, or any longer: the process that has the lock is asked as soon as it does, if it has not ended before. */
async function askHolderToStop(context: CliContext): Promise<number | undefined> {
  const deadline = context.clock.now() + START_PATIENCE_MS;
  for (let last: number | undefined; ; ) {
    const holder = daemonHolder(context);
    if (holder === undefined) return last;
    last = holder;
    const pid = await askToStop(context.quietClient);
    if (pid !== undefined) return pid;
    if (context.clock.now() > deadline) {
      throw new BrokerError("InternalError", `brokerd (pid ${holder}) neither answers nor ends`, {
        hint: `kill ${holder}`,
      });
    }
    await context.clock.sleep(POLL_MS);
  }
}

/** Why it could not be marked; undefined: it is. */
async function mark({ paths, clock }: CliContext): Promise<string | undefined> {
  try {
    await markStopped(paths().stateDir, clock.now());
    return undefined;
  } catch (error) {
    const cause = error instanceof BrokerError ? error.cause : undefined;
    // Nothing ever ran here.
    if (hasErrno(cause, "ENOENT")) return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}

async function askToStop(client: CliContext["quietClient"]): Promise<number | undefined> {
  try {
    return (await client.call("stop", {})).pid;
  } catch (error) {
    if (isDialFailure(error)) return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
