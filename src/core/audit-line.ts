import { createHash } from "node:crypto";
import { spellUnseen } from "./visible-text.js";

/** What can be on record; stable words that scripts rely on (docs/audit.md). */
export const AUDIT_EVENTS = [
  // at the endpoint
  "fetch",
  "refused",
  // leases
  "use",
  "lease-access",
  "lease-created",
  "lease-handed-over",
  "lease-narrowed",
  "lease-revoked",
  "lease-rotated",
  "lease-set",
  "lease-ended",
  // credentials, logins, keys
  "refresh",
  "console",
  "login",
  "logout",
  "lock",
  "unlock",
  "store-created",
  "keys-added",
  "keys-imported",
  "keys-rotated",
  "keys-removed",
  "notice",
  // the guard
  "request",
  "approved",
  "denied",
  "released",
  "grant-ended",
  // functions
  "lambda-role",
  "lambda-code",
  "lambda-trust",
  "task-role",
  "task-trust",
  "deploy-role",
  // the daemon and the log itself
  "started",
  "stop",
  "stopped",
  "config-reload",
  "config-changed",
  "config-renamed",
  "page-opened",
  "rotated",
  "gap",
] as const;
export type AuditEventName = (typeof AUDIT_EVENTS)[number];

/** abandoned: the client was gone before the answer had left. failed: it could not be done; refused: it was not allowed. */
export type AuditOutcome = "served" | "done" | "refused" | "failed" | "abandoned";

/** Why lines are missing, or were written by another program: the `code` of a `gap`. */
export type GapCode = "LinesDropped" | "FileChanged" | "NotWhole" | "SealBroken" | "SetAside";

/** One object a line (docs/audit.md). `null`: not known, or there is none. */
export interface AuditLine {
  /** 1, 2, 3 … in each of the two logs. */
  readonly n: number;
  /** UTC, with milliseconds. */
  readonly time: string;
  readonly event: AuditEventName;
  readonly outcome: AuditOutcome;
  readonly code: string | null;
  /** The id of the lease that it is about. */
  readonly lease: string | null;
  readonly lease_name?: string;
  /** What narrows the lease, in words; of a request what is asked for. Absent: nothing. */
  readonly scope?: string;
  readonly role: string | null;
  readonly source?: string;
  readonly uid: number | null;
  readonly pid: number | null;
  readonly program: string | null;
  readonly cwd: string | null;
  /** The pid is what the caller said: control cannot see whose connection it is. */
  readonly claimed?: true;
  /** `page`: it was done on a page that `brokerctl ui` opened. Absent: by a command, or at the endpoint. */
  readonly via?: "page";
  /** The id of the lease whose token the caller's variables held. */
  readonly caller_lease?: string;
  /** Why such a token names no lease: `malformed`, `LeaseUnknown`, `LeaseEnded`. */
  readonly caller_problem?: string;
  /** The end at AWS of what was served, or of what was granted. */
  readonly until?: string;
  /** Of a request of the guard. */
  readonly request?: string;
  readonly reason?: string;
  readonly detail?: string;
  /** Of what was refused or failed: what its asker was told, and the command that fixes it. */
  readonly message?: string;
  readonly hint?: string;
  /** How many the line stands for: after the first line of a minute, how many more followed it. */
  readonly count: number;
  /** Of `rotated`: the number of the first line that was kept. */
  readonly first?: number;
  /** SHA-256 of the line before, hex, without its line break; of the first one: zeros. */
  readonly prev: string;
}

/** A line before it has its place in the chain. */
export type AuditFacts = Omit<AuditLine, "n" | "prev">;

/** What the first line of a log names as the one before. */
export const NO_LINE_BEFORE = "0".repeat(64);

/** Without its line break; what a terminal would obey or hide is spelled out, so that any tool may print it. */
export function renderAuditLine({ n, facts, prev }: { n: number; facts: AuditFacts; prev: string }): string {
  return spellUnseen(JSON.stringify({ n, ...facts, prev }));
}

/** undefined: not a line of this log. Of a newer version's line, what this one knows. */
export function parseAuditLine(text: string): AuditLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<AuditLine> | null;
    const isLine = typeof line === "object" && line !== null && hasPlace(line) && holdsPlainValues(line);
    return isLine ? (line as AuditLine) : undefined;
  } catch {
    return undefined;
  }
}

function hasPlace({ n, time, event, prev }: Partial<AuditLine>): boolean {
  const isNumbered = typeof n === "number" && Number.isSafeInteger(n) && n > 0;
  return isNumbered && typeof event === "string" && typeof prev === "string" && !Number.isNaN(Date.parse(time ?? ""));
}

/** A value that only looks like a line's (a list in the place of a role) would be taken for a text by what reads it. */
function holdsPlainValues(line: Partial<AuditLine>): boolean {
  const isPlain = (type: string) => (key: keyof AuditLine) => line[key] == null || typeof line[key] === type;
  return TEXTS.every(isPlain("string")) && NUMBERS.every(isPlain("number"));
}

const TEXTS: readonly (keyof AuditLine)[] = [
  ...([
    "time",
    "outcome",
    "code",
    "lease",
    "lease_name",
    "scope",
    "role",
    "source",
    "program",
    "cwd",
    "via",
    "caller_lease",
  ] as const),
  ...(["caller_problem", "until", "request", "reason", "detail", "message", "hint"] as const),
];
const NUMBERS: readonly (keyof AuditLine)[] = ["uid", "pid", "count", "first"];

export function hashAuditLine(line: string | Uint8Array): string {
  return createHash("sha256").update(line).digest("hex");
}

/** The lines of a file as bytes, without their breaks; `isCut`: the last one has none. An empty file has no line. */
export function auditLinesOf(data: Buffer): { readonly lines: readonly Buffer[]; readonly isCut: boolean } {
  const lines: Buffer[] = [];
  let from = 0;
  for (let to = data.indexOf(LINE_BREAK); to >= 0; to = data.indexOf(LINE_BREAK, from)) {
    lines.push(data.subarray(from, to));
    from = to + 1;
  }
  const isCut = from < data.length;
  return { lines: isCut ? [...lines, data.subarray(from)] : lines, isCut };
}

const LINE_BREAK = 0x0a;

/** What every line says where nothing is known. */
export function auditFacts(told: { event: AuditEventName; now: number } & Partial<AuditFacts>): AuditFacts {
  const { event, now, ...rest } = told;
  return {
    time: new Date(now).toISOString(),
    event,
    ...{
      outcome: "done",
      code: null,
      lease: null,
      role: null,
      uid: null,
      pid: null,
      program: null,
      cwd: null,
      count: 1,
    },
    ...rest,
  };
}

/** A break in the chain, told in the chain. */
export function gapFacts(gap: { code: GapCode; detail: string; now: number; count?: number }): AuditFacts {
  const { code, detail, now, count = 1 } = gap;
  return auditFacts({ event: "gap", outcome: "failed", code, detail, count, now });
}
