import type { SsoRoleFound, SsoRolesPlan, SsoRolesRequest } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import type { CheckedConfig, ConfigText } from "../check/check-config.js";
import { renderProblems } from "../parse-config.js";
import { addEntries, checkBeforeEdit, type EditedConfig, sectionOf } from "./add-entries.js";
import { removeEntries } from "./remove-entries.js";
import { ssoRoleName } from "./sso-role-names.js";

/** The config as it was read, and what is wanted of it. */
type Request = ConfigText & SsoRolesRequest;

type Entries = Readonly<Record<string, unknown>>;

/** An entry that `sso roles --add` could have written: nothing that the user wrote is in it. */
const PLAIN_FIELDS = ["source", "sso_account_id", "sso_role_name"];

/**
 * The config with a role for each that was found and is not in it yet, and without the plain ones of the source that are
 * gone. Nothing that the user added to a role is ever removed, nor a role that another one is chained from.
 */
export function planSsoRoles(request: Request): SsoRolesPlan {
  const before = checkBeforeEdit(request);
  const roles = sectionOf(before.reading.root, "roles");
  const gone = planRemoval(request, roles);
  const fresh = planAddition(request, roles);
  const { text } = edit(request, before, { gone: gone.names, added: fresh.entries });
  const added = Object.keys(fresh.entries);
  return {
    text: text === request.text ? null : text,
    summary: [...added.map((name) => `adds role ${name}`), ...gone.names.map((name) => `removes role ${name}`)],
    added,
    removed: gone.names,
    notes: [...fresh.notes, ...gone.notes],
  };
}

function planAddition(
  { source, nameTemplate, found }: Request,
  roles: Entries,
): { readonly entries: Record<string, Record<string, string>>; readonly notes: readonly string[] } {
  const known = new Set(Object.values(roles).map((entry) => keyOf(entry, source)));
  const fresh = found.filter(({ accountId, roleName }) => !known.has(`${accountId}/${roleName}`));
  const byName = new Map<string, SsoRoleFound[]>();
  for (const each of fresh) {
    const name = ssoRoleName(nameTemplate, each);
    byName.set(name, [...(byName.get(name) ?? []), each]);
  }
  const entries: Record<string, Record<string, string>> = {};
  const notes: string[] = [];
  for (const [name, [first, ...others]] of byName) {
    const isTaken = Object.hasOwn(roles, name);
    if (first && !isTaken && others.length === 0) {
      entries[name] = { source, sso_account_id: first.accountId, sso_role_name: first.roleName };
      continue;
    }
    const who = [first, ...others].flatMap((each) => (each ? [`${each.accountId}/${each.roleName}`] : []));
    const why = isTaken ? "another role of the config has that name" : "they would have the same name";
    notes.push(`not added as ${name}: ${who.join(", ")}: ${why} (--name with {account_id} tells them apart)`);
  }
  return { entries, notes };
}

function planRemoval(
  { source, existing }: Request,
  roles: Entries,
): { readonly names: readonly string[]; readonly notes: readonly string[] } {
  if (!existing) return { names: [], notes: [] };
  const there = new Set(existing.map(({ accountId, roleName }) => `${accountId}/${roleName}`));
  const chainedFrom = new Set(Object.values(roles).map((entry) => (entry as Entries)["source_role"]));
  const names: string[] = [];
  const notes: string[] = [];
  for (const [name, entry] of Object.entries(roles)) {
    const key = keyOf(entry, source);
    if (key === undefined || there.has(key)) continue;
    if (chainedFrom.has(name)) notes.push(`not removed: ${name} (${key} is gone, but another role is chained from it)`);
    else if (!isPlain(entry)) notes.push(`not removed: ${name} (${key} is gone, but the role has settings of its own)`);
    else names.push(name);
  }
  return { names, notes };
}

/** `ACCOUNT/ROLE` of a role directly on the source. */
function keyOf(entry: unknown, source: string): string | undefined {
  const { source: own, sso_account_id: accountId, sso_role_name: roleName } = entry as Entries;
  return own === source && typeof accountId === "string" && typeof roleName === "string"
    ? `${accountId}/${roleName}`
    : undefined;
}

function isPlain(entry: unknown): boolean {
  return Object.keys(entry as Entries).every((field) => PLAIN_FIELDS.includes(field));
}

function edit(
  request: Request,
  before: CheckedConfig,
  { gone, added }: { gone: readonly string[]; added: Readonly<Record<string, Record<string, string>>> },
): EditedConfig {
  let edited: EditedConfig = { text: request.text, checked: before };
  if (gone.length > 0) edited = removeEntries(request, before, { section: "roles", names: new Set(gone) });
  if (Object.keys(added).length > 0) {
    const source = { ...request, text: edited.text };
    edited = addEntries(source, edited.checked, { section: "roles", entries: added });
  }
  if (edited.checked.problems.length === 0) return edited;
  const problems = renderProblems(edited.checked, request.path);
  throw new BrokerError("UsageInvalid", ["the roles cannot be added:", ...problems].join("\n"), {
    hint: "brokerctl config edit",
  });
}
