import type { Logger } from "../../src/system/logger.js";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that remembers instead of printing. */
export function memoryLogger(lines: LogLine[] = []): Logger & { readonly lines: readonly LogLine[] } {
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push({ level, message, fields });
  };
  return {
    lines,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => memoryLogger(lines),
  };
}
