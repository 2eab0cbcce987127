import type { LineCounter } from "yaml";
import { BrokerError } from "../core/errors.js";
import { nearestName } from "../core/nearest-name.js";
import { spellUnseen } from "../core/visible-text.js";
import { type CheckedConfig, type ConfigText, checkConfig } from "./check/check-config.js";
import { type ConfigProblem, renderPath } from "./check/config-problem.js";
import { maskSecrets } from "./check/show-value.js";
import type { Config } from "./config.js";

/** More are counted, not shown: a longer list does not help to fix them. */
const MAX_SHOWN = 100;

/**
 * Reads and checks a whole config.
 * @throws BrokerError `ConfigInvalid` that lists every problem, one a line, as `file:line:column: field: what is wrong`
 */
export function parseConfig(source: ConfigText): Config {
  const checked = checkConfig(source);
  if (checked.config) return checked.config;
  throw invalidConfig(checked, source.path);
}

export function invalidConfig(checked: CheckedConfig, file: string): BrokerError {
  return new BrokerError("ConfigInvalid", renderProblems(checked, file).join("\n"), { hint: "brokerctl config edit" });
}

/** The problems in the order of the text, each a line with its place. */
export function renderProblems({ problems, reading }: CheckedConfig, file: string): string[] {
  const placed = problems
    .map((problem) => ({ problem, offset: offsetOf(problem, reading) }))
    .sort((a, b) => a.offset - b.offset);
  const shown = placed.slice(0, MAX_SHOWN).map(({ problem, offset }) => {
    const { line, col } = placeOf(reading.lines, offset);
    return `${file}:${line}:${col}: ${renderProblem(problem)}`;
  });
  return placed.length > MAX_SHOWN ? [...shown, `and ${placed.length - MAX_SHOWN} more problems`] : shown;
}

/** `roles.prod.region: must be …; did you mean "…"?` */
export function renderProblem({ path, message, suggest }: ConfigProblem): string {
  const nearest = suggest && nearestName(suggest.given, suggest.names);
  const meant = nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
  const where = path.length === 0 ? "" : `${renderPath(path)}: `;
  return spellUnseen(`${where}${maskSecrets(message)}${meant}`);
}

function offsetOf({ offset, path, at }: ConfigProblem, { root, positions }: CheckedConfig["reading"]): number {
  return offset ?? positions.find(root, path)?.[at ?? "value"] ?? 0;
}

/** Both from 1. The counter knows nothing of a text that was refused before it was parsed. */
function placeOf(lines: LineCounter, offset: number): { line: number; col: number } {
  const { line, col } = lines.linePos(offset);
  return line > 0 ? { line, col } : { line: 1, col: 1 };
}
