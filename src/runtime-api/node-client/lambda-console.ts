import { format } from "node:util";
import type { Clock } from "../../system/clock.js";

/** How the console knows which invocation a line belongs to. */
export interface ConsoleState {
  requestId: string | undefined;
}

/** Writes what the console prints as Lambda's Node runtime does: time, request id, level, text, separated by tabs. */
export function patchConsole(state: ConsoleState, clock: Clock): void {
  const printer =
    (level: string) =>
    (...values: readonly unknown[]): void => {
      const head = [new Date(clock.now()).toISOString(), state.requestId ?? "undefined", level].join("\t");
      process.stdout.write(`${head}\t${format(...values)}\n`);
    };
  const info = printer("INFO");
  Object.assign(globalThis.console, {
    trace: printer("TRACE"),
    debug: printer("DEBUG"),
    log: info,
    info,
    warn: printer("WARN"),
    error: printer("ERROR"),
    fatal: printer("FATAL"),
  });
}
