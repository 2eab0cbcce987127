import type { AuditLine } from "../../core/audit-line.js";

/** What each event of the record says, in a word or two; what is not here is said as the record has it. */
const EVENTS: Readonly<Record<string, string>> = {
  fetch: "fetched",
  refused: "was refused",
  use: "moved to",
  "lease-access": "token given",
  "lease-created": "lease made",
  "lease-handed-over": "lease handed over",
  "lease-narrowed": "lease narrowed",
  "lease-revoked": "lease revoked",
  "lease-rotated": "token rotated",
  "lease-set": "lease set to",
  "lease-ended": "lease ended",
  refresh: "refreshed",
  console: "console opened",
  login: "login",
  logout: "logout",
  lock: "locked",
  unlock: "unlocked",
  request: "asked for",
  approved: "approved",
  denied: "denied",
  released: "given back",
  "grant-ended": "grant ended",
  notice: "you were told",
};

export function eventWord({ event }: AuditLine): string {
  return EVENTS[event] ?? event.replaceAll("-", " ");
}

export const RECORD_GROUPS = {
  all: "everything",
  served: "served",
  refused: "refused and failed",
  leases: "leases",
  logins: "logins and locks",
  requests: "requests and guards",
} as const;
export type RecordGroup = keyof typeof RECORD_GROUPS;

const LOGINS = ["login", "logout", "lock", "unlock", "notice"];
const REQUESTS = ["request", "approved", "denied", "released", "grant-ended"];

const IN_GROUP: Readonly<Record<RecordGroup, (line: AuditLine) => boolean>> = {
  all: () => true,
  served: ({ event }) => event === "fetch",
  refused: ({ outcome }) => outcome === "refused" || outcome === "failed",
  leases: ({ event }) => event === "use" || event.startsWith("lease-"),
  logins: ({ event }) => LOGINS.includes(event),
  requests: ({ event }) => REQUESTS.includes(event),
};

export interface RecordFilter {
  readonly group: RecordGroup;
  /** Of a role, lease, program, directory or source; empty: any. */
  readonly text: string;
}

/** The newest first. */
export function filterRecord(lines: readonly AuditLine[], { group, text }: RecordFilter): readonly AuditLine[] {
  const wanted = text.trim().toLowerCase();
  const fits = (line: AuditLine): boolean =>
    IN_GROUP[group](line) && (wanted === "" || textsOf(line).some((each) => each.toLowerCase().includes(wanted)));
  return lines.filter(fits).toReversed();
}

function textsOf({ event, role, lease, lease_name, source, program, cwd, pid, code }: AuditLine): readonly string[] {
  const pidText = pid === null ? null : String(pid);
  return [event, role, lease, lease_name, source, program, cwd, pidText, code].filter((each) => each != null);
}
