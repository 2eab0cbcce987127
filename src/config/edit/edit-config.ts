import type { EditPlan, FieldValues } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { NAME_PATTERN } from "../../core/role.js";
import type { ConfigText } from "../check/check-config.js";
import type { ConfigProblem } from "../check/config-problem.js";
import { showValue } from "../check/show-value.js";
import { unguardedAliases } from "../check/unguarded-aliases.js";
import { renderProblem } from "../parse-config.js";
import { type FieldCatalog, ROLE_FIELDS, SOURCE_FIELDS } from "../schema/field-catalog.js";
import { NAME_RULE } from "../schema/field-rules.js";
import { readFieldValues } from "../schema/field-values.js";
import { addEntries, checkBeforeEdit, sectionOf } from "./add-entries.js";
import { type NewEntries, renderEntries } from "./insert-entries.js";

/** The config as it was read, and the entry to add to it. */
export interface EditRequest extends ConfigText {
  readonly name: string;
  readonly fields: FieldValues;
}

/** An addition: there is always a new text. */
export interface ConfigEdit extends EditPlan {
  readonly text: string;
}

interface EntryKind {
  /** As a message names it. */
  readonly kind: "source" | "role";
  readonly section: NewEntries["section"];
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
  const added: NewEntries = { section, entries: { [name]: readFieldValues(fields, catalog) } };
  const before = checkBeforeEdit(request);
  if (Object.hasOwn(sectionOf(before.reading.root, section), name)) {
    throw new BrokerError("Conflict", `${what} is in ${request.path} already`, { hint: "brokerctl config edit" });
  }
  const { text, checked } = addEntries(request, before, added);
  if (checked.problems.length > 0) throw refuse(checked.problems, { kind, section, name });
  const notes = kind === "role" && checked.config ? unguardedAliases(checked.config.roles, name) : [];
  const summary = [`adds ${what}:`, ...renderEntries(added).trimEnd().split("\n")];
  return { text, summary, ...(notes.length > 0 && { notes }) };
}

/** Fields are named as they were typed, without the place they would have had in the file. */
function refuse(
  problems: readonly ConfigProblem[],
  { kind, section, name }: Pick<EntryKind, "kind" | "section"> & { readonly name: string },
): BrokerError {
  const reasons = problems.map(({ path, ...problem }) => {
    const own = path[0] === section && path[1] === name;
    return renderProblem({ ...problem, path: own ? path.slice(2) : path });
  });
  const [first = "", ...more] = reasons;
  const message = more.length === 0 ? ` ${first}` : `\n${reasons.join("\n")}`;
  return new BrokerError("UsageInvalid", `cannot add ${kind} ${name}:${message}`, {
    hint: `brokerctl ${kind} add --help`,
  });
}
