import { BrokerError } from "../../core/errors.js";
import { parseEvent } from "../../runtime-api/event.js";
import type { Input } from "./read-input.js";

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
