import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { OwnLeaseView, RequestableRole, RequestPreview } from "../../control-api/access-contract.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import { errnoOf } from "../../core/errno.js";
import { BrokerError, type BrokerErrorCode } from "../../core/errors.js";
import type { OwnLease } from "./own-lease.js";

const TIMEOUT_MS = 15_000;
/** Of an answer: a thousand roles. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  readonly waitSeconds?: number;
}

/** By the lease's own socket, which serves that lease and nothing else: all there is inside a sandbox. */
export function leaseBySocket(socketPath: string): OwnLease {
  const ask = async <T>(asked: Asked, signal: AbortSignal): Promise<T> => (await send(socketPath, asked, signal)) as T;
  const get = <T>(path: string, signal: AbortSignal): Promise<T> => ask<T>({ method: "GET", path }, signal);
  const post = <T>(path: string, body: object, signal: AbortSignal): Promise<T> =>
    ask<T>({ method: "POST", path, body }, signal);
  return {
    show: (signal) => get<OwnLeaseView>("/scope", signal),
    roles: async (signal) => (await get<{ readonly roles: readonly RequestableRole[] }>("/roles", signal)).roles,
    preview: (wish, signal) => post<RequestPreview>("/preview", wish, signal),
    request: (wish, signal) => post<RequestView>("/request", wish, signal),
    status: ({ id, waitSeconds }, signal) =>
      ask<RequestView>({ method: "GET", path: `/request/${id}`, waitSeconds }, signal),
    release: (id, signal) => post<RequestView>("/release", id === undefined ? {} : { id }, signal),
  };
}

async function send(
  socketPath: string,
  { method, path, body, waitSeconds = 0 }: Asked,
  signal: AbortSignal,
): Promise<unknown> {
  const data = body && Buffer.from(JSON.stringify(body));
  const limit = AbortSignal.timeout(TIMEOUT_MS + waitSeconds * 1000);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest({
      ...{ method, path, signal: AbortSignal.any([signal, limit]) },
      createConnection: () => connect({ path: socketPath }),
      headers: {
        Host: "localhost",
        ...(data && { "Content-Type": "application/json", "Content-Length": data.length }),
        ...(waitSeconds > 0 && { Prefer: `wait=${waitSeconds}` }),
      },
    });
    outgoing.once("response", resolve).once("error", reject).end(data);
  }).catch((error: unknown) => {
    throw gone(error);
  });
  const answer = parsed(await textOf(response));
  if (response.statusCode === 200 && answer !== undefined) return answer;
  throw refusalOf(answer, response.statusCode);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MAX_ANSWER_BYTES) throw gone(new Error("its answer is too large"));
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf(answer: object | undefined, status: number | undefined): BrokerError {
  const { code, message, hint } = (answer ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly hint?: unknown;
  };
  if (typeof code === "string" && typeof message === "string") {
    return new BrokerError(code as BrokerErrorCode, message, typeof hint === "string" ? { hint } : {});
  }
  return new BrokerError("InternalError", `the lease's socket answered with status ${status ?? 0}`);
}

/** The socket goes with its lease. */
function gone(cause: unknown): BrokerError {
  const message = `the lease's socket does not answer (${errnoOf(cause)}): its lease may have ended, or brokerd is not running`;
  return new BrokerError("LeaseEnded", message, { hint: "brokerctl status    # outside of the sandbox", cause });
}
