import type { ImportItemView, ImportKeyView } from "../../control-api/import-contract.js";
import { table } from "../terminal/table.js";

/** What `import` would do, a line for each profile. */
export function importTable(items: readonly ImportItemView[]): string {
  return table(
    ["profile", "becomes", "notes"],
    items.map((item) => [item.what, becomes(item), item.notes.join("; ")]),
  );
}

function becomes(item: ImportItemView): string {
  const { outcome } = item;
  if (outcome === "refused" || outcome === "left") return "not taken";
  if (outcome === "conflict") return "not taken: conflict";
  return outcome === "same" ? `${entriesOf(item)}, there already` : entriesOf(item);
}

function entriesOf({ role, source, type, sourceRole }: ImportItemView): string {
  const from = source === null ? `role ${String(sourceRole)}` : `source ${source} (${String(type)})`;
  return role === null ? from : `role ${role} on ${from}`;
}

/** `12 roles and sources to add, 3 there already, 4 not taken`. */
export function importCounts(items: readonly ImportItemView[]): string {
  const count = (outcomes: readonly string[]): number => items.filter((item) => outcomes.includes(item.outcome)).length;
  const parts = [
    `${count(["add"])} to add`,
    `${count(["same"])} there already`,
    `${count(["conflict", "refused", "left"])} not taken`,
  ];
  return parts.join(", ");
}

export function importItemJson(item: ImportItemView): Readonly<Record<string, unknown>> {
  const { what, outcome, role, source, type, sourceRole, notes } = item;
  return { profile: what, outcome, role, source, source_type: type, source_role: sourceRole, notes };
}

export function importKeyJson({ source, accessKeyIdSuffix, state }: ImportKeyView): Readonly<Record<string, unknown>> {
  return { source, access_key_id_suffix: accessKeyIdSuffix, state };
}
