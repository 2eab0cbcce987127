import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AuditLine, parseAuditLine } from "../../src/core/audit-line.js";

/** What is on record in a state directory, rotated files too, the oldest first; `audit`: what was done, `refusals`: what was not. */
export function auditLines(stateDir: string, log: "audit" | "refusals" = "audit"): readonly AuditLine[] {
  if (!existsSync(stateDir)) return [];
  const pattern = new RegExp(`^${log}\\.jsonl(?:\\.(\\d+))?$`);
  const found = readdirSync(stateDir).map((name) => pattern.exec(name));
  const numbers = found.flatMap((match) => (match ? [Number(match[1] ?? 0)] : []));
  const names = numbers.sort((a, b) => b - a).map((number) => `${log}.jsonl${number === 0 ? "" : `.${number}`}`);
  const texts = names.map((name) => readFileSync(join(stateDir, name), "utf8"));
  return texts.flatMap((text) => text.split("\n").filter(Boolean)).map((text) => parseAuditLine(text)!);
}

/** How often each code was refused, by the counts of the lines: what a suite of attacks compares with what it sent. */
export function refusalCounts(stateDir: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { event, code, count } of auditLines(stateDir, "refusals")) {
    if (event === "refused" && code !== null) counts[code] = (counts[code] ?? 0) + count;
  }
  return counts;
}
