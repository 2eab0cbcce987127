import {
  type CheckedConfig,
  type ConfigParts,
  type ConfigText,
  checkConfig,
  LAMBDA_VIA,
  SCHEDULES,
} from "./check/check-config.js";
import type { ConfigProblem } from "./check/config-problem.js";
import type { Config, LeftOutEntry } from "./config.js";
import { invalidConfig, renderProblems } from "./parse-config.js";

/** Looking for the nearest name is the costly part: for so many entries, the others go without. */
const MAX_SUGGESTED = 100;
/** Of an entry's problems: a misspelt key is often two, the unknown one and the one that is missing. */
const MAX_SHOWN = 3;

/**
 * Reads a config around its bad entries: where every problem is inside single sources, roles, projects or `lambda.via`, these are left
 * out, with all that builds on them, and the others are in force as they stand. For a daemon that must serve; edits are checked whole.
 * @throws BrokerError `ConfigInvalid` as `parseConfig` does, where a problem is the file's own
 */
export function parseAround(source: ConfigText): Config {
  const checked = checkConfig(source);
  if (checked.config) return checked.config;
  const { parts } = checked;
  const blamed = parts && blame(checked.problems);
  if (!blamed) throw invalidConfig(checked, source.path);
  const culprits = explain(blamed, checked, source.path);
  return parts.without(spread(culprits, parts));
}

type Named = Pick<LeftOutEntry, "kind" | "name">;

interface Blamed extends Named {
  readonly problems: ConfigProblem[];
}

/** The entries that have problems, and these; undefined: a problem is in none of them. */
function blame(problems: readonly ConfigProblem[]): readonly Blamed[] | undefined {
  const blamed = new Map<string, Blamed>();
  for (const problem of problems) {
    const owner = ownerOf(problem);
    if (!owner) return undefined;
    const entry = blamed.get(keyOf(owner)) ?? { ...owner, problems: [] };
    entry.problems.push(problem);
    blamed.set(keyOf(owner), entry);
  }
  return [...blamed.values()];
}

function ownerOf({ path: [section, name] }: ConfigProblem): Named | undefined {
  if (section === "lambda" && name === "via") return { kind: "setting", name: LAMBDA_VIA };
  if (section === SCHEDULES && name !== undefined) return { kind: "setting", name: SCHEDULES };
  // What would be merged in is not known: entries without a name.
  if (typeof name !== "string" || name === "<<") return undefined;
  if (section === "projects") return { kind: "project", name };
  if (section === "sources") return { kind: "source", name };
  return section === "roles" ? { kind: "role", name } : undefined;
}

function keyOf({ kind, name }: Named): string {
  return `${kind} ${name}`;
}

/** As a message shows it. */
function labelOf({ kind, name }: Named): string {
  return kind === "setting" ? name : `${kind} ${name}`;
}

/** An entry that has problems itself; the first of them, with their places. */
interface Culprit extends Named {
  readonly problem: string;
}

function explain(blamed: readonly Blamed[], checked: CheckedConfig, file: string): readonly Culprit[] {
  return blamed.map(({ kind, name, problems }, index) => {
    const cheap = index < MAX_SUGGESTED ? problems : problems.map(unsuggested);
    const lines = renderProblems({ ...checked, problems: cheap }, file);
    const more =
      problems.length > MAX_SHOWN ? ` (and ${problems.length - MAX_SHOWN} more: brokerctl config check)` : "";
    return { kind, name, problem: `${lines.slice(0, MAX_SHOWN).join("; ")}${more}` };
  });
}

function unsuggested({ path, message, at, offset }: ConfigProblem): ConfigProblem {
  return { path, message, ...(at && { at }), ...(offset !== undefined && { offset }) };
}

/** The culprits, then what builds on them: their roles, whole chains, `lambda.via`. A project stays: its other stages are good. */
function spread(culprits: readonly Culprit[], parts: ConfigParts): readonly LeftOutEntry[] {
  const known = new Set(culprits.map(keyOf));
  const found = culprits.map((culprit) => ({ culprit, entry: ownEntry(culprit) }));
  const dependents = dependentsOf(parts);
  // The list grows while it is walked.
  for (const { culprit, entry } of found) {
    for (const named of dependents.get(keyOf(entry)) ?? []) {
      if (known.has(keyOf(named))) continue;
      known.add(keyOf(named));
      found.push({ culprit, entry: dependentEntry(named, culprit) });
    }
  }
  return found.map(({ entry }) => entry);
}

/** By what they build on. */
function dependentsOf({ roles, lambdaVia }: ConfigParts): ReadonlyMap<string, readonly Named[]> {
  const dependents = new Map<string, Named[]>();
  const add = (on: Named, named: Named): void => {
    const list = dependents.get(keyOf(on)) ?? [];
    list.push(named);
    dependents.set(keyOf(on), list);
  };
  for (const [name, entry] of roles) {
    const role: Named = { kind: "role", name };
    if (entry?.source !== undefined) add({ kind: "source", name: entry.source }, role);
    if (entry?.source_role !== undefined) add({ kind: "role", name: entry.source_role }, role);
  }
  const [viaSource = "", ...rest] = lambdaVia?.split(":") ?? [];
  const via: Named = rest.length === 0 ? { kind: "role", name: viaSource } : { kind: "source", name: viaSource };
  add(via, { kind: "setting", name: LAMBDA_VIA });
  return dependents;
}

function ownEntry(culprit: Culprit): LeftOutEntry {
  const { kind, name, problem } = culprit;
  return { kind, name, message: `${labelOf(culprit)} is not in force: ${problem}` };
}

function dependentEntry(named: Named, culprit: Culprit): LeftOutEntry {
  const because = labelOf(culprit);
  const message = `${labelOf(named)} is not in force, as it builds on ${because}: ${culprit.problem}`;
  return { ...named, because, message };
}
