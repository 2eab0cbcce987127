import { BrokerError } from "../core/errors.js";
import { type Lease, type LeaseKind, labelOf } from "../core/lease.js";
import { describeScope, type LeaseScope } from "../core/lease-scope.js";

const NEW_ACCESS = 'eval "$(brokerctl env)"';
const NEW_LEASE = "brokerctl lease create NAME ROLE    # what is to have more is another lease";

export function leaseUnknown(): BrokerError {
  return new BrokerError("LeaseUnknown", "no lease has this token", { hint: NEW_ACCESS });
}

export function leaseNotFound(what: string): BrokerError {
  return new BrokerError("LeaseUnknown", `there is no lease ${what}`, { hint: "brokerctl lease list" });
}

export function leaseEnded({ label, kind }: { readonly label: string; readonly kind: LeaseKind }): BrokerError {
  if (kind === "child") {
    const message = "this lease has expired, or its program has exited";
    return new BrokerError("LeaseEnded", message, { hint: NEW_ACCESS });
  }
  const hint = kind === "named" ? "brokerctl lease list" : NEW_ACCESS;
  return new BrokerError("LeaseEnded", `this token of lease ${label} was revoked, replaced or has expired`, { hint });
}

/** The default lease is made when the secret store first opens, which keeps its token. */
export function defaultLeaseMissing(): BrokerError {
  return new BrokerError("StoreLocked", "the default lease cannot be made while the secret store is closed", {
    hint: "brokerctl unlock",
  });
}

export function leasesNotLoaded(): BrokerError {
  return new BrokerError("StoreUnavailable", "the leases could not be loaded", { hint: "brokerctl status" });
}

export function tokenNotKept(): BrokerError {
  return new BrokerError("UsageInvalid", "the token of this lease was shown once and is not stored", {
    hint: NEW_ACCESS,
  });
}

export function nameTaken(name: string): BrokerError {
  return new BrokerError("Conflict", `lease ${name} exists already`, { hint: `brokerctl lease revoke ${name}` });
}

export function socketTaken(lease: Lease): BrokerError {
  const label = labelOf(lease);
  return new BrokerError("Conflict", `lease ${label} is served on ${lease.socket ?? ""}`, {
    hint: `brokerctl lease show ${label}`,
  });
}

export function nameInvalid(name: string): BrokerError {
  return new BrokerError("UsageInvalid", `${JSON.stringify(name)} cannot be the name of a lease`, {
    hint: "a name starts with a letter or digit, goes on with letters, digits and . _ / @ + -, and is not default",
  });
}

export function roleInvalid(limit: number): BrokerError {
  return new BrokerError("UsageInvalid", `the name of a role has 1 to ${limit} characters`, {
    hint: "brokerctl roles",
  });
}

export function endInThePast(): BrokerError {
  return new BrokerError("UsageInvalid", "the end of the lease is not in the future", { hint: "give a longer --for" });
}

/** Names the lease that has been unused for the longest time. */
export function tooManyLeases(leases: readonly Lease[]): BrokerError {
  const count = (kind: LeaseKind): number => leases.filter((lease) => lease.kind === kind).length;
  const [named, pinned, children] = [count("named"), count("pinned"), count("child")];
  const message = `there are ${leases.length} leases already: ${named} named, ${pinned} of env ROLE, ${children} of programs and shells`;
  const usedAt = (lease: Lease): number => lease.lastUsedAt ?? lease.createdAt;
  const stalest = leases
    .filter(({ kind, name }) => name !== undefined && (kind === "named" || kind === "pinned"))
    .reduce<Lease | undefined>((oldest, one) => (oldest && usedAt(oldest) <= usedAt(one) ? oldest : one), undefined);
  const hint =
    stalest?.name === undefined || children > named + pinned
      ? "end programs and shells that have one: brokerctl lease list"
      : `brokerctl lease revoke ${stalest.name}    # the longest unused; all: brokerctl lease list`;
  return new BrokerError("Conflict", message, { hint });
}

export function holderFixed(label: string): BrokerError {
  return new BrokerError("UsageInvalid", `lease ${label} does not end with a process`, {
    hint: "brokerctl lease list",
  });
}

export function rolePinned({ kind, name, id, role }: Lease): BrokerError {
  const message = `lease ${name ?? id} is pinned to ${role ?? "its role"}`;
  const hints: Readonly<Record<LeaseKind, string>> = {
    named: `brokerctl lease set ${name ?? id} ROLE    # from a shell of your own`,
    pinned: "brokerctl use ROLE --default    # from a shell of your own",
    child: "brokerctl request ROLE --reason TEXT",
    default: "brokerctl use ROLE --default",
  };
  return new BrokerError("LeasePinned", message, { hint: hints[kind] });
}

/** At the endpoint: what a program of this lease can do about it. */
export function grantMissing({ kind, name }: Lease, role: string): BrokerError {
  const hints: Readonly<Record<LeaseKind, string>> = {
    default: `brokerctl use ${role} --default --for 30m`,
    named: `brokerctl lease set ${name ?? "NAME"} ${role}, or with it: brokerctl request ${role} --reason TEXT`,
    pinned: `eval "$(brokerctl env ${role})"`,
    child: `brokerctl use ${role}, or brokerctl request ${role} --reason TEXT`,
  };
  return new BrokerError("GuardRefused", `role ${role} is guarded, and no yes to it is in force for this lease`, {
    hint: hints[kind],
  });
}

export function defaultNotRevocable(): BrokerError {
  return new BrokerError("UsageInvalid", "the default lease cannot be revoked, only given another token", {
    hint: "brokerctl lease rotate default",
  });
}

export function notNarrowable({ kind, role }: Lease): BrokerError {
  const isDefault = kind === "default";
  const message = isDefault
    ? "the default lease is not narrowed: every program has it"
    : `the lease of env ${role ?? "ROLE"} is not narrowed: it is for all who ask for that role and scope`;
  const hint = isDefault
    ? "brokerctl lease create NAME ROLE --read-only"
    : `brokerctl env ${role ?? "ROLE"} --read-only`;
  return new BrokerError("UsageInvalid", message, { hint });
}

/** `flag` is what would be wider than the lease's. */
export function widens(lease: Lease, own: LeaseScope, flag: string): BrokerError {
  const why = flag === "--policy" ? "another --policy is not known to be narrower" : `${flag} would widen it`;
  const message = `lease ${labelOf(lease)} is narrowed already (${describeScope(own)}): ${why}`;
  return new BrokerError("ScopeRefused", message, { hint: NEW_LEASE });
}

export function prolongs(lease: Lease): BrokerError {
  const message = `lease ${labelOf(lease)} ends before that: --for would prolong it`;
  return new BrokerError("ScopeRefused", message, { hint: NEW_LEASE });
}

/** Of a lease that programs of the narrowed one made. */
export function notWithin(lease: Lease): BrokerError {
  const label = labelOf(lease);
  const own = lease.scope ? describeScope(lease.scope) : "all of its role";
  const message = `lease ${label}, which its programs made, has what no scope can narrow so (${own})`;
  return new BrokerError("ScopeRefused", message, { hint: `brokerctl lease revoke ${label}` });
}

export function changedMeanwhile(label: string): BrokerError {
  return new BrokerError("Conflict", `what lease ${label} has is another since it was asked: nothing was made of it`, {
    hint: "ask again",
  });
}
