import { secondsOfDuration } from "../core/duration.js";
import {
  CONFIRMATIONS,
  type Confirmation,
  DEFAULT_MAX_LEASE_SECONDS,
  type Guard,
  strictest,
  type YieldedRole,
} from "../core/guard.js";

/** A guard of a role that is not in force, with what of AWS it guards. */
export interface LeftOutGuard extends YieldedRole {
  readonly guard: Guard;
}

interface RawConfig {
  /** `roles:` as it was read, unchecked. */
  readonly roles: unknown;
  /** Of the file: which question is the strictest that there is. */
  readonly secretStore: string;
}

/** Of a guard that cannot be read: a yes every quarter of an hour, the shortest session of AWS. */
const STRICTEST_MAX_LEASE_SECONDS = 900;

/**
 * What roles that are left out of the config guard, their own entries and those that they are chained from taken as they stand: the same role of
 * AWS is not to be had without a yes by another name (`SOURCE:ACCOUNT/ROLE`) because of a slip in the file. What of a guard cannot be read
 * counts as the strictest. A role of AWS that its entry does not name in full is not known, and not covered.
 */
export function guardsOfLeftOut(names: readonly string[], config: RawConfig): readonly LeftOutGuard[] {
  const entries = fieldsOf(config.roles);
  return names.flatMap((name) => {
    const guard = guardAlong(name, { entries, ask: config.secretStore === "passphrase" ? "passphrase" : "desktop" });
    const yielded = yieldedBy(fieldsOf(entries[name]));
    return guard && yielded ? [{ ...yielded, guard }] : [];
  });
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

interface Chain {
  readonly entries: Fields;
  readonly ask: Confirmation;
}

function guardAlong(start: string, { entries, ask }: Chain): Guard | undefined {
  let guard: Guard | undefined;
  const seen = new Set<string>();
  for (let name: unknown = start; typeof name === "string" && !seen.has(name); ) {
    seen.add(name);
    const entry = fieldsOf(entries[name]);
    guard = strictest(guard, guardIn(entry["guard"], ask));
    name = entry["source_role"];
  }
  return guard;
}

function guardIn(value: unknown, ask: Confirmation): Guard | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isReadable(value)) return { confirm: ask, reason: true, maxLeaseSeconds: STRICTEST_MAX_LEASE_SECONDS };
  const { confirm, reason, max_lease: maxLease } = fieldsOf(value);
  return {
    ...(confirm !== undefined && { confirm: CONFIRMATIONS.find((known) => known === confirm) ?? ask }),
    reason: reason !== undefined && reason !== false,
    maxLeaseSeconds: secondsIn(maxLease),
  };
}

/** Whether it has conditions, all of them by names that there are: a misspelt one could be any. */
function isReadable(value: unknown): boolean {
  const names = Object.keys(fieldsOf(value));
  return names.length > 0 && names.every((name) => ["confirm", "reason", "max_lease"].includes(name));
}

function secondsIn(value: unknown): number {
  if (value === undefined) return DEFAULT_MAX_LEASE_SECONDS;
  return (typeof value === "string" ? secondsOfDuration(value) : undefined) ?? STRICTEST_MAX_LEASE_SECONDS;
}

function yieldedBy({
  role_arn: arn,
  sso_account_id: account,
  sso_role_name: roleName,
}: Fields): YieldedRole | undefined {
  if (typeof arn === "string") return { assume: { roleArn: arn } };
  // Without quotes it is a number, which is a mistake that is often made.
  const accountId = typeof account === "number" ? String(account).padStart(12, "0") : account;
  if (typeof accountId !== "string" || typeof roleName !== "string") return undefined;
  return { sso: { accountId, roleName } };
}
