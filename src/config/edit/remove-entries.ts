import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isScalar, type Pair, type YAMLMap } from "yaml";
import { BrokerError } from "../../core/errors.js";
import { type CheckedConfig, type ConfigText, checkConfig } from "../check/check-config.js";
import type { EditedConfig } from "./add-entries.js";
import { endOf, startOf } from "./insert-entries.js";

/** Entries of one section. */
export interface NamedEntries {
  readonly section: "sources" | "roles";
  readonly names: ReadonlySet<string>;
}

/**
 * Takes entries out of the text, each with the lines that it stands on; every other byte stays, comments above it too.
 * @throws BrokerError `NotSupported`: a layout in which they do not stand on lines of their own
 */
export function removeEntries(source: ConfigText, before: CheckedConfig, removed: NamedEntries): EditedConfig {
  const { section, names } = removed;
  const text = pairsOf(before, removed)
    .toReversed()
    .reduce((left, pair) => withoutLines(left, pair), source.text);
  const checked = checkConfig({ ...source, text });
  const root = before.reading.root ?? {};
  const left = Object.entries(root[section] ?? {}).filter(([name]) => !names.has(name));
  const wanted = { ...root, [section]: left.length === 0 ? null : Object.fromEntries(left) };
  if (isDeepStrictEqual(checked.reading.root, wanted)) return { text, checked };
  throw new BrokerError("NotSupported", `${section} cannot be removed from ${source.path} the way it is laid out`, {
    hint: `brokerctl config edit, and remove ${[...names].join(", ")}`,
  });
}

/** In the order of the text. */
function pairsOf({ reading }: CheckedConfig, { section, names }: NamedEntries): readonly Pair[] {
  const entries = entriesAt(reading.document, section);
  return entries.filter(({ key }) => isScalar(key) && names.has(String(key.value)));
}

/** The entries of a section as they stand in the document. */
export function entriesAt(document: Document.Parsed | undefined, section: NamedEntries["section"]): readonly Pair[] {
  const top = document?.contents as unknown as YAMLMap;
  const found = top.items.find(({ key }) => isScalar(key) && key.value === section)?.value;
  return isMap(found) ? found.items : [];
}

function withoutLines(text: string, pair: Pair): string {
  const start = text.lastIndexOf("\n", startOf(pair) - 1) + 1;
  const lineEnd = text.indexOf("\n", Math.max(start, endOf(pair) - 1));
  return text.slice(0, start) + (lineEnd === -1 ? "" : text.slice(lineEnd + 1));
}
