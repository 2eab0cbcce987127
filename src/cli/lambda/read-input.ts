import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { readInputOf } from "../../files/read-small-file.js";
import { parseEvent } from "../../runtime-api/event.js";
import { absolutePath } from "../arguments/argument-values.js";
import type { CliContext } from "../context.js";

/** More than Lambda takes in any form: read so far that the size can be said, and no further. */
const MAX_BYTES = 64 * 1024 * 1024;

interface Input {
  readonly bytes: Buffer;
  /** What errors call it. */
  readonly name: string;
}

/** A file, or stdin for `-`. */
export async function readInput(path: string, context: CliContext): Promise<Input> {
  return path === "-" ? readStdin(context) : readFile(path, context);
}

async function readStdin({ stdin, stdinIsTTY }: CliContext): Promise<Input> {
  if (stdinIsTTY) {
    throw new BrokerError("UsageInvalid", "- reads stdin, which is a terminal", {
      hint: "brokerctl lambda invoke FUNCTION --event - < event.json",
    });
  }
  return { bytes: await collect(stdin() as AsyncIterable<Buffer | string>, "stdin"), name: "stdin" };
}

async function readFile(path: string, context: CliContext): Promise<Input> {
  try {
    const source = readInputOf(absolutePath(path, context));
    return { bytes: await collect(source as AsyncIterable<Buffer>, path), name: path };
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("UsageInvalid", `${path} cannot be read: ${reasonOf(error)}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
}

async function collect(source: AsyncIterable<Buffer | string>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > MAX_BYTES) throw new BrokerError("UsageInvalid", `${name} has more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}

/** API Invoke, X-Amz-Client-Context: "Up to 3,583 bytes of base64-encoded data". */
const MAX_BASE64 = 3583;
const BASE64_GROWTH = 4 / 3;

/** A `ClientContext` as the header that runtimes read takes it: one line of ASCII. */
export function clientContext({ bytes, name }: Input): string {
  const value = JSON.parse(parseEvent(bytes, name).toString()) as unknown;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BrokerError("UsageInvalid", `${name} is no JSON object, as a client context is`, {
      hint: `jq type ${name}`,
    });
  }
  const text = JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (text.length * BASE64_GROWTH <= MAX_BASE64) return text;
  throw new BrokerError(
    "UsageInvalid",
    `${name} has ${text.length} bytes: Lambda takes client contexts of at most ${Math.floor(MAX_BASE64 / BASE64_GROWTH)}`,
  );
}
