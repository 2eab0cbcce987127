import type { EditPlan, EntryName } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import type { ConfigText } from "../check/check-config.js";
import { renderPath } from "../check/config-problem.js";
import { renderProblems } from "../parse-config.js";
import { checkBeforeEdit, sectionOf } from "./add-entries.js";
import { noSuchEntry, sectionName } from "./entry-names.js";
import { referencesTo } from "./references.js";
import { removeEntries } from "./remove-entries.js";

/**
 * The config without the entry.
 * @throws BrokerError `Conflict` (the file names it elsewhere: says where), `RoleUnknown`, `SourceUnknown`, `ConfigInvalid`, `NotSupported`
 */
export function planRemove(request: ConfigText & EntryName): EditPlan {
  const { kind, name, path } = request;
  const before = checkBeforeEdit(request);
  const root = before.reading.root ?? {};
  const entries = sectionOf(root, sectionName(kind));
  if (!Object.hasOwn(entries, name)) throw noSuchEntry(request, Object.keys(entries));
  const places = referencesTo(root, kind, name).map((reference) => renderPath(reference.path));
  if (places.length > 0) throw stillNeeded(request, `${path} names it at ${places.join(", ")}`);
  const { text, checked } = removeEntries(request, before, { section: sectionName(kind), names: new Set([name]) });
  if (checked.problems.length > 0) throw stillNeeded(request, renderProblems(checked, path).join("; "));
  return { text, summary: [`removes ${kind} ${name}`] };
}

function stillNeeded({ kind, name }: EntryName, why: string): BrokerError {
  return new BrokerError("Conflict", `${kind} ${name} is needed: ${why}`, { hint: "brokerctl config edit" });
}
