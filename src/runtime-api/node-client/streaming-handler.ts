import { finished } from "node:stream/promises";
import { isThenable } from "./call-handler.js";
import type { EventLoopEnd } from "./event-loop-end.js";
import type { HandlerContext } from "./handler-context.js";
import { HttpResponseStream, type ResponseStream, type StreamedResponse } from "./response-stream.js";
import { RuntimeFault } from "./runtime-fault.js";

/** A handler that was given to `awslambda.streamifyResponse`. */
export type StreamingHandler = (event: unknown, stream: ResponseStream, context: unknown) => unknown;

/** The mark that Lambda's own runtime sets; libraries look for it. */
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");

/** What Lambda puts into the global `awslambda`. */
export const awslambda = {
  streamifyResponse(handler: object): object {
    return Object.assign(handler, { [STREAMING]: "response" });
  },
  HttpResponseStream,
};

export function isStreaming(handler: object): handler is StreamingHandler {
  return (handler as Record<symbol, unknown>)[STREAMING] === "response";
}

/** Resolves when the response has been sent whole and, unless the handler said otherwise, nothing is left to do. */
export async function callStreamingHandler(
  handler: StreamingHandler,
  event: unknown,
  { context, loopEnd, response }: StreamingCall,
): Promise<void> {
  const { stream } = response;
  const idle = new Promise<"idle">((resolve) => loopEnd.once(() => resolve("idle")));
  const returned = handler(event, stream, context);
  if (!isThenable(returned)) {
    throw new RuntimeFault("InvalidStreamingOperation", "Streaming does not support non-async handlers.");
  }
  const outcome = await Promise.race([completed(returned, stream), idle]);
  if (outcome === "idle") throw new RuntimeFault("InvalidStreamingOperation", "Response stream is not finished.");
  await response.sent();
  if (context.callbackWaitsForEmptyEventLoop) await new Promise<void>((resolve) => loopEnd.once(resolve));
  loopEnd.forget();
}

export interface StreamingCall {
  readonly context: HandlerContext;
  readonly loopEnd: EventLoopEnd;
  readonly response: StreamedResponse;
}

async function completed(returned: PromiseLike<unknown>, stream: ResponseStream): Promise<"completed"> {
  const ended = finished(stream);
  ended.catch(() => undefined); // the handler's own error comes first
  if ((await returned) !== undefined) globalThis.console.warn("Streaming handlers ignore return values.");
  await ended;
  return "completed";
}
