import type { EntryKind } from "../../core/config-edit.js";
import type { FieldPath } from "../check/config-problem.js";
import { sectionOf } from "./add-entries.js";

/** A place of the file at which it names a role or a source. */
export interface Reference {
  readonly path: FieldPath;
  /** The name itself, `NAME:ACCOUNT/ROLE` of a source, or what a schedule does: `keys-rotate NAME`. */
  readonly value: string;
}

type Tree = Readonly<Record<string, unknown>>;

/** Every place that names the entry, in the order of the sections; patterns of `requests` only where they are its very name. */
export function referencesTo(root: Tree, kind: EntryKind, name: string): readonly Reference[] {
  const named = kind === "role" ? isRole(name) : isOnSource(name);
  const scheduled =
    kind === "role" ? [] : schedules(root).filter(({ value }) => /^\S+ (.+)$/.exec(value)?.[1] === name);
  const inRoles = namesInRoles(root, kind).filter(({ value }) => value === name);
  return [...inRoles, ...namesOfRoles(root).filter(named), ...scheduled];
}

/** The value of a reference after the entry got another name. */
export function renamedValue(value: string, name: string, to: string): string {
  const isFirst = value === name || value.startsWith(`${name}:`);
  return isFirst ? to + value.slice(name.length) : value.slice(0, value.length - name.length) + to;
}

function isRole(name: string): (reference: Reference) => boolean {
  return ({ value }) => value === name;
}

/** A role without an entry, `SOURCE:ACCOUNT/ROLE`. */
function isOnSource(name: string): (reference: Reference) => boolean {
  return ({ value }) => value.startsWith(`${name}:`);
}

function namesInRoles(root: Tree, kind: EntryKind): readonly Reference[] {
  const field = kind === "role" ? "source_role" : "source";
  return Object.entries(sectionOf(root, "roles")).flatMap(([role, entry]) => textAt(entry, ["roles", role], field));
}

/** Where a setting, a project or a rule names a role. */
function namesOfRoles(root: Tree): readonly Reference[] {
  const projects = Object.entries(treeOf(root["projects"])).flatMap(([project, entry]) => [
    ...textAt(entry, ["projects", project], "role"),
    ...Object.keys(treeOf(treeOf(entry)["stages"])).flatMap((stage) =>
      textAt(treeOf(entry)["stages"], ["projects", project, "stages"], stage),
    ),
  ]);
  return [...textAt(root["lambda"], ["lambda"], "via"), ...projects, ...textsIn(root, "requests", "role")];
}

function schedules(root: Tree): readonly Reference[] {
  return textsIn(root, "schedules", "do");
}

/** A field of each entry of a list. */
function textsIn(root: Tree, section: string, field: string): readonly Reference[] {
  const entries = root[section];
  return Array.isArray(entries) ? entries.flatMap((entry, index) => textAt(entry, [section, index], field)) : [];
}

function textAt(entry: unknown, path: FieldPath, field: string): readonly Reference[] {
  const value = treeOf(entry)[field];
  return typeof value === "string" ? [{ path: [...path, field], value }] : [];
}

function treeOf(value: unknown): Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}
