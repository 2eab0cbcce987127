import type { EntryKind } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { showValue } from "../check/show-value.js";

export function sectionName(kind: EntryKind): "sources" | "roles" {
  return kind === "source" ? "sources" : "roles";
}

export function noSuchEntry(
  { kind, name, path }: { readonly kind: EntryKind; readonly name: string; readonly path: string },
  names: readonly string[],
): BrokerError {
  const meant = nearestName(name, names);
  const question = meant === undefined ? "" : `: did you mean ${meant}?`;
  const code = kind === "source" ? "SourceUnknown" : "RoleUnknown";
  return new BrokerError(code, `no ${kind} ${showValue(name)} in ${path}${question}`, {
    hint: `brokerctl ${kind} list`,
  });
}
