import { printable } from "./output.js";

/** A line of brokerd's log: JSON with ISO `time`, `level` by name, `msg` and further fields. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** Undefined where the line is no JSON object. */
export function parseLogLine(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as LogEntry) : undefined;
  } catch {
    return undefined;
  }
}

/** For people: time, level, message, then the fields. A line that is no JSON stays as it is. */
export function formatLogLine(line: string): string {
  const entry = parseLogLine(line);
  if (!entry) return printable(line);
  const { time, level, msg, ...fields } = entry;
  const rest = Object.entries(fields)
    .filter(([name]) => name !== "pid") // the same in every line
    .map(([name, value]) => `${name}=${textOf(value)}`);
  return printable([textOf(time), textOf(level).padEnd(5), textOf(msg), ...rest].join(" "));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}
