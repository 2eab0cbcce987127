import { format } from "node:util";
import type { Clock } from "../../system/clock.js";
import { asError, errorDetails, traceOf } from "./error-document.js";
import { RuntimeFault } from "./runtime-fault.js";

/** How the console knows which invocation a line belongs to. */
export interface ConsoleState {
  requestId: string | undefined;
  tenantId: string | undefined;
}

export interface LambdaConsoleOptions {
  readonly state: ConsoleState;
  readonly clock: Clock;
  /** `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` are read. */
  readonly env: NodeJS.ProcessEnv;
}

/** Writes what the client itself has to say of an error, at the level ERROR. */
export type LogError = (what: string, error: unknown) => void;

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;
type Level = (typeof LEVELS)[number];

/**
 * Makes the console write as Lambda's Node runtime does: time, request id, level and text, separated by tabs, or an object of
 * JSON in each line; nothing below the level that the function is set to.
 */
export function patchConsole({ state, clock, env }: LambdaConsoleOptions): LogError {
  const isJson = env["AWS_LAMBDA_LOG_FORMAT"]?.toUpperCase() === "JSON";
  const least = Math.max(0, LEVELS.indexOf(env["AWS_LAMBDA_LOG_LEVEL"]?.toUpperCase() as Level));
  const printer = (level: Level) => {
    if (LEVELS.indexOf(level) < least) return () => undefined;
    // One argument at least, as there: `console.log()` prints `undefined`.
    return (message?: unknown, ...values: readonly unknown[]): void => {
      const at = new Date(clock.now()).toISOString();
      const line = isJson
        ? jsonLine({ timestamp: at, level, requestId: state.requestId, tenantId: state.tenantId }, [message, ...values])
        : [at, state.requestId, level, format(message, ...values)].map(String).join("\t");
      process.stdout.write(`${line.replaceAll("\n", "\r")}\n`);
    };
  };
  const info = printer("INFO");
  const error = printer("ERROR");
  const [trace, debug, warn, fatal] = [printer("TRACE"), printer("DEBUG"), printer("WARN"), printer("FATAL")];
  Object.assign(globalThis.console, { trace, debug, log: info, info, warn, error, fatal });
  return (what, thrown) => (isJson ? error(asError(thrown)) : error(what, `\t${errorDetails(thrown)}`));
}

/** One value stands as it is, several are formatted; the first error of several is told in fields of its own. */
function jsonLine(head: Readonly<Record<string, string | undefined>>, values: readonly unknown[]): string {
  const [only] = values;
  if (values.length === 1) {
    try {
      return JSON.stringify({ ...head, message: only }, (_, value: unknown) =>
        value instanceof Error ? Object.assign(errorFields(value), value) : value,
      );
    } catch {
      return JSON.stringify({ ...head, message: format(only) });
    }
  }
  const found = values.find((value) => value instanceof Error);
  return JSON.stringify({ ...head, message: format(...values), ...(found && errorFields(found)) });
}

function errorFields(error: Error): object {
  const { message, stack } = error;
  const stackTrace = typeof stack === "string" ? traceOf(stack) : stack;
  const errorType = error instanceof RuntimeFault ? error.name.replace("Runtime.", "") : error.constructor.name;
  return { errorType, errorMessage: message, stackTrace };
}
