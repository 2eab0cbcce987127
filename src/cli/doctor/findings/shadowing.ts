import { shellQuote } from "../../../core/shell-quote.js";
import { URI_VARIABLE } from "../../access/variables.js";
import type { Finding } from "../finding.js";
import { isLeaseUrl } from "../sdk/container.js";
import { FAMILIES, type Family } from "../sdk/families.js";
import type { Source, Verdict } from "../sdk/judge.js";
import type { Shell } from "../sdk/shell.js";

/** What programs of a family will do in this shell. */
export interface FamilyVerdict {
  readonly family: Family;
  readonly verdict: Verdict;
}

export function verdictsFor(shell: Shell): readonly FamilyVerdict[] {
  return FAMILIES.map((family) => ({ family, verdict: family.judge(shell) }));
}

const EVAL = 'eval "$(brokerctl env)"';

/** One finding for each thing that keeps programs from the lease, with all the families that it keeps. */
export function shadowing(verdicts: readonly FamilyVerdict[], shell: Shell): readonly Finding[] {
  const causes = new Map<string, FamilyVerdict[]>();
  for (const each of verdicts) {
    const key = causeOf(each.verdict);
    if (key !== undefined) causes.set(key, [...(causes.get(key) ?? []), each]);
  }
  return [...unset(shell), ...[...causes.values()].map((group) => findingOf(group, shell))];
}

function unset({ env }: Shell): readonly Finding[] {
  if (env[URI_VARIABLE]) return [];
  const message = `programs in this shell do not ask the broker: ${URI_VARIABLE} is not set`;
  return [{ id: "shell-not-set-up", severity: "warning", message, fix: EVAL }];
}

/** Undefined: they get the lease, or there is nothing that they could get instead. */
function causeOf({ outcome, source, why, at }: Verdict): string | undefined {
  if (outcome === "lease" || outcome === "none" || (source && isHarmless(source))) return undefined;
  return [outcome, at, source?.who ?? why].join(" ");
}

/** The last resort, which a machine of one's own does not have, and the broker by another way. */
function isHarmless({ kind, asksBroker }: Source): boolean {
  return kind === "instance_metadata" || asksBroker === true;
}

function findingOf(group: readonly FamilyVerdict[], shell: Shell): Finding {
  const [{ verdict }] = group as readonly [FamilyVerdict];
  const { outcome, source, at } = verdict;
  const who = group.map(({ family }) => family.name).join(", ");
  const place = at ?? "the environment";
  if (outcome === "error") return stopOf(group, who, shell);
  const message = `${who}: programs take ${source?.who ?? "other credentials"} (${place}) instead of the lease`;
  const id = shell.env[place] === undefined ? "shadowed-by-file" : "shadowed-by-variable";
  return { id, severity: "error", message, fix: fixAt(place, shell) };
}

/** The lease is there, in a form that the family does not read: not wrong where none of its programs is used. */
function stopOf(group: readonly FamilyVerdict[], who: string, shell: Shell): Finding {
  const [{ verdict }] = group as readonly [FamilyVerdict];
  const message = `${who}: ${verdict.why}`;
  if (verdict.at !== URI_VARIABLE || !isLeaseUrl(shell.env)) {
    return { id: "search-stops", severity: "error", message, fix: fixAt(verdict.at ?? "", shell) };
  }
  return { id: "other-form-needed", severity: "note", message, fix: formFix(group) };
}

function formFix(group: readonly FamilyVerdict[]): string {
  const form = group.some(({ family }) => family.name === "async-aws") ? "url" : "token-file";
  return `eval "$(brokerctl env --as ${form})"`;
}

/** What means nothing, or the wrong thing, without the variable. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  AWS_ACCESS_KEY_ID: ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"],
  AMAZON_ACCESS_KEY_ID: ["AMAZON_SECRET_ACCESS_KEY", "AMAZON_SESSION_TOKEN"],
  AWS_ACCESS_KEY: ["AWS_SECRET_KEY"],
  AWS_WEB_IDENTITY_TOKEN_FILE: ["AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"],
};

/** A variable is unset; a file is replaced by a copy, for this shell. */
function fixAt(place: string, { env, files, home }: Shell): string {
  if (env[place] !== undefined) return `unset ${[place, ...(COMPANIONS[place] ?? [])].join(" ")}`;
  const isReplaced = place === files.config || place === files.credentials || place === `${home}/.boto`;
  return isReplaced || !place.startsWith("/") ? EVAL : `ls -l ${shellQuote(place)}`;
}
