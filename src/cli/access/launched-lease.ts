import { rm } from "node:fs/promises";
import type { Launched } from "../../control-api/launch-client.js";
import { type LaunchRequest, scopeLine } from "../../control-api/launch-contract.js";
import type { WantedScope } from "../../control-api/lease-contract.js";
import type { CliContext } from "../context.js";
import { type Confirmed, confirmRole } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { roleOfShellLease, tokenOfShell } from "./find-lease.js";
import { type LeaseForm, leaseVariables, tokenFilePath } from "./lease-variables.js";
import type { LeaseForChild } from "./own-lease.js";

export interface WantedLease {
  /** undefined: as the lease of this shell. */
  readonly role: string | undefined;
  readonly movable: boolean;
  readonly forSeconds: number | undefined;
  readonly reason: string | undefined;
  /** What narrows it beside what narrows this shell's lease. */
  readonly scope?: WantedScope | undefined;
}

/** What brokerd made in one round trip, with the connection on which the command is told. */
export type OpenLease = Extract<Launched, { readonly access: unknown }>;

/** no-role: this shell's lease has none. undefined: brokerd is to be asked one operation after the other. */
export type AskedLease = OpenLease | "no-role" | undefined;

/** Fetches the role's credentials and makes a lease for a command, after what the role's guard asks and the login that is missing. */
export async function launchLease(wanted: WantedLease, context: CliContext): Promise<AskedLease> {
  const like = wanted.role === undefined ? await tokenOfShell(context.env) : undefined;
  const ask = (yes: Confirmed): Promise<Launched | undefined> =>
    context.client.launch(requestOf({ ...wanted, like, ...yes }, context.pid));
  const role = wanted.role ?? (() => roleOfShellLease(context));
  return withLogin(context, role, async () => {
    const launched = await ask({});
    return launched && "handoff" in launched ? afterHandoff(wanted, context, ask) : launched;
  });
}

/** A handoff: a person is to be asked, or a role is to be looked for. */
async function afterHandoff(
  { role, forSeconds, reason, scope }: WantedLease,
  context: CliContext,
  ask: (yes: Confirmed) => Promise<Launched | undefined>,
): Promise<AskedLease> {
  if (role === undefined) return "no-role";
  const yes = await confirmRole({ role, target: { by: "new" }, forSeconds, reason, scope }, context);
  const launched = await ask(yes);
  return launched && "access" in launched ? launched : undefined;
}

interface AskedFor extends WantedLease, Confirmed {
  readonly like: string | undefined;
}

function requestOf({ role, like, movable, forSeconds, confirmation, scope }: AskedFor, pid: number): LaunchRequest {
  return {
    ...{ kind: "exec", pid },
    ...(role !== undefined && { role }),
    ...(like !== undefined && { like }),
    ...(forSeconds !== undefined && { forSeconds }),
    ...(movable && { movable }),
    ...(scope && { scope: scopeLine(scope) }),
    ...(confirmation !== undefined && { confirmation }),
  };
}

interface OpenLeaseUse {
  readonly form: LeaseForm;
  readonly stateDir: string;
  /** Told what a client of the lease was refused, at most once a minute. */
  readonly onNotice: ((text: string) => void) | undefined;
}

/** Runs `use` with the lease: it ends with the command, also when we are killed, and with the connection where there is none. */
export async function withOpenLease<T>(
  { access, connection }: OpenLease,
  { form, stateDir, onNotice }: OpenLeaseUse,
  use: (lease: LeaseForChild) => Promise<T>,
): Promise<T> {
  if (onNotice) connection.onNotice = onNotice;
  try {
    const variables = await leaseVariables(access, form, stateDir);
    const handOverTo = async (pid: number): Promise<void> => {
      connection.tellChild(pid);
      return Promise.resolve();
    };
    return await use({ variables, handOverTo });
  } finally {
    connection.close();
    if (form === "token-file") await rm(tokenFilePath(access.lease.id, stateDir), { force: true });
  }
}
