import type { Outcome } from "../command.js";

const ENDING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Runs `work`; a signal that would end us aborts it instead, and ends us when it has cleaned up. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    received ??= signal;
    controller.abort(new Error(signal));
  };
  for (const signal of ENDING) process.on(signal, interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (received !== undefined && error === controller.signal.reason) return { signal: received };
    throw error;
  } finally {
    for (const signal of ENDING) process.off(signal, interrupt);
  }
}
