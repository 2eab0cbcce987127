import { stringify } from "yaml";
import { BrokerError } from "../../core/errors.js";
import { type ConfigText, checkConfig } from "../check/check-config.js";
import type { ConfigProblem } from "../check/config-problem.js";
import { sectionOf } from "../edit/add-entries.js";
import { renderProblem } from "../parse-config.js";
import type { ProfileDraft } from "./import-roles.js";
import type { MutableEntry, SourceDraft } from "./import-sources.js";

/** What an import wants in the config; settling changes it in place. */
export interface ImportDrafts {
  readonly sources: Map<string, SourceDraft>;
  readonly profiles: readonly ProfileDraft[];
  /** Sources that cannot be, and why. */
  readonly refusedSources: Map<string, string>;
}

/** Fields without which an entry still means the same credentials. */
const OPTIONAL: Readonly<Record<"sources" | "roles", readonly string[]>> = {
  roles: ["duration_seconds", "region", "role_session_name"],
  sources: ["region", "mfa_process", "sso_registration_scopes"],
};

type Root = Readonly<Record<string, unknown>>;

/**
 * Takes out of the drafts what our config would refuse: optional fields with a note, else the entry with its reason, and
 * all that depends on it. The rules are those of the config itself: its own check is run, not repeated.
 */
export function settleImport(drafts: ImportDrafts, root: Root, identity: Omit<ConfigText, "text">): void {
  dropDependents(drafts, root);
  for (;;) {
    const text = stringify(wantedConfig(drafts, root), { version: "1.2", lineWidth: 0, aliasDuplicateObjects: false });
    const checked = checkConfig({ ...identity, text });
    if (!checked.reading.root) throw refuseWhole(checked.problems);
    const problems = checked.problems.filter((problem) => isOurs(problem, drafts));
    if (problems.length === 0) return;
    for (const problem of problems) leaveOut(problem, drafts);
    dropDependents(drafts, root);
  }
}

/** No single entry is wrong: the whole is, by its size. */
function refuseWhole(problems: readonly ConfigProblem[]): BrokerError {
  const reasons = problems.map(renderProblem).join("; ");
  return new BrokerError("UsageInvalid", `with all these profiles the config ${reasons}: nothing was added`, {
    hint: "brokerctl import PROFILE…",
  });
}

/** Drops what depends on an entry that is neither drafted nor in the config. */
export function dropDependents(drafts: ImportDrafts, root: Root): void {
  const { profiles } = drafts;
  const names = new Set([...profiles.map(({ name }) => name), ...Object.keys(sectionOf(root, "roles"))]);
  const dependents = new Map<string, ProfileDraft[]>();
  for (const draft of profiles) {
    const { source, source_role: parent } = draft.role ?? {};
    if (typeof source === "string") dropWithoutSource(draft, source, { drafts, root });
    if (typeof parent !== "string") continue;
    dependents.set(parent, [...(dependents.get(parent) ?? []), draft]);
    if (!names.has(parent)) drop(draft, `its source_profile ${parent} is not taken`);
  }
  dropBehind(
    profiles.filter(({ role }) => !role),
    dependents,
  );
}

/** Those that are chained from what is gone, and those that are chained from them. */
function dropBehind(open: ProfileDraft[], dependents: ReadonlyMap<string, readonly ProfileDraft[]>): void {
  for (let gone = open.pop(); gone; gone = open.pop()) {
    for (const draft of dependents.get(gone.name) ?? []) {
      if (!draft.role) continue;
      drop(draft, `its source_profile ${gone.profile.name} is not taken`);
      open.push(draft);
    }
  }
}

function dropWithoutSource(
  draft: ProfileDraft,
  source: string,
  { drafts, root }: { readonly drafts: ImportDrafts; readonly root: Root },
): void {
  const refused = drafts.refusedSources.get(source);
  const isKnown = drafts.sources.has(source) || Object.hasOwn(sectionOf(root, "sources"), source);
  if (refused !== undefined || !isKnown) drop(draft, `source ${source}: ${refused ?? "nothing describes it"}`);
}

/** The config with what is drafted in it, also in the place of entries of the same name. */
function wantedConfig({ sources, profiles }: ImportDrafts, root: Root): Root {
  const drafted = (entries: Iterable<readonly [string, MutableEntry]>, section: "sources" | "roles"): Root => ({
    ...sectionOf(root, section),
    ...Object.fromEntries(entries),
  });
  const roles = profiles.flatMap(({ name, role }) => (role ? [[name, role] as const] : []));
  return {
    ...root,
    sources: drafted(
      [...sources].map(([name, { entry }]) => [name, entry]),
      "sources",
    ),
    roles: drafted(roles, "roles"),
  };
}

function isOurs({ path: [section, name] }: ConfigProblem, { sources, profiles }: ImportDrafts): boolean {
  if (section === "sources") return sources.has(String(name));
  return section === "roles" && profiles.some((draft) => draft.role && draft.name === name);
}

/** What has the problem: the optional field with a note, else its entry with the reason. */
function leaveOut(problem: ConfigProblem, drafts: ImportDrafts): void {
  const [section, name, field] = problem.path;
  const why = renderProblem({ ...problem, path: problem.path.slice(2) });
  if (section === "sources") leaveOutOfSource(String(name), { field: String(field), why }, drafts);
  else {
    const draft = drafts.profiles.find((candidate) => candidate.name === name);
    if (draft) leaveOutOfRole(draft, String(field), why);
  }
}

function leaveOutOfRole(draft: ProfileDraft, field: string, why: string): void {
  if (!draft.role) return;
  if (OPTIONAL.roles.includes(field) && Object.hasOwn(draft.role, field)) {
    Reflect.deleteProperty(draft.role, field);
    draft.notes.push(`${field} is left out: ${why.replace(`${field}: `, "")}`);
  } else drop(draft, why);
}

function leaveOutOfSource(
  name: string,
  { field, why }: { readonly field: string; readonly why: string },
  { sources, refusedSources }: ImportDrafts,
): void {
  const draft = sources.get(name);
  if (!draft) return;
  if (field === "credential_process" && draft.entry["type"] === "process" && draft.profile !== undefined) {
    draft.entry = { type: "profile", profile: draft.profile };
    draft.notes.push(`run by the AWS SDK, through a shell: credential_process ${why.replace(/^[^ ]*: /, "")}`);
    return;
  }
  if (OPTIONAL.sources.includes(field) && Object.hasOwn(draft.entry, field)) {
    Reflect.deleteProperty(draft.entry, field);
    draft.notes.push(`${field} is left out: ${why.replace(`${field}: `, "")}`);
    return;
  }
  sources.delete(name);
  refusedSources.set(name, why);
}

function drop(draft: ProfileDraft, why: string): void {
  draft.role = undefined;
  draft.refusal ??= why;
}
