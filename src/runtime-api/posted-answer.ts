import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";
import type { RuntimeAnswer, RuntimeError } from "./invocation.js";
import { MAX_RESPONSE_BYTES, MAX_STREAMED_BYTES } from "./payload-limits.js";
import { writePatiently } from "./write-patiently.js";

/** What the runtime is answered instead of 202. */
export interface Refusal {
  readonly status: number;
  readonly errorType: string;
  readonly errorMessage: string;
}

/** What a post came to. */
export interface Posted<Answer extends RuntimeAnswer> {
  readonly answer: Answer;
  readonly refusal?: Refusal;
}

const MODE_HEADER = "lambda-runtime-function-response-mode";
const ERROR_TYPE_HEADER = "lambda-runtime-function-error-type";
/** As trailers of a streamed response: it failed after it had begun. The body is base64. */
const ERROR_BODY_TRAILER = "lambda-runtime-function-error-body";

/** Reads POST …/response: whole, or streamed to `reader` as it comes. */
export async function readResponse(request: IncomingMessage, reader: Writable): Promise<Posted<RuntimeAnswer>> {
  const mode = request.headers[MODE_HEADER];
  if (mode === "streaming") return readStreamed(request, reader);
  if (mode === undefined) return readBuffered(request);
  return BROKEN.mode;
}

/** Reads POST …/error and …/init/error, which have the same form. */
export async function readError(request: IncomingMessage): Promise<Posted<RuntimeError>> {
  const body = await readBody(request, MAX_RESPONSE_BYTES);
  if (typeof body === "string") return BROKEN[body];
  return { answer: { kind: "error", payload: body, errorType: errorTypeOf(request, body) } };
}

async function readBuffered(request: IncomingMessage): Promise<Posted<RuntimeAnswer>> {
  const body = await readBody(request, MAX_RESPONSE_BYTES);
  if (typeof body === "string") return BROKEN[body];
  return { answer: responseOf(request, body, undefined) };
}

/** An unfinished body is told from a complete one; of one that is too large, what is left is read and let go. */
async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | "too-large" | "truncated"> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    return "truncated";
  }
  return bytes <= limit ? Buffer.concat(chunks) : "too-large";
}

async function readStreamed(request: IncomingMessage, reader: Writable): Promise<Posted<RuntimeAnswer>> {
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= MAX_STREAMED_BYTES) await writePatiently(reader, chunk);
    }
  } catch {
    return BROKEN.truncated;
  }
  if (bytes > MAX_STREAMED_BYTES) return tooLarge(MAX_STREAMED_BYTES);
  const errorType = request.trailers[ERROR_TYPE_HEADER];
  if (errorType === undefined) return { answer: responseOf(request, Buffer.alloc(0), bytes) };
  const body = Buffer.from(request.trailers[ERROR_BODY_TRAILER] ?? "", "base64");
  return { answer: { kind: "error", payload: body, errorType } };
}

function responseOf(request: IncomingMessage, payload: Buffer, streamedBytes: number | undefined): RuntimeAnswer {
  return { kind: "response", payload, contentType: request.headers["content-type"], streamedBytes };
}

/** The document's word: clients put something general into the header (Rust's always says `unhandled`), or nothing. */
function errorTypeOf(request: IncomingMessage, body: Buffer): string {
  const { errorType } = errorFields(body);
  if (errorType !== undefined && errorType !== "") return errorType;
  const header = request.headers[ERROR_TYPE_HEADER];
  return typeof header === "string" && header !== "" ? header : "Runtime.Unknown";
}

/** `errorType` and `errorMessage` of an error document, as far as it has them. */
export function errorFields(payload: Buffer): { readonly errorType?: string; readonly errorMessage?: string } {
  try {
    const parsed: unknown = JSON.parse(payload.toString("utf8"));
    if (typeof parsed !== "object" || parsed === null) return {};
    const { errorType, errorMessage } = parsed as Record<string, unknown>;
    return {
      ...(typeof errorType === "string" && { errorType }),
      ...(typeof errorMessage === "string" && { errorMessage }),
    };
  } catch {
    return {};
  }
}

/** Wording and types of the emulator that AWS publishes, which Lambda's own logs share. */
function tooLarge(limit: number): Posted<RuntimeError> {
  return refused(
    "Function.ResponseSizeTooLarge",
    {
      status: 413,
      errorType: "RequestEntityTooLarge",
      errorMessage: `Exceeded maximum allowed payload size (${limit} bytes).`,
    },
    `Response payload size exceeded maximum allowed payload size (${limit} bytes).`,
  );
}

function refused(errorType: string, refusal: Refusal, errorMessage = refusal.errorMessage): Posted<RuntimeError> {
  const payload = Buffer.from(JSON.stringify({ errorMessage, errorType }));
  return { answer: { kind: "error", payload, errorType }, refusal };
}

const BROKEN = {
  "too-large": tooLarge(MAX_RESPONSE_BYTES),
  truncated: refused("Runtime.TruncatedResponse", {
    status: 400,
    errorType: "TruncatedHTTPRequest",
    errorMessage: "HTTP request detected as truncated",
  }),
  mode: refused("Runtime.InvalidResponseModeHeader", {
    status: 400,
    errorType: "InvalidFunctionResponseMode",
    errorMessage: "Invalid function response mode",
  }),
} as const;
