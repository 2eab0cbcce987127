import type { ImportItem, ImportKeyView } from "../../core/aws-import.js";
import type { Screen } from "../terminal/screen.js";
import { table } from "../terminal/table.js";

/** What `import` would do, a line for each profile. */
export function importTable(items: readonly ImportItem[], screen: Screen): string {
  return table(
    ["profile", "becomes", "notes"],
    items.map((item) => [item.what, becomes(item), item.notes.join("; ")]),
    screen,
  );
}

function becomes(item: ImportItem): string {
  const { outcome } = item;
  if (outcome === "refused" || outcome === "left") return "not taken";
  if (outcome === "conflict") return "not taken: conflict";
  return outcome === "same" ? `${entriesOf(item)}, there already` : entriesOf(item);
}

function entriesOf({ role, source, type, sourceRole }: ImportItem): string {
  const from = source === null ? `role ${String(sourceRole)}` : `source ${source} (${String(type)})`;
  return role === null ? from : `role ${role} on ${from}`;
}

/** `12 roles and sources to add, 3 there already, 4 not taken`. */
export function importCounts(items: readonly ImportItem[]): string {
  const count = (outcomes: readonly string[]): number => items.filter((item) => outcomes.includes(item.outcome)).length;
  const parts = [
    `${count(["add"])} to add`,
    `${count(["same"])} there already`,
    `${count(["conflict", "refused", "left"])} not taken`,
  ];
  return parts.join(", ");
}

export function importItemJson(item: ImportItem): Readonly<Record<string, unknown>> {
  const { what, outcome, role, source, type, sourceRole, notes } = item;
  return { profile: what, outcome, role, source, source_type: type, source_role: sourceRole, notes };
}

export function importKeyJson(key: ImportKeyView): Readonly<Record<string, unknown>> {
  const { source, accessKeyIdSuffix, state, breaks, lines } = key;
  return { source, access_key_id_suffix: accessKeyIdSuffix, state, breaks, credential_process_lines: lines };
}

/** What the removal of keys from the AWS files takes with it, and the lines with which it goes on; empty: nothing. */
export function removalView(
  keys: readonly ImportKeyView[],
  paths: Readonly<Record<string, string | undefined>>,
): string {
  const breaks = [...new Set(keys.flatMap((key) => key.breaks))];
  if (breaks.length === 0) return "";
  const lines = keys.flatMap((key) => key.lines);
  const offered = lines.map(({ profile, file, line }) => `  ${paths[file] ?? file}, profile ${profile}: ${line}`);
  return [
    `without these keys --profile (AWS_PROFILE) stops working for ${breaks.join(", ")}`,
    ...(offered.length > 0 ? ["they go on with these lines, which --credential-process writes:", ...offered] : []),
  ].join("\n");
}
