import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { BrokerError } from "../core/errors.js";

/** No answer that we read comes near: 1,000 accounts of Identity Center are 200 KB. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
/** Ten policies of a role, encoded twice, and some to spare. */
export const MAX_POLICY_BYTES = 4 * 1024 * 1024;

export interface BodyBound {
  readonly maxBytes: number;
  /** Whose answer to what, for the error. */
  readonly host: string;
  readonly action: string;
}

/**
 * A whole body as it came, or `AwsUnreachable` as soon as it is larger than may be: what is left is not read, the
 * connection ends. The SDK would take any amount, and its parsers many times that.
 */
export async function boundedBody(body: Readable, bound: BodyBound): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the body, and the connection with it.
    if (bytes > bound.maxBytes) throw tooLarge(bound);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/**
 * Runs `ask`, whose requests the SDK makes itself: its providers of a machine's credentials collect any amount. Each
 * of its answers is counted on its connection; the first that is too large ends that connection and rejects.
 */
export function withBoundedAnswers<T>(bound: BodyBound, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asking.run({ bound, refuse: reject }, () => void ask().then(resolve, reject));
  });
}

const asking = new AsyncLocalStorage<{ readonly bound: BodyBound; readonly refuse: (error: BrokerError) => void }>();

/** Node reports each request of this process here, in the async context of its caller. */
subscribe("http.client.request.start", (message) => {
  const asked = asking.getStore();
  if (!asked) return;
  const { request } = message as { readonly request: ClientRequest };
  request.prependOnceListener("response", (response: IncomingMessage) => {
    const { socket } = response;
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= asked.bound.maxBytes) return;
      asked.refuse(tooLarge(asked.bound));
      response.destroy();
    };
    socket.on("data", count);
    response.once("close", () => socket.off("data", count));
  });
});

function tooLarge({ host, action, maxBytes }: BodyBound): BrokerError {
  const message = `${host} gave an answer to ${action} that is too large: more than ${maxBytes / MIB} MiB`;
  return new BrokerError("AwsUnreachable", message, {
    hint: "check what stands at that address: `brokerctl status` lists custom endpoints and proxies",
  });
}

const MIB = 1024 * 1024;
