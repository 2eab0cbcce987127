import { quotedReason } from "../../core/access-request.js";
import type { AuditLine } from "../../core/audit-line.js";
import type { AuditReport, ChainReport, Holder, LastUser } from "../../core/audit-views.js";
import { printable } from "./output.js";
import { isoInstant, until } from "./when.js";

/** A line of the audit log for people: when, what, who. */
export function auditText(line: AuditLine): string {
  const { event, role, source, lease, lease_name: name, detail, reason, count } = line;
  const told = [
    localTime(line.time),
    event.padEnd(13),
    outcomeText(line),
    role ?? source,
    ifAny("only", line.scope),
    ifAny("lease", name ?? lease),
    whoText(line),
    ifAny("by lease", line.caller_lease),
    ifAny("with a token that is", problemText(line.caller_problem)),
    ifAny("request", line.request),
    ifAny("because", reason && quotedReason(reason)),
    detail,
    ifAny("until", line.until && localTime(line.until)),
    count > 1 ? `× ${count}` : undefined,
  ];
  return printable(told.filter(Boolean).join("  "));
}

function ifAny(what: string, value: string | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : `${what} ${value}`;
}

function outcomeText({ outcome, code }: AuditLine): string | undefined {
  if (outcome === "served" || outcome === "done") return undefined;
  return code === null ? outcome : `${outcome}: ${code}`;
}

function problemText(problem: string | undefined): string | undefined {
  const texts: Readonly<Record<string, string>> = { LeaseEnded: "of an ended lease", LeaseUnknown: "of no lease" };
  return problem && (texts[problem] ?? problem);
}

function whoText({ program, pid, cwd, uid, claimed }: AuditLine): string | undefined {
  if (program === null && pid === null) return uid === null ? undefined : `uid ${uid}`;
  const process = pid === null ? undefined : `pid ${pid}${claimed ? " (claimed)" : ""}`;
  return [program ?? undefined, process, cwd === null ? undefined : `in ${cwd}`].filter(Boolean).join(", ");
}

function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}

/** `aws (python3.11), pid 4711, in /home/me/code` */
export function programText({ program, pid, cwd }: LastUser): string {
  if (program === null) return "a program that was not looked up";
  return [program, pid === null ? undefined : `pid ${pid}`, cwd === null ? undefined : `in ${cwd}`]
    .filter(Boolean)
    .join(", ");
}

const MAX_SHOWN = 5;

/** What programs still hold after a lease was moved or ended, a line each. */
export function holderLines(holders: readonly Holder[], now: number): readonly string[] {
  const shown = holders.slice(0, MAX_SHOWN).map((holder) => {
    return `${programText(holder)} holds ${holder.role} until ${until(holder.until, now)}`;
  });
  const more = holders.length - shown.length;
  const [first] = holders;
  return more > 0 && first ? [...shown, `and ${more} more: brokerctl who ${first.role}`] : shown;
}

type Json = Readonly<Record<string, unknown>>;

export function holderJson({ leaseName, lastServedAt, until: end, ...holder }: Holder): Json {
  const { lease, role, uid, pid, program, cwd } = holder;
  const times = { last_served_at: isoInstant(lastServedAt), until: isoInstant(end) };
  return { lease, lease_name: leaseName, role, uid, pid, program, cwd, ...times };
}

/** What a check of one log found, a line each; the first one is its outcome. */
export function reportLines(name: string, report: ChainReport): readonly string[] {
  const { lines, first, last, findings, notes, sealedTo } = report;
  const range = first === null || last === null ? "no lines" : `${lines} lines, number ${first} to ${last}`;
  const sealed = sealedTo === null || sealedTo === 0 ? "" : `, sealed to ${sealedTo}`;
  const outcome = findings.length === 0 ? "as brokerd wrote it" : "NOT as brokerd wrote it";
  return [
    `${name}: ${range}${sealed}: ${outcome}`,
    ...findings.map(({ file, line, what }) => `  ${line === 0 ? file : `${file} line ${line}`}: ${what}`),
    ...notes.map(({ file, line, what }) => `  note: ${file} line ${line}: ${what}`),
  ];
}

export function reportJson({ logs, sealedAt, sealProblem }: AuditReport): Json {
  const logJson = ({ sealedTo, ...report }: ChainReport): Json => ({ ...report, sealed_to: sealedTo });
  return {
    intact: isIntact({ logs }),
    logs: { audit: logJson(logs.audit), refusals: logJson(logs.refusals) },
    sealed_at: isoInstant(sealedAt),
    seal_problem: sealProblem,
  };
}

export function isIntact({ logs }: Pick<AuditReport, "logs">): boolean {
  return logs.audit.findings.length === 0 && logs.refusals.findings.length === 0;
}
