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
    const start = await readFrom({ path: logFile, offset: 0, inode: undefined, rest: "" });
    if (!start && !options.follow) {
      throw new BrokerError("InternalError", `there is no log yet at ${logFile}`, {
        hint: existsSync(context.paths().configFile) ? "brokerctl start" : "brokerctl init",
      });
    }
    for (const line of start?.lines.slice(-count) ?? []) print(line);
    if (options.follow)
      await follow(start?.tail ?? { path: logFile, offset: 0, inode: undefined, rest: "" }, print, context);
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

/** Ends with the signal that ends us. Polls: notifications of file changes differ from system to system. */
async function follow(from: Tail, print: (line: string) => void, { clock }: CliContext): Promise<never> {
  for (let tail = from; ; ) {
    await clock.sleep(POLL_MS);
    const more = await readFrom(tail);
    for (const line of more?.lines ?? []) print(line);
    tail = more?.tail ?? tail;
  }
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
