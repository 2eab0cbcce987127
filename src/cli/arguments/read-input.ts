import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { readInputOf } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";
import { absolutePath } from "./argument-values.js";

export interface Input {
  readonly bytes: Buffer;
  /** What errors call it. */
  readonly name: string;
}

interface ReadOptions {
  readonly maxBytes: number;
  /** What to type where stdin is a terminal. */
  readonly stdinHint: string;
}

/** A file or pipe that a flag names, or stdin for `-`. */
export async function readInput(path: string, options: ReadOptions, context: CliContext): Promise<Input> {
  return path === "-" ? readStdin(options, context) : readFile(path, options, context);
}

async function readStdin(options: ReadOptions, { stdin, stdinIsTTY }: CliContext): Promise<Input> {
  if (stdinIsTTY) {
    throw new BrokerError("UsageInvalid", "- reads stdin, which is a terminal", { hint: options.stdinHint });
  }
  return { bytes: await collect(stdin() as AsyncIterable<Buffer | string>, "stdin", options), name: "stdin" };
}

async function readFile(path: string, options: ReadOptions, context: CliContext): Promise<Input> {
  try {
    const source = readInputOf(absolutePath(path, context));
    return { bytes: await collect(source as AsyncIterable<Buffer>, path, options), name: path };
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("UsageInvalid", `${path} cannot be read: ${reasonOf(error)}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
}

async function collect(
  source: AsyncIterable<Buffer | string>,
  name: string,
  { maxBytes }: ReadOptions,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > maxBytes) throw new BrokerError("UsageInvalid", `${name} has more than ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks);
}
