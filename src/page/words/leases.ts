import type { LeaseView } from "../../control-api/lease-contract.js";
import type { LastUser } from "../../core/audit-views.js";
import { describeScope } from "../../core/lease-scope.js";
import { distance, when } from "./when.js";

/** What a person calls it by. */
export function leaseTitle({ name, id, kind }: Pick<LeaseView, "name" | "id" | "kind">): string {
  if (kind === "default") return "default lease";
  return name ?? id;
}

const KINDS: Readonly<Record<LeaseView["kind"], string>> = {
  default: "of every program without another one",
  named: "named",
  pinned: "of env ROLE",
  child: "of a process",
};

export function kindText({ kind, movable }: LeaseView): string {
  return `${KINDS[kind]}, ${movable ? "moved by use" : "pinned"}`;
}

/** `prod, read-only`; `none`. */
export function leaseRole({ role, followsDefault, kind }: LeaseView): string {
  const follows = followsDefault && kind !== "default" ? " (follows the default)" : "";
  return `${role ?? "none"}${follows}`;
}

export function scopeText({ scope }: LeaseView): string | null {
  return scope ? describeScope(scope) : null;
}

export function endText({ expiresAt, holderPid }: LeaseView, now: number): string {
  const ends = [
    ...(holderPid === null ? [] : [`with process ${holderPid}`]),
    ...(expiresAt === null ? [] : [when(expiresAt, now)]),
  ];
  return ends.length === 0 ? "never" : ends.join(" or ");
}

/** `aws (python3.11), pid 4711, in /home/me/code` */
export function programText({ program, pid, cwd }: LastUser): string {
  if (program === null) return "a program that was not looked up";
  return [program, pid === null ? null : `pid ${pid}`, cwd === null ? null : `in ${cwd}`]
    .filter((part) => part !== null)
    .join(", ");
}

export function lastUse({ lastUsedAt }: LeaseView, now: number): string {
  return lastUsedAt === null ? "never used" : `used ${distance(lastUsedAt, now)}`;
}
