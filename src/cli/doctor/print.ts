import type { CliContext } from "../context.js";
import { fields, table } from "../terminal/table.js";
import type { Diagnosis } from "./doctor.js";
import { type Finding, isWrong } from "./finding.js";
import type { FamilyVerdict } from "./findings/shadowing.js";
import type { SourceKind, Verdict } from "./sdk/judge.js";

/** `doctor --json`. */
export function diagnosisJson({ verdicts, findings }: Diagnosis): object {
  return {
    ok: !findings.some(isWrong),
    findings: findings.map(({ id, severity, message, fix }) => ({ id, severity, message, fix })),
    sdks: verdicts.map(({ family: { name, programs, known }, verdict }) => ({
      ...{ name, programs, known },
      ...verdictJson(verdict),
    })),
  };
}

/** What `doctor --json` says of a family. */
export interface VerdictJson {
  readonly outcome: Verdict["outcome"];
  readonly provider: string | null;
  readonly source: SourceKind | null;
  readonly who: string | null;
  /** Last four characters of the access key id that signs first, where it is known. */
  readonly key: string | null;
  readonly role_arn: string | null;
  readonly program: string | null;
  /** A role that the lease's credentials assume. */
  readonly by_lease: boolean;
  readonly why: string;
  readonly at: string | null;
  /** Where the source gives nothing; null: it is sure to. */
  readonly unless: VerdictJson | null;
}

function verdictJson({ outcome, provider, source, why, at, unless }: Verdict): VerdictJson {
  const { kind = null, who = null, keySuffix = null, roleArn = null, program = null, byLease = false } = source ?? {};
  return {
    ...{ outcome, provider, source: kind, who, key: keySuffix, role_arn: roleArn, program, by_lease: byLease, why, at },
    unless: unless === null ? null : verdictJson(unless),
  };
}

export function printDiagnosis({ verdicts, findings }: Diagnosis, { output }: CliContext): void {
  const { screen } = output;
  const rows = verdicts.map((each) => [nameOf(each), gets(each.verdict), told(each.verdict)]);
  output.print(table(["programs", "get", "because"], rows, screen));
  for (const severity of ["error", "warning", "note"] as const) {
    const told = findings.filter((each) => each.severity === severity);
    if (told.length > 0) output.print(`\n${fields(told.flatMap(linesOf), screen)}`);
  }
  const wrong = findings.filter(isWrong).length;
  output.print(wrong === 0 ? "\nnothing is wrong" : `\n${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong`);
}

const GETS = { lease: "the lease", other: "another source", error: "an error", none: "nothing" } as const;

function nameOf({ family: { name, programs } }: FamilyVerdict): string {
  return programs.length === 0 ? name : `${name}: ${programs.join(", ")}`;
}

function gets({ outcome, source }: Verdict): string {
  return source?.kind === "instance_metadata" ? GETS.none : GETS[outcome];
}

function told({ source, why, unless }: Verdict): string {
  if (source?.kind === "instance_metadata") return `only ${source.who} is left to ask`;
  const first = source === null || source.kind === "lease" ? why : `${source.who}: ${why}`;
  if (unless === null) return first;
  return `${first}; if that fails, ${GETS[unless.outcome]}`;
}

function linesOf({ severity, message, fix }: Finding): readonly string[] {
  return [`${severity.padEnd(9)}${message}`, ...(fix === null ? [] : [`${" ".repeat(9)}fix: ${fix}`])];
}
