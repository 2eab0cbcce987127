import type { Source } from "../core/role.js";

/** What runs programs of the user's: a service that starts brokerd must let them do what they need. */
export function programsOf(
  sources: Iterable<Source>,
  dataKeyCommand: readonly string[] | undefined,
): readonly string[] {
  return [...(dataKeyCommand ? ["data_key_command"] : []), ...[...sources].flatMap(programOf)];
}

/** `profile`: the profile may have a credential_process, today or tomorrow. */
function programOf(source: Source): readonly string[] {
  if (source.type === "process" || source.type === "profile") return [`source ${source.name}`];
  return source.type === "keys" && source.mfaProcess !== undefined ? [`mfa_process of ${source.name}`] : [];
}
