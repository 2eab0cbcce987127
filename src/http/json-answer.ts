import { type ServerResponse, STATUS_CODES } from "node:http";
import type { ErrorRequestHandler } from "express";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import { visibleText } from "../core/visible-text.js";
import type { Logger } from "../system/logger.js";

/** A whole answer but for its fixed headers. */
export interface JsonAnswer {
  readonly status: number;
  /** Printable ASCII; the standard phrase when absent. */
  readonly reason?: string;
  /** JSON text. */
  readonly body: string;
}

/** .NET, minio-go and Java's fallback show the reason phrase, and nothing but it (docs/clients.md). */
const MAX_REASON = 200;
/** The CRT reads at most 10,000 bytes; a config with a hundred problems must not hide the first. */
const MAX_MESSAGE = 2000;

/** Both spellings, because each SDK reads only one (docs/clients.md); the fix is part of the message. */
export function errorAnswer({ code, message: told, hint }: BrokerError, status: number): JsonAnswer {
  const message = visibleText(told); // SDKs print it as it is
  const fix = hint === undefined ? "" : `; to fix it: ${hint}`;
  const whole = fit(message, fix, MAX_MESSAGE);
  return {
    status,
    reason: toAscii(fit(told, fix, MAX_REASON)),
    body: JSON.stringify({ code, message: whole, Code: code, Message: whole }),
  };
}

/**
 * Exactly `application/json`: Go v2 and Kotlin compare the whole value (docs/clients.md). Head and body leave in one
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

export function sendJson(response: ServerResponse, answer: JsonAnswer): void {
  writeJsonHead(response, answer);
  response.end(answer.body);
}

/** All but the body. */
export function writeJsonHead(response: ServerResponse, { status, reason, body }: JsonAnswer): void {
  response.writeHead(status, reason ?? STATUS_CODES[status], { ...jsonHeaders(body) });
}

/** The same as bytes, for a socket on which HTTP has gone wrong; it is closed afterwards. */
export function rawAnswer({ status, reason, body }: JsonAnswer): string {
  const headers = Object.entries({ ...jsonHeaders(body), Connection: "close" });
  const head = [`HTTP/1.1 ${status} ${reason ?? ""}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

export interface ErrorHandlerOptions {
  /** Status and body for an error of ours; anything else thrown comes as `InternalError` without its text. */
  readonly answerOf: (error: BrokerError) => JsonAnswer;
  readonly logger: Logger;
}

/** The last handler of an app: turns whatever was thrown into one answer. Never logs the URL: it may hold a token. */
export function errorHandler({ answerOf, logger }: ErrorHandlerOptions): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/max-params, @typescript-eslint/no-unused-vars -- Express tells error handlers by their four parameters
  return (thrown: unknown, _request, response, _next) => {
    const error = toBrokerError(thrown);
    if (error.code === "InternalError") logger.error({ err: thrown }, "request failed");
    if (response.headersSent) response.destroy();
    else sendJson(response, answerOf(error));
  };
}

/** Where both are too long, the message is cut before the fix is. */
function fit(message: string, fix: string, limit: number): string {
  const left = limit - fix.length;
  if (message.length <= left) return message + fix;
  return left < 20 ? `${message}${fix}`.slice(0, limit) : `${message.slice(0, left - 3)}...${fix}`;
}

function toAscii(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/[^\x20-\x7e]/g, "?");
}
