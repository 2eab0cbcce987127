import { pino } from "pino";
import { spellUnseen } from "../core/visible-text.js";
import type { Logger } from "./logger.js";
import { redactText, redactValue } from "./redact.js";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Takes one line at a time: a stream, or a log file. */
export interface LogDestination {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly destination: LogDestination;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * JSON lines with ISO time and level by name. Every line passes the redactor as a whole, after the fields that are known
 * to be secret were hidden: what a message, a stack or a child's field quotes is caught too.
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const target = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      // pino's own would see an error in what the redactor made of one, and print its causes a second time.
      serializers: { err: (redacted: unknown) => redacted },
    },
    { write: (line) => void destination.write(spellUnseen(redactText(line), "\n")) },
  );
  return loggerOver(target);
}

function redactFields(fields: object): Record<string, unknown> {
  return redactValue(fields) as Record<string, unknown>;
}

function loggerOver(target: pino.Logger): Logger {
  return {
    debug: (fields: Fields, message: string) => target.debug(fields, message),
    info: (fields: Fields, message: string) => target.info(fields, message),
    warn: (fields: Fields, message: string) => target.warn(fields, message),
    error: (fields: Fields, message: string) => target.error(fields, message),
    child: (fields: Fields) => loggerOver(target.child(redactFields(fields))),
  };
}
