import { isDeepStrictEqual } from "node:util";
import { BrokerError } from "../core/errors.js";
import { NAME_PATTERN } from "../core/role.js";
import { type CheckedConfig, type ConfigText, checkConfig } from "./check-config.js";
import type { ConfigProblem } from "./config-problem.js";
import { type FieldCatalog, ROLE_FIELDS, SOURCE_FIELDS } from "./field-catalog.js";
import { NAME_RULE } from "./field-rules.js";
import { type FieldValues, readFieldValues } from "./field-values.js";
import { insertEntry, type NewEntry, renderEntry } from "./insert-entry.js";
import { renderProblem, renderProblems } from "./parse-config.js";
import { showValue } from "./show-value.js";

/** The config as it was read, and the entry to add to it. */
export interface EditRequest extends ConfigText {
  readonly name: string;
  readonly fields: FieldValues;
}

/** What should stand in the file instead. */
export interface ConfigEdit {
  readonly text: string;
  /** What changes, for people. */
  readonly summary: readonly string[];
}

interface EntryKind {
  /** As people say it. */
  readonly kind: "source" | "role";
  readonly section: NewEntry["section"];
  readonly catalog: FieldCatalog;
}

/**
 * The config with one more source; the rest of the text stays byte for byte, and the result is a valid config.
 * @throws BrokerError `UsageInvalid` (name, field or value), `Conflict` (exists), `ConfigInvalid` (the text as it is
 *   has problems already), `NotSupported` (a layout that cannot be added to; the hint has the lines to add by hand)
 */
export function planSourceAdd(request: EditRequest): ConfigEdit {
  return planAdd(request, { kind: "source", section: "sources", catalog: SOURCE_FIELDS });
}

/** The config with one more role; see {@link planSourceAdd}. */
export function planRoleAdd(request: EditRequest): ConfigEdit {
  return planAdd(request, { kind: "role", section: "roles", catalog: ROLE_FIELDS });
}

function planAdd(request: EditRequest, { kind, section, catalog }: EntryKind): ConfigEdit {
  const { name, fields } = request;
  const what = `${kind} ${name}`;
  if (!NAME_PATTERN.test(name)) {
    throw new BrokerError("UsageInvalid", `${kind} name ${showValue(name)} ${NAME_RULE}`);
  }
  const added = { section, name, entry: readFieldValues(fields, catalog) };
  const before = checkBefore(request);
  if (before.reading.root && Object.hasOwn(sectionOf(before, section), name)) {
    throw new BrokerError("Conflict", `${what} is in ${request.path} already`, { hint: "brokerctl config edit" });
  }

  const text = before.reading.document ? insertEntry(request.text, before.reading.document, added) : request.text;
  const after = checkConfig({ ...request, text });
  if (after.reading.problems.length === 0 ? !isJustAdded({ before, after, added }) : !after.reading.root) {
    throw new BrokerError("NotSupported", `${what} cannot be added to ${request.path} the way it is laid out`, {
      hint: `brokerctl config edit, and add under ${section}:\n${renderEntry(added)}`,
    });
  }
  if (after.problems.length > 0) throw refuse(after.problems, { kind, added });
  return { text, summary: [`adds ${what}:`, ...renderEntry(added).trimEnd().split("\n")] };
}

function checkBefore(request: EditRequest): CheckedConfig {
  const before = checkConfig(request);
  if (before.config) return before;
  const problems = renderProblems(before, request.path);
  throw new BrokerError(
    "ConfigInvalid",
    [`${request.path} has problems already, nothing was added:`, ...problems].join("\n"),
    {
      hint: "brokerctl config edit",
    },
  );
}

function sectionOf({ reading }: CheckedConfig, section: string): Readonly<Record<string, unknown>> {
  return (reading.root?.[section] ?? {}) as Record<string, unknown>;
}

/** Fields are named as they were typed, without the place they would have had in the file. */
function refuse(
  problems: readonly ConfigProblem[],
  { kind, added }: { kind: EntryKind["kind"]; added: NewEntry },
): BrokerError {
  const reasons = problems.map(({ path, ...problem }) => {
    const own = path[0] === added.section && path[1] === added.name;
    return renderProblem({ ...problem, path: own ? path.slice(2) : path });
  });
  const [first = "", ...more] = reasons;
  const message = more.length === 0 ? ` ${first}` : `\n${reasons.join("\n")}`;
  return new BrokerError("UsageInvalid", `cannot add ${kind} ${added.name}:${message}`, {
    hint: `brokerctl ${kind} add --help`,
  });
}

/** The text was spliced by hand: whatever its layout, it must now say what it said before and the new entry. */
function isJustAdded(edit: { before: CheckedConfig; after: CheckedConfig; added: NewEntry }): boolean {
  const { before, after, added } = edit;
  const section = { ...sectionOf(before, added.section), [added.name]: added.entry };
  return isDeepStrictEqual(after.reading.root, { ...before.reading.root, [added.section]: section });
}
