import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar, type Pair, type YAMLMap } from "yaml";
import { BrokerError } from "../../core/errors.js";
import { type CheckedConfig, type ConfigText, checkConfig } from "../check/check-config.js";
import type { EditedConfig } from "./add-entries.js";
import { endOf, startOf } from "./insert-entries.js";

/**
 * Takes roles out of the text, each with the lines that it stands on; every other byte stays, comments above it too.
 * @throws BrokerError `NotSupported`: a layout in which they do not stand on lines of their own
 */
export function removeRoles(source: ConfigText, before: CheckedConfig, names: ReadonlySet<string>): EditedConfig {
  const text = pairsOf(before, names)
    .toReversed()
    .reduce((left, pair) => withoutLines(left, pair), source.text);
  const checked = checkConfig({ ...source, text });
  const root = before.reading.root ?? {};
  const roles = Object.entries(root["roles"] ?? {}).filter(([name]) => !names.has(name));
  const wanted = { ...root, roles: roles.length === 0 ? null : Object.fromEntries(roles) };
  if (isDeepStrictEqual(checked.reading.root, wanted)) return { text, checked };
  throw new BrokerError("NotSupported", `roles cannot be removed from ${source.path} the way it is laid out`, {
    hint: `brokerctl config edit, and remove ${[...names].join(", ")}`,
  });
}

/** In the order of the text. */
function pairsOf({ reading }: CheckedConfig, names: ReadonlySet<string>): readonly Pair[] {
  const top = reading.document?.contents as unknown as YAMLMap;
  const roles = top.items.find(({ key }) => isScalar(key) && key.value === "roles")?.value;
  if (!isMap(roles)) return [];
  return roles.items.filter(({ key }) => isScalar(key) && names.has(String(key.value)));
}

function withoutLines(text: string, pair: Pair): string {
  const start = text.lastIndexOf("\n", startOf(pair) - 1) + 1;
  const lineEnd = text.indexOf("\n", Math.max(start, endOf(pair) - 1));
  return text.slice(0, start) + (lineEnd === -1 ? "" : text.slice(lineEnd + 1));
}
