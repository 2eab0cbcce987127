import { isScalar } from "yaml";
import type { EntryName, EntryShown } from "../../core/config-edit.js";
import { type ConfigText, checkConfig } from "../check/check-config.js";
import { renderPath } from "../check/config-problem.js";
import { sectionOf } from "./add-entries.js";
import { noSuchEntry, sectionName } from "./entry-names.js";
import { endOf, startOf } from "./insert-entries.js";
import { referencesTo } from "./references.js";
import { entriesAt } from "./remove-entries.js";

/** The entry as the file has it, whether or not the file is valid as a whole; throws `RoleUnknown` or `SourceUnknown`. */
export function showEntry(request: ConfigText & EntryName): EntryShown {
  const { kind, name, text } = request;
  const { reading } = checkConfig(request);
  const { root = {}, document, lines } = reading;
  const section = sectionName(kind);
  const entries = sectionOf(root, section);
  if (!Object.hasOwn(entries, name)) throw noSuchEntry(request, Object.keys(entries));
  const pair = document && entriesAt(document, section).find(({ key }) => isScalar(key) && String(key.value) === name);
  const start = startOf(pair);
  const fields = entries[name];
  return {
    ...{ kind, name, line: lines.linePos(start).line },
    text: outdented(text.slice(start, endOf(pair)), lines.linePos(start).col - 1),
    fields: typeof fields === "object" && fields !== null ? (fields as EntryShown["fields"]) : {},
    usedBy: referencesTo(root, kind, name).map((reference) => renderPath(reference.path)),
  };
}

/** Its first line begins at its name already. */
function outdented(text: string, columns: number): string {
  return text.replaceAll(new RegExp(`^ {1,${Math.max(columns, 1)}}`, "gm"), "").trimEnd();
}
