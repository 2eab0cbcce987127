import { isDeepStrictEqual } from "node:util";
import type { ImportItem, ImportRequest } from "../../core/aws-import.js";
import type { EditPlan } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import type { CheckedConfig, ConfigText } from "../check/check-config.js";
import { showValue } from "../check/show-value.js";
import { addEntries, checkBeforeEdit, sectionOf } from "../edit/add-entries.js";
import { renderEntries } from "../edit/insert-entries.js";
import { renderProblems } from "../parse-config.js";
import type { PlainEntry } from "../schema/field-values.js";
import type { AwsProfiles } from "./aws-profiles.js";
import { importItems } from "./import-items.js";
import { draftRoles, noteLeftOut, withSigners } from "./import-roles.js";
import { comparable, ImportSources, type MutableEntry } from "./import-sources.js";
import { type ImportedKey, importedKeys } from "./imported-keys.js";
import { ssoSessionFields } from "./profile-kind.js";
import { readVault } from "./read-vault.js";
import { dropDependents, type ImportDrafts, settleImport } from "./settle-import.js";

/** The config as it was read, and the AWS files whose profiles are to be in it. */
export interface ConfigImport extends ConfigText, ImportRequest {
  /** Of the secret store: access key id → source. */
  readonly heldKeys: ReadonlyMap<string, string>;
}

export interface AwsImport extends EditPlan {
  /** Every profile and what else looks like one: taken, there already, or why not. */
  readonly items: readonly ImportItem[];
  readonly keys: readonly ImportedKey[];
}

/**
 * Plans an import; nothing is written here. What our config would refuse is taken out with its reason, entries of the
 * config that have the same name stay as they are, and what is left is added without touching another byte.
 * @throws BrokerError `UsageInvalid` (no such profile), `ConfigInvalid` (the config has problems already), `NotSupported`
 */
export function planAwsImport(request: ConfigImport): AwsImport {
  const before = checkBeforeEdit(request);
  const root = before.reading.root ?? {};
  const aws = readVault(request);
  const chosen = choose(request, aws);
  const existing = { sources: sectionOf(root, "sources"), roles: sectionOf(root, "roles") };

  const sources = new ImportSources({ aws, existing: existing.sources, heldKeys: request.heldKeys });
  const profiles = draftRoles(chosen, { aws, sources, existing });
  noteLeftOut(profiles, sources);
  const refusedSources = request.profiles ? new Map<string, string>() : draftSessions(aws, sources);
  const drafts: ImportDrafts = { sources: sources.drafts, profiles, refusedSources };
  settleImport(drafts, root, request);
  refuseConflicts(drafts, existing);
  dropDependents(drafts, root);
  dropUnusedSources(drafts, request.profiles ? [] : sources.sessions());

  const added = newEntries(drafts, existing);
  const { text, summary } = addAll(request, before, added);
  const items = importItems({ aws, drafts, existing, sources, all: request.profiles === null });
  return { text, summary, items, keys: importedKeys(drafts, aws) };
}

function choose({ profiles: named, withDefault }: ConfigImport, aws: AwsProfiles): ReadonlySet<string> {
  const known = [...aws.profiles.keys()];
  for (const name of named ?? []) {
    if (aws.profiles.has(name)) continue;
    const near = nearestName(name, known);
    throw new BrokerError("UsageInvalid", `there is no profile ${showValue(name)} in the AWS files`, {
      hint: near === undefined ? "brokerctl import --dry-run" : `brokerctl import ${near}`,
    });
  }
  const allowsDefault = withDefault || named?.includes("default") === true;
  const chosen = new Set(
    withSigners(aws, new Set(named ?? known.filter((name) => allowsDefault || name !== "default"))),
  );
  if (!allowsDefault) chosen.delete("default");
  return chosen;
}

/** All `[sso-session]`, also those that no profile uses; those that cannot be taken come back. */
function draftSessions(aws: AwsProfiles, sources: ImportSources): Map<string, string> {
  const refused = new Map<string, string>();
  for (const [name, settings] of aws.ssoSessions) {
    const fields = ssoSessionFields(settings, name);
    if (typeof fields === "string") refused.set(sources.nameOfSession(name), fields);
    else sources.sso(fields);
  }
  return refused;
}

/** What has the same name in the config is never overwritten. */
function refuseConflicts(
  { sources, profiles, refusedSources }: ImportDrafts,
  existing: Readonly<Record<"sources" | "roles", Readonly<Record<string, unknown>>>>,
): void {
  for (const { name, entry } of sources.values()) {
    const fields = differingFields(existing.sources, name, entry);
    if (fields.length === 0) continue;
    sources.delete(name);
    refusedSources.set(name, `another source of that name is in the config already (${fields.join(", ")})`);
  }
  for (const draft of profiles) {
    const fields = draft.role ? differingFields(existing.roles, draft.name, draft.role) : [];
    if (fields.length === 0) continue;
    draft.role = undefined;
    draft.isConflict = true;
    draft.refusal = `another role ${draft.name} is in the config already (${fields.join(", ")}); it stays as it is`;
  }
}

function differingFields(entries: Readonly<Record<string, unknown>>, name: string, entry: MutableEntry): string[] {
  if (!Object.hasOwn(entries, name)) return [];
  const there = comparable((entries[name] ?? {}) as MutableEntry);
  const fields = new Set([...Object.keys(there), ...Object.keys(entry)]);
  return [...fields].filter((field) => !isDeepStrictEqual(there[field], entry[field]));
}

function dropUnusedSources({ sources, profiles }: ImportDrafts, wanted: readonly string[]): void {
  const used = new Set<unknown>([...wanted, ...profiles.map(({ role }) => role?.["source"])]);
  for (const name of sources.keys()) if (!used.has(name)) sources.delete(name);
}

type NewByName = Readonly<Record<"sources" | "roles", Readonly<Record<string, PlainEntry>>>>;

function newEntries(
  { sources, profiles }: ImportDrafts,
  existing: Readonly<Record<"sources" | "roles", Readonly<Record<string, unknown>>>>,
): NewByName {
  const roles = profiles.flatMap(({ name, role }) => (role ? [[name, role] as const] : []));
  const all = { sources: [...sources].map(([name, { entry }]) => [name, entry] as const), roles };
  const onlyNew = (section: "sources" | "roles"): Record<string, PlainEntry> =>
    Object.fromEntries(all[section].filter(([name]) => !Object.hasOwn(existing[section], name)));
  return { sources: onlyNew("sources"), roles: onlyNew("roles") };
}

function addAll(request: ConfigImport, before: CheckedConfig, added: NewByName): Pick<AwsImport, "text" | "summary"> {
  let edited = { text: request.text, checked: before };
  const summary: string[] = [];
  for (const section of ["sources", "roles"] as const) {
    const entries = added[section];
    if (Object.keys(entries).length === 0) continue;
    edited = addEntries({ ...request, text: edited.text }, edited.checked, { section, entries });
    summary.push(`${section}:`, ...renderEntries({ entries }).trimEnd().split("\n"));
  }
  if (edited.checked.problems.length > 0) throw refuseAll(edited.checked, request.path);
  return { text: edited.text === request.text ? null : edited.text, summary };
}

/** Each entry was fine by itself: what is left is the whole, such as its size. */
function refuseAll(checked: CheckedConfig, path: string): BrokerError {
  const message = ["the import would make the config invalid, nothing was added:", ...renderProblems(checked, path)];
  return new BrokerError("UsageInvalid", message.join("\n"), { hint: "brokerctl import PROFILE…" });
}
