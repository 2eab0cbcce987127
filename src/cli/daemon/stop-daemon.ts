import { isDialFailure } from "../../control-api/client.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { ownSupervisor } from "./own-supervisor.js";

/** Open requests are let finish, sealed files written: well under this. */
const STOP_PATIENCE_MS = 10_000;
const POLL_MS = 40;

/** Stops the daemon, and what would start it again, and waits until its process has gone; false: it did not run. */
export async function stopDaemon(context: CliContext): Promise<boolean> {
  const supervisor = await ownSupervisor(context);
  const { running = false } = (await supervisor?.state()) ?? {};
  await supervisor?.stop();
  return (await stopDetached(context)) || running;
}

/** As `stopDaemon`, for one that no supervisor has started. */
export async function stopDetached({ quietClient, clock }: CliContext): Promise<boolean> {
  const pid = await askToStop(quietClient);
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
