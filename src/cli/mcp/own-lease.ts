import type { OwnLeaseView, RequestableRole, RequestPreview } from "../../control-api/access-contract.js";
import type { ControlClient } from "../../control-api/client.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import type { WantedScope } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";

/** What is wanted of a person or a rule. */
export interface Wish {
  readonly role: string;
  readonly reason: string;
  readonly forSeconds?: number;
  /** What is wanted of the role; absent: all of it. */
  readonly scope?: WantedScope;
}

/** The one lease that the tools are about, wherever brokerd is asked. All reject with a BrokerError. */
export interface OwnLease {
  show(signal: AbortSignal): Promise<OwnLeaseView>;
  roles(signal: AbortSignal): Promise<readonly RequestableRole[]>;
  preview(wish: Omit<Wish, "reason">, signal: AbortSignal): Promise<RequestPreview>;
  request(wish: Wish, signal: AbortSignal): Promise<RequestView>;
  /** As it stands when it is decided, or after `waitSeconds`. */
  status(asked: { readonly id: string; readonly waitSeconds: number }, signal: AbortSignal): Promise<RequestView>;
  /** Without an id: the last that can be given back. */
  release(id: string | undefined, signal: AbortSignal): Promise<RequestView>;
}

/** Beyond the wait itself: an answer is on its way. */
const GRACE_MS = 10_000;

type Caller = Pick<ControlClient, "call">;

/**
 * By the control socket, which takes the lease from what the client says of itself. `anew`: the token that it had was refused; answers
 * another client where there may be another token.
 */
export function leaseByControl(connect: (anew: boolean) => Promise<Caller | undefined>): OwnLease {
  const ask = async <T>(act: (client: Caller) => Promise<T>): Promise<T> => {
    const client = await connect(false);
    if (!client) throw new Error("there is no client");
    return act(client).catch(async (error: unknown) => {
      const other = isTokenRefused(error) ? await connect(true) : undefined;
      if (!other) throw error;
      return act(other);
    });
  };
  return {
    show: (signal) => ask((client) => client.call("lease-own", {}, { signal })),
    roles: async (signal) => (await ask((client) => client.call("request-roles", {}, { signal }))).roles,
    preview: (wish, signal) => ask((client) => client.call("request-preview", wish, { signal })),
    request: (wish, signal) => ask((client) => client.call("request-create", wish, { signal })),
    status: (asked, signal) => {
      const timeoutMs = asked.waitSeconds * 1000 + GRACE_MS;
      return ask((client) => client.call("request-status", asked, { signal, timeoutMs }));
    },
    release: (id, signal) =>
      ask((client) => client.call("request-release", id === undefined ? {} : { id }, { signal })),
  };
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof BrokerError && (error.code === "LeaseEnded" || error.code === "LeaseUnknown");
}
