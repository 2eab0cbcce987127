import { rm } from "node:fs/promises";
import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import type { CliContext } from "../context.js";
import { confirmRole, type NarrowedTerms } from "../guard/confirm-role.js";
import { staticVariables } from "./fetch-credentials.js";
import { type Form, leaseVariables, tokenFilePath } from "./lease-variables.js";

export interface OwnLease extends NarrowedTerms {
  /** Fetched already, so that errors came with their hints; null follows the default lease, or is as that of `like`. */
  readonly role: string | null;
  /** The token of the lease that it is made like. */
  readonly like?: string | undefined;
  readonly movable?: boolean;
  /** Served on a unix socket of its own too, which CMD finds by its variable. */
  readonly socket?: boolean;
  readonly forSeconds: number | undefined;
  readonly form: Form;
}

/** What the command that runs in our place is given. */
export interface LeaseForChild {
  readonly variables: Readonly<Record<string, string>>;
  /** In place of the copies of `~/.aws`, as variables. */
  readonly files?: Readonly<Record<string, string>>;
  /** To be called when the child exists: the lease ends with it from then on. */
  readonly handOverTo: (pid: number) => Promise<void>;
}

const END_PATIENCE_MS = 2000;

/**
 * Runs `use` with a lease that ends with it. We hold the lease until the child exists; then the child does, so that it ends
 * with it even when we are killed. The form `static` is keys and leaves no lease.
 */
export async function withOwnLease<T>(
  { role, forSeconds, form, like, movable, socket, confirmation, scope }: OwnLease,
  context: CliContext,
  use: (lease: LeaseForChild) => Promise<T>,
): Promise<T> {
  const given = { ...(confirmation !== undefined && { confirmation }), ...(scope && { scope }) };
  if (form === "static") {
    refuseEnd(forSeconds);
    return use({
      variables: await staticVariables(context, role, given),
      handOverTo: async () => Promise.resolve(),
    });
  }
  const { client, pid, paths } = context;
  const access = await client.call("lease-child", {
    ...{ role, pid },
    ...(forSeconds !== undefined && { forSeconds }),
    ...(like !== undefined && { like }),
    ...(movable === true && { movable }),
    ...(socket === true && { socket }),
    ...given,
  });
  try {
    const variables = {
      ...(await leaseVariables(access, form, paths().stateDir)),
      ...(access.lease.socket !== null && { [SOCKET_VARIABLE]: access.lease.socket }),
    };
    return await use({ variables, handOverTo: (child) => handOver(access, child, context) });
  } finally {
    await endOwnLease(access, context);
    if (form === "token-file") await rm(tokenFilePath(access.lease.id, paths().stateDir), { force: true });
  }
}

function refuseEnd(forSeconds: number | undefined): void {
  if (forSeconds === undefined) return;
  throw new BrokerError("UsageInvalid", "--as static hands out keys, which --for cannot end", { hint: "--as header" });
}

/** Where that cannot be (the child has ended already, brokerd is gone), the lease ends with us instead, and we outlive the child. */
export async function handOver({ lease }: LeaseAccess, pid: number, { quietClient }: CliContext): Promise<void> {
  await quietClient.call("lease-hand-over", { id: lease.id, pid }).catch(() => undefined);
}

/** The daemon would notice by itself with its next sweep, within 15 s: a daemon that is gone does not hold up the exit. */
export async function endOwnLease({ lease }: LeaseAccess, { quietClient }: CliContext): Promise<void> {
  const revoke = quietClient.call(
    "lease-revoke",
    { lease: { by: "id", id: lease.id } },
    { timeoutMs: END_PATIENCE_MS },
  );
  await revoke.catch(() => undefined);
}

/** A lease by its name. The token of one that has a guarded role is given after a yes only. */
export async function accessToNamed(
  name: string,
  reason: string | undefined,
  context: CliContext,
): Promise<LeaseAccess> {
  const lease = { by: "name", name } as const;
  const { role, followsDefault, kind } = await context.client.call("lease-show", { lease });
  const isGiven = role === null || followsDefault || kind === "default";
  const yes = isGiven ? {} : await confirmRole({ role, target: lease, reason }, context);
  return context.client.call("lease-access", { lease, ...yes });
}
