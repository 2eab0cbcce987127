import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { MAX_EVENT_BYTES } from "./payload-limits.js";

/** The event that a function invoked without one gets. */
const NO_EVENT = "{}";

/**
 * An event as `Invoke` would take it: JSON, at most 6 MB; nothing at all is `{}`. `name` is what an error calls it, e.g. the
 * file's path. The bytes themselves are passed on, not a copy written anew: large numbers keep their digits.
 */
export function parseEvent(bytes: Buffer, name: string): Buffer {
  if (bytes.length > MAX_EVENT_BYTES) {
    throw new BrokerError(
      "UsageInvalid",
      `${name} has ${bytes.length} bytes: Lambda takes at most ${MAX_EVENT_BYTES}`,
      {
        hint: "put what is large into S3, and its place into the event",
      },
    );
  }
  const text = decoded(bytes, name).trim();
  if (text === "") return Buffer.from(NO_EVENT);
  try {
    JSON.parse(text);
  } catch (cause) {
    const message = `${name} is not JSON${placeOf(cause, text)}`;
    // A flag's name: the text itself stood there, and a shell has had its quotes.
    const hint = name.startsWith("--") ? `${name} '{"id":7}'` : `jq . ${name}`;
    throw new BrokerError("UsageInvalid", message, { cause, hint });
  }
  return Buffer.from(text);
}

/** The parser's own words quote the event; its line is enough. */
function placeOf(error: unknown, text: string): string {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? "" : `: line ${text.slice(0, Number(position)).split("\n").length}`;
}

/** A byte order mark is taken away: runtimes' JSON parsers refuse it. */
function decoded(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BrokerError("UsageInvalid", `${name} is not UTF-8 text`, { cause, hint: `file ${shellQuote(name)}` });
  }
}

/** JSON in one line of ASCII, as the Runtime API's headers take it. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
