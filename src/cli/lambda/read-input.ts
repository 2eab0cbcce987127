import { BrokerError } from "../../core/errors.js";
import { asciiJson, parseEvent } from "../../runtime-api/event.js";
import { type Input, readInput } from "../arguments/read-input.js";
import type { CliContext } from "../context.js";

/** More than Lambda takes in any form: read so far that the size can be said, and no further. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Of an event or a client context. */
export function readLambdaInput(path: string, context: CliContext): Promise<Input> {
  const stdinHint = "brokerctl lambda invoke FUNCTION --event - < event.json";
  return readInput(path, { maxBytes: MAX_BYTES, stdinHint }, context);
}

/** Beginnings of JSON that is no number, `true`, `false` or `null`: a file so named is `./{…`. */
const INLINE = /^\s*[{["]/;
const SAMPLE = "sample:";

/** `--event`: JSON itself, `sample:NAME`, a file, or `-` for stdin; undefined is `{}`. Checked as Lambda does. */
export async function readEvent(text: string | undefined, context: CliContext): Promise<Buffer> {
  if (text === undefined) return parseEvent(Buffer.of(), "");
  if (INLINE.test(text)) return parseEvent(Buffer.from(text), "--event");
  if (text.startsWith(SAMPLE)) {
    const { sampleEvent } = await import("./samples/sample-events.js");
    return Buffer.from(sampleEvent(text.slice(SAMPLE.length)));
  }
  const { bytes, name } = await readLambdaInput(text, context);
  return parseEvent(bytes, name);
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
  const text = asciiJson(value);
  if (text.length * BASE64_GROWTH <= MAX_BASE64) return text;
  throw new BrokerError(
    "UsageInvalid",
    `${name} has ${text.length} bytes: Lambda takes client contexts of at most ${Math.floor(MAX_BASE64 / BASE64_GROWTH)}`,
  );
}
