import { type ServerResponse, STATUS_CODES } from "node:http";
import type { BrokerError } from "../core/errors.js";
import { visibleText } from "../core/visible-text.js";

/** A whole answer but for its fixed headers. */
export interface JsonAnswer {
  readonly status: number;
  /** Printable ASCII; the standard phrase when absent. */
  readonly reason?: string;
  /** JSON text. */
  readonly body: string;
}

/** .NET, minio-go and Java's fallback show the reason phrase, and nothing but it (sdk-contract §11). */
const MAX_REASON = 200;
/** The CRT reads at most 10,000 bytes; a config with a hundred problems must not hide the first. */
const MAX_MESSAGE = 2000;

/** interface §3: both spellings, because each SDK reads only one (sdk-contract §1.14); the mend is part of the message. */
export function errorAnswer({ code, message: told, hint }: BrokerError, status: number): JsonAnswer {
  const message = visibleText(told); // SDKs print it as it is
  const mend = hint === undefined ? "" : `; to fix it: ${hint}`;
  const whole = fit(message, mend, MAX_MESSAGE);
  return {
    status,
    reason: toAscii(fit(told, mend, MAX_REASON)),
    body: JSON.stringify({ code, message: whole, Code: code, Message: whole }),
  };
}

/**
 * Exactly `application/json`: Go v2 and Kotlin compare the whole value (sdk-contract §1.9). Head and body leave in one
 * write. No ETag, no CORS header.
 */
function jsonHeaders(body: string): Readonly<Record<string, string>> {
  return {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  };
}

export function sendJson(response: ServerResponse, { status, reason, body }: JsonAnswer): void {
  response.writeHead(status, reason ?? STATUS_CODES[status], { ...jsonHeaders(body) });
  response.end(body);
}

/** The same as bytes, for a socket on which HTTP has gone wrong; it is closed afterwards. */
export function rawAnswer({ status, reason, body }: JsonAnswer): string {
  const headers = Object.entries({ ...jsonHeaders(body), Connection: "close" });
  const head = [`HTTP/1.1 ${status} ${reason ?? ""}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** The message gives way before the mend does. */
function fit(message: string, mend: string, limit: number): string {
  const room = limit - mend.length;
  if (message.length <= room) return message + mend;
  return room < 20 ? `${message}${mend}`.slice(0, limit) : `${message.slice(0, room - 3)}...${mend}`;
}

function toAscii(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/[^\x20-\x7e]/g, "?");
}
