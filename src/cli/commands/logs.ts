import { existsSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";
import { spellUnseen } from "../../core/visible-text.js";
import { type LineTail, readOn, readOnThroughRotation, startOfFile } from "../../files/line-tail.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import { formatLogLine } from "../terminal/log-line.js";

const DEFAULT_LINES = 50;
const MAX_LINES = 1_000_000;
const POLL_MS = 300;

export const logsCommand = defineCommand({
  name: "logs",
  summary: "Print brokerd's log",
  details: "Reads the file, whether brokerd runs or not. The log never holds a secret.",
  options: {
    follow: { type: "boolean", short: "f", help: "go on with what is written next, until Ctrl-C" },
    lines: { type: "string", short: "n", value: "N", help: `the last N lines; default ${DEFAULT_LINES}` },
    json: { type: "boolean", help: "the lines as they are written: one JSON object each" },
  },
  examples: ["brokerctl logs", "brokerctl logs -f", "brokerctl logs -n 500 --json | jq 'select(.level==\"error\")'"],
  async run({ options }, context) {
    const count = linesOf(options.lines);
    const { logFile } = context.paths();
    const print = (line: string): void => context.output.print(options.json ? spellUnseen(line) : formatLogLine(line));
    const { lines, tail } = await lastLines(logFile, count);
    if (!tail && lines.length === 0 && !options.follow) {
      throw new BrokerError("InternalError", `there is no log yet at ${logFile}`, {
        hint: existsSync(context.paths().configFile) ? "brokerctl start" : "brokerctl init",
      });
    }
    for (const line of lines) print(line);
    if (options.follow) await follow(tail ?? startOfFile(logFile), print, context);
  },
});

function linesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count > 0 && count <= MAX_LINES) return count;
  throw new BrokerError("UsageInvalid", `--lines must be a number from 1 to ${MAX_LINES}, not '${text}'`, {
    hint: "brokerctl logs -n 100",
  });
}

/** From the rotated files too, where the current one has fewer: it may have begun with this day. */
async function lastLines(
  path: string,
  count: number,
): Promise<{ lines: readonly string[]; tail: LineTail | undefined }> {
  const current = await readOn(startOfFile(path));
  const lines = [...(current?.lines ?? [])];
  for (let index = 1; lines.length < count; index++) {
    const older = await readOn(startOfFile(`${path}.${index}`));
    if (!older) break;
    // The current file, rotated after it was read, is not printed twice.
    if (older.tail.inode !== current?.tail.inode) lines.unshift(...older.lines);
  }
  return { lines: lines.slice(-count), tail: current?.tail };
}

/** Ends with the signal that ends us. Polls: notifications of file changes differ from system to system. */
async function follow(from: LineTail, print: (line: string) => void, { clock }: CliContext): Promise<never> {
  for (let tail = from; ; ) {
    await clock.sleep(POLL_MS);
    const more = await readOnThroughRotation(tail);
    if (!more) continue;
    for (const line of more.lines) print(line);
    tail = more.tail;
  }
}
