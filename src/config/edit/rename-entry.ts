import { isDeepStrictEqual } from "node:util";
import { type Document, isAlias, isNode, isScalar, type Node, stringify } from "yaml";
import type { EditPlan, EntryRename } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { NAME_PATTERN } from "../../core/role.js";
import { type CheckedConfig, type ConfigText, checkConfig } from "../check/check-config.js";
import { type FieldPath, renderPath } from "../check/config-problem.js";
import { showValue } from "../check/show-value.js";
import type { Config } from "../config.js";
import { NAME_RULE } from "../schema/field-rules.js";
import { checkBeforeEdit, sectionOf } from "./add-entries.js";
import { noSuchEntry, sectionName } from "./entry-names.js";
import { type Reference, referencesTo, renamedValue } from "./references.js";
import { entriesAt } from "./remove-entries.js";

/** The config as it was read, and the entry that is to be called otherwise. */
export type RenameRequest = ConfigText & EntryRename;

/**
 * The config with the entry under its other name, and everything in the file that named it; only these words change. `text`
 * is null where the file has the new name already and not the old one: a rename that did not come to its end.
 * @throws BrokerError `UsageInvalid` (no such entry, no name), `Conflict` (the name is taken), `ConfigInvalid`, `NotSupported`
 */
export function planRename(request: RenameRequest): EditPlan {
  const { kind, name, to } = request;
  if (!NAME_PATTERN.test(to)) {
    throw new BrokerError("UsageInvalid", `${kind} name ${showValue(to)} ${NAME_RULE}`);
  }
  const before = checkBeforeEdit(request);
  const root = before.reading.root ?? {};
  const entries = sectionOf(root, sectionName(kind));
  if (!Object.hasOwn(entries, name)) {
    if (Object.hasOwn(entries, to)) return { text: null, summary: [`the config has ${kind} ${to}, and no ${name}`] };
    throw noSuchEntry(request, Object.keys(entries));
  }
  if (Object.hasOwn(entries, to)) {
    throw new BrokerError("Conflict", `${kind} ${to} is in ${request.path} already`, {
      hint: `brokerctl ${kind} show ${to}`,
    });
  }
  const references = referencesTo(root, kind, name);
  const { text, checked } = renamed(request, before, references);
  const notes = kind === "role" ? rulesThatChange(request, before.config, checked.config) : [];
  const summary = [
    `renames ${kind} ${name} to ${to}`,
    ...references.map(({ path, value }) => `${renderPath(path)}: ${renamedValue(value, name, to)}`),
  ];
  return { text, summary, ...(notes.length > 0 && { notes }) };
}

function renamed(
  request: RenameRequest,
  before: CheckedConfig,
  references: readonly Reference[],
): { readonly text: string; readonly checked: CheckedConfig } {
  const { kind, name, to, path } = request;
  const { document, root = {} } = before.reading;
  const words = new Map<number, { readonly end: number; readonly word: string }>();
  const replace = (node: unknown, value: string): void => {
    const range = rangeOf(node);
    if (range) words.set(range[0], { end: range[1], word: stringify(value).trim() });
  };
  if (document) {
    const entry = entriesAt(document, sectionName(kind)).find(({ key }) => isScalar(key) && textOf(key) === name);
    replace(entry?.key, to);
    for (const reference of references) {
      replace(scalarAt(document, reference.path), renamedValue(reference.value, name, to));
    }
  }
  const text = [...words]
    .sort(([a], [b]) => b - a)
    .reduce((left, [start, { end, word }]) => left.slice(0, start) + word + left.slice(end), request.text);
  const checked = checkConfig({ ...request, text });
  if (
    checked.problems.length === 0 &&
    isDeepStrictEqual(checked.reading.root, renamedTree(root, request, references))
  ) {
    return { text, checked };
  }
  throw new BrokerError("NotSupported", `${kind} ${name} cannot be renamed in ${path} the way it is laid out`, {
    hint: `brokerctl config edit, and write ${to} at ${[`${sectionName(kind)}.${name}`, ...references.map((one) => renderPath(one.path))].join(", ")}`,
  });
}

/** What the file must say afterwards: the words were put in by hand. */
function renamedTree(
  root: Readonly<Record<string, unknown>>,
  { kind, name, to }: EntryRename,
  references: readonly Reference[],
): unknown {
  const tree = structuredClone(root) as Record<string, Record<string, unknown>>;
  for (const { path, value } of references) {
    const last = path.at(-1) ?? "";
    const holder = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>((from, segment) => from[segment] as Record<string, unknown>, tree);
    holder[last] = renamedValue(value, name, to);
  }
  const section = sectionName(kind);
  const entries = Object.entries(tree[section] ?? {}).map(([key, entry]) => [key === name ? to : key, entry] as const);
  return { ...tree, [section]: Object.fromEntries(entries) };
}

function textOf(key: { readonly value: unknown; readonly source?: string | undefined }): string {
  return typeof key.value === "string" ? key.value : (key.source ?? "");
}

/** The word itself, also where an alias stands for it. */
function scalarAt(document: Document.Parsed, path: FieldPath): Node | undefined {
  let node: unknown = document.contents;
  for (const segment of path) {
    const holder = isAlias(node) ? node.resolve(document) : node;
    node =
      isNode(holder) && "get" in holder
        ? (holder as { get: (key: unknown, keep: true) => unknown }).get(segment, true)
        : undefined;
  }
  const found = isAlias(node) ? node.resolve(document) : node;
  return isScalar(found) ? found : undefined;
}

function rangeOf(node: unknown): readonly [number, number] | undefined {
  const range = isNode(node) ? node.range : undefined;
  return range ? [range[0], range[1]] : undefined;
}

/** A rule by pattern decides otherwise of another name: that is for a person to know. */
function rulesThatChange({ name, to }: EntryRename, before: Config | undefined, after: Config | undefined): string[] {
  const former = before?.requestRules ?? [];
  return (after?.requestRules ?? []).flatMap((rule, index) => {
    const [did, does] = [former[index]?.fits(name) === true, rule.fits(to)];
    if (did === does) return [];
    return [
      `rule ${index + 1} of requests (${rule.glob}) ${does ? `fits ${to}, and did not fit ${name}` : `fits ${name} and does not fit ${to}`}`,
    ];
  });
}
