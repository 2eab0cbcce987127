import { isDeepStrictEqual } from "node:util";
import { BrokerError } from "../../core/errors.js";
import { type CheckedConfig, type ConfigText, checkConfig } from "../check/check-config.js";
import { renderProblems } from "../parse-config.js";
import { insertEntries, type NewEntries, renderEntries } from "./insert-entries.js";

/** A config's text with entries added to it, and what is to be said of it now. */
export interface EditedConfig {
  readonly text: string;
  readonly checked: CheckedConfig;
}

/** @throws BrokerError `ConfigInvalid`: to a config that has problems already nothing is added */
export function checkBeforeEdit(source: ConfigText): CheckedConfig {
  const before = checkConfig(source);
  if (before.config) return before;
  const problems = renderProblems(before, source.path);
  throw new BrokerError(
    "ConfigInvalid",
    [`${source.path} has problems already, nothing was added:`, ...problems].join("\n"),
    { hint: "brokerctl config edit" },
  );
}

/**
 * Adds the entries below those of their section; every other byte of the text stays. Whether what was added is right is
 * for the caller to see in `checked`.
 * @throws BrokerError `NotSupported`: a layout that cannot be added to; the hint has the lines to add by hand
 */
export function addEntries(source: ConfigText, before: CheckedConfig, added: NewEntries): EditedConfig {
  const { document } = before.reading;
  const text = document ? insertEntries(source.text, document, added) : source.text;
  const checked = checkConfig({ ...source, text });
  const { reading } = checked;
  if (reading.problems.length === 0 ? isJustAdded({ before, checked, added }) : reading.root) return { text, checked };
  const names = Object.keys(added.entries).join(", ");
  const what = `${added.section === "sources" ? "source" : "role"} ${names}`;
  throw new BrokerError("NotSupported", `${what} cannot be added to ${source.path} the way it is laid out`, {
    hint: `brokerctl config edit, and add under ${added.section}:\n${renderEntries(added)}`,
  });
}

/** The entries of a section as plain values. */
export function sectionOf(
  root: Readonly<Record<string, unknown>> | undefined,
  section: NewEntries["section"],
): Readonly<Record<string, unknown>> {
  return (root?.[section] ?? {}) as Record<string, unknown>;
}

/** The text was spliced by hand: whatever its layout, it must now say what it said before and the new entries. */
function isJustAdded(edit: { before: CheckedConfig; checked: CheckedConfig; added: NewEntries }): boolean {
  const { added } = edit;
  const before = edit.before.reading.root;
  const section = { ...sectionOf(before, added.section), ...added.entries };
  return isDeepStrictEqual(edit.checked.reading.root, { ...before, [added.section]: section });
}
