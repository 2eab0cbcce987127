import type { ImportItem, ImportKeyView } from "../../core/aws-import.js";
import { type OwnCommand, processLine } from "../profiles/process-line.js";
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

export function importKeyJson(key: ImportKeyView, command: OwnCommand): Readonly<Record<string, unknown>> {
  const { source, accessKeyIdSuffix, state, breaks } = key;
  const lines = key.lines.map(({ profile, file, role }) => ({ profile, file, line: processLine(command, role) }));
  return { source, access_key_id_suffix: accessKeyIdSuffix, state, breaks, credential_process_lines: lines };
}

/** What the removal of keys from the AWS files takes with it, and what would not; empty: nothing. */
export function removalView(keys: readonly ImportKeyView[]): string {
  const breaks = [...new Set(keys.flatMap((key) => key.breaks))];
  if (breaks.length === 0) return "";
  const lost = `without these keys --profile (AWS_PROFILE) stops working for ${breaks.join(", ")}`;
  const goesOn = keys.some((key) => key.lines.length > 0);
  return goesOn ? `${lost}; with --replace in place of --remove-keys it goes on` : lost;
}
