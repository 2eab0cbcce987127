import { type AuditFacts, auditFacts } from "../core/audit-line.js";
import type { AuditLogName } from "../core/audit-views.js";
import { describeScope } from "../core/lease-scope.js";
import type { Peer } from "../system/peer-identity.js";
import type { SocketProcess } from "../system/socket-processes.js";
import type { AuditEvent, Caller } from "./audit-event.js";

/** Of names, paths and reasons: the disk is to hold what happened, not what a client would like to be written. */
const MAX_TEXT = 300;
const MAX_PATH = 1024;

export interface Recorded {
  readonly event: AuditEvent;
  readonly asker: SocketProcess | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Hides what looks like a secret. */
  readonly redact: (text: string) => string;
}

/** An event and who asked as a line says it: short, without secrets. */
export function factsOf({ event, asker, now, redact }: Recorded): AuditFacts {
  const text = (value: string | null | undefined, longest = MAX_TEXT): string | null =>
    value === null || value === undefined ? null : cut(redact(value), longest);
  const {
    event: name,
    outcome,
    code,
    error,
    lease,
    role,
    detail,
    peer,
    until,
    source,
    request,
    reason,
  } = event as AnyEvent;
  return auditFacts({
    ...{ event: name, outcome, now, code: orNull(code) },
    ...{ lease: orNull(lease?.id), role: text(role), uid: uidOf(peer, event.caller) },
    ...callerFacts(event.caller),
    ...(asker && askerFacts(asker, text)),
    ...given({
      ...{ lease_name: text(lease?.name), scope: text(lease?.scope && describeScope(lease.scope)) },
      ...{ source: text(source), request: text(request) },
      ...{ reason: text(reason), detail: text(detail), until: instant(until) },
      ...{ message: text(error?.message), hint: text(error?.hint) },
    }),
  });
}

/** What was done stands apart from what was not. */
export function logOf({ outcome }: AuditFacts): AuditLogName {
  return outcome === "refused" || outcome === "failed" ? "refusals" : "audit";
}

/** With what only some events have. */
type AnyEvent = AuditEvent & {
  readonly peer?: Peer | undefined;
  readonly until?: number | null | undefined;
  readonly source?: string | undefined;
  readonly request?: string | undefined;
  readonly reason?: string | undefined;
};

/** The system's word, where it gives one. */
function uidOf(peer: Peer | undefined, caller: Caller | undefined): number | null {
  return orNull((peer ?? caller?.peer)?.uid);
}

function callerFacts(caller: Caller | undefined): Partial<AuditFacts> {
  if (!caller) return {};
  const { pid, isPage, lease, leaseProblem } = caller;
  return {
    ...(pid !== undefined && { pid, claimed: true }),
    ...(isPage && { via: "page" }),
    ...given({ caller_lease: lease?.id, caller_problem: leaseProblem }),
  };
}

type Text = (value: string, longest: number) => string | null;

function askerFacts({ pid, program, cwd }: SocketProcess, text: Text): Partial<AuditFacts> {
  return { pid, program: text(program, MAX_PATH), cwd: text(cwd, MAX_PATH) };
}

function orNull<T>(value: T | undefined): T | null {
  return value === undefined ? null : value;
}

/** Without the fields that are not known. */
function given<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** What is left of a halved character is spelled out by JSON. */
function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

function instant(ms: number | null | undefined): string | undefined {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
