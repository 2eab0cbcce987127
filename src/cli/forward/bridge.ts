import type { IncomingMessage, RequestListener } from "node:http";
import { connect } from "node:net";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { newLeaseToken, tokenInAuthorization } from "../../core/lease.js";
import { listenOnLoopback } from "../../http/listen.js";
import { guarded, requestRefusal } from "../../http/request-guard.js";
import type { Clock } from "../../system/clock.js";
import { TOKEN_VARIABLE, URI_VARIABLE } from "../access/variables.js";
import { isSameToken, refuse, relay, silent } from "./relay.js";

export interface BridgeOptions {
  /** Path of the lease's socket. */
  readonly socket: string;
  /** Of 127.0.0.1; 0: any that is free. */
  readonly port: number;
  readonly clock: Clock;
}

/** An address by which AWS SDKs reach the socket of a lease. */
export interface Bridge {
  /** What leads them there, with a token of this bridge alone: no other one takes it, nor does brokerd. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Opens a port on loopback. It holds no credentials: each question goes to brokerd, so that what has ended there is refused here at
 * once. Never without a token: every user of a machine reaches its loopback.
 */
export async function openBridge({ socket, port, clock }: BridgeOptions): Promise<Bridge> {
  const token = newLeaseToken().reveal();
  const listener = await listenOnLoopback(bridgeHandler(socket, token, clock), {
    ...{ port, clock, logger: silent, limits: { bodies: false, maxConnections: 1024 } },
  }).catch((cause: unknown) => {
    throw cannotListen(port, cause);
  });
  const taken = listener.port ?? port;
  try {
    await refuseLoopbackDown(taken);
  } catch (error) {
    await listener.close();
    throw error;
  }
  const variables = { [URI_VARIABLE]: `http://127.0.0.1:${taken}/creds`, [TOKEN_VARIABLE]: token };
  return { variables, close: () => listener.close() };
}

/** In a new network namespace a port can be listened on, and not be reached. */
function refuseLoopbackDown(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const reached = connect(port, "127.0.0.1", () => {
      reached.destroy();
      resolve();
    });
    reached.once("error", (cause) => {
      const message = `127.0.0.1 cannot be reached here (${reasonOf(cause)}): a new network namespace has its loopback down`;
      reject(new BrokerError("NotSupported", message, { hint: "ip link set lo up", cause }));
    });
  });
}

const RULES = { paths: /^\/creds$/, hint: "brokerctl forward --socket PATH -- CMD" };

function bridgeHandler(socket: string, token: string, clock: Clock): RequestListener {
  return (request, response) => {
    const refusal = requestRefusal(guarded(request), RULES) ?? refusalOf(request, token);
    if (refusal) return refuse(response, refusal);
    void relay(socket, response, clock);
  };
}

function refusalOf({ headers }: IncomingMessage, token: string): BrokerError | undefined {
  const given = tokenInAuthorization(headers.authorization);
  if (given !== undefined && isSameToken(given, token)) return undefined;
  return new BrokerError("LeaseUnknown", "the request has not the token of this forward in Authorization", {
    hint: "use the variables that this `brokerctl forward` set",
  });
}

function cannotListen(port: number, error: unknown): unknown {
  const cause = error instanceof BrokerError ? error.cause : undefined;
  if (!hasErrno(cause, "EADDRINUSE", "EACCES")) return error;
  return new BrokerError("Conflict", `cannot listen on 127.0.0.1:${port}: ${toBrokerError(error).message}`, {
    hint: "leave --listen out: any free port will do",
    cause: error,
  });
}
