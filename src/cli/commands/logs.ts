import { existsSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { spellUnseen } from "../../core/visible-text.js";
import { READ_AT_ONCE } from "../../files/read-small-file.js";
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
    if (options.follow) await follow(tail ?? startOf(logFile), print, context);
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

/** How far a log file has been read. */
interface Tail {
  readonly path: string;
  readonly offset: number;
  /** Another one: the file was rotated, and a new one begins. */
  readonly inode: number | undefined;
  /** The beginning of a line whose end is not written yet. */
  readonly rest: string;
}

function startOf(path: string): Tail {
  return { path, offset: 0, inode: undefined, rest: "" };
}

/** From the rotated files too, where the current one has fewer: it may have begun with this day. */
async function lastLines(path: string, count: number): Promise<{ lines: readonly string[]; tail: Tail | undefined }> {
  const current = await readFrom(startOf(path));
  const lines = [...(current?.lines ?? [])];
  for (let index = 1; lines.length < count; index++) {
    const older = await readFrom(startOf(`${path}.${index}`));
    if (!older) break;
    // The current file, rotated after it was read, is not printed twice.
    if (older.tail.inode !== current?.tail.inode) lines.unshift(...older.lines);
  }
  return { lines: lines.slice(-count), tail: current?.tail };
}

/** Ends with the signal that ends us. Polls: notifications of file changes differ from system to system. */
async function follow(from: Tail, print: (line: string) => void, { clock }: CliContext): Promise<never> {
  for (let tail = from; ; ) {
    await clock.sleep(POLL_MS);
    const more = await readFrom(tail);
    if (!more) continue;
    for (const line of [...(await restOfRotated(tail, more.tail)), ...more.lines]) print(line);
    tail = more.tail;
  }
}

/** What was written to the former file after it was last read, and before it was rotated. */
async function restOfRotated(former: Tail, { inode }: Tail): Promise<readonly string[]> {
  if (former.inode === undefined || former.inode === inode) return [];
  const rest = await readFrom({ ...former, path: `${former.path}.1` });
  return rest?.tail.inode === former.inode ? rest.lines : [];
}

async function readFrom({ path, offset, inode, rest }: Tail): Promise<{ lines: string[]; tail: Tail } | undefined> {
  const found = await statIfThere(path);
  if (!found) return undefined;
  const isSame = found.ino === inode && found.size >= offset;
  const from = isSame ? offset : 0;
  const text = (isSame ? rest : "") + (await readRange(path, from, found.size));
  const lines = text.split("\n");
  const open = lines.pop() ?? "";
  return { lines, tail: { path, offset: found.size, inode: found.ino, rest: open } };
}

async function statIfThere(path: string): Promise<{ readonly ino: number; readonly size: number } | undefined> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw new BrokerError("FileRefused", `cannot read the log ${path}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
  throw new BrokerError("FileRefused", `the log ${path} is not a regular file`, { hint: `rm ${shellQuote(path)}` });
}

async function readRange(path: string, from: number, to: number): Promise<string> {
  if (from >= to) return "";
  const file = await open(path, READ_AT_ONCE);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
