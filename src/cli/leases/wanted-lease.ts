import type { LeaseAccess } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { withLogin } from "../login/login.js";

/** Which lease `env` is asked for. */
export type WantedLease =
  | { readonly kind: "default" }
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "pinned"; readonly role: string }
  | { readonly kind: "new"; readonly role: string | null; readonly pid: number };

export interface LeaseFlags {
  readonly role: string | undefined;
  readonly lease: string | undefined;
  readonly new: boolean;
  readonly pid: string | undefined;
}

export function wantedLease(flags: LeaseFlags): WantedLease {
  refuseContradictions(flags);
  const { role, lease, pid } = flags;
  if (flags.new) return { kind: "new", role: role ?? null, pid: pidOf(pid) };
  if (lease !== undefined) return { kind: "named", name: lease };
  return role === undefined ? { kind: "default" } : { kind: "pinned", role };
}

/** A role that is named is fetched first: what is missing shows here and not inside a program. */
export async function accessTo(wanted: WantedLease, context: CliContext): Promise<LeaseAccess> {
  const { client } = context;
  switch (wanted.kind) {
    case "default":
      return client.call("lease-access", { lease: { by: "default" } });
    case "named":
      return client.call("lease-access", { lease: { by: "name", name: wanted.name } });
    case "pinned":
      await withLogin(context, wanted.role, () => client.call("warm", { role: wanted.role }));
      return client.call("lease-access", { pinnedRole: wanted.role });
    case "new": {
      const { role, pid } = wanted;
      if (role !== null) await withLogin(context, role, () => client.call("warm", { role }));
      return client.call("lease-child", { role, pid });
    }
  }
}

/** The role whose keys are to be printed. */
export async function roleOf(wanted: WantedLease, { client }: CliContext): Promise<string> {
  if (wanted.kind === "new") {
    throw usage("--as static prints keys and leaves no lease: --new has nothing to hold", "--as url");
  }
  if (wanted.kind === "pinned") return wanted.role;
  const lease = wanted.kind === "named" ? ({ by: "name", name: wanted.name } as const) : ({ by: "default" } as const);
  const { role } = await client.call("lease-show", { lease });
  if (role !== null) return role;
  throw new BrokerError("NoRole", "the lease has no role yet, so there are no keys to print", {
    hint: "brokerctl use ROLE",
  });
}

function refuseContradictions({ role, lease, new: isNew, pid }: LeaseFlags): void {
  if (pid !== undefined && !isNew) {
    throw usage("--pid says which process holds a lease made with --new", `--new --pid ${pid}`);
  }
  if (lease === undefined) return;
  if (isNew) throw usage("--new makes a lease and --lease names one: choose", "--new --pid $$");
  if (role === undefined) return;
  throw usage(`a lease has its own role: ROLE and --lease ${lease} exclude each other`, `--lease ${lease}`);
}

function pidOf(text: string | undefined): number {
  if (text === undefined) throw usage("--new needs the process that holds the lease", "--new --pid $$");
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (pid > 1) return pid;
  throw usage(`--pid must be the number of a process, not '${text}'`, "--new --pid $$");
}

function usage(message: string, flags: string): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint: `brokerctl env ${flags}` });
}
