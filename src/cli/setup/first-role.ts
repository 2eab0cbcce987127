import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { ssoRoleId } from "../../core/role.js";
import type { CliContext } from "../context.js";
import { listSsoRoles } from "../login/sso-accounts.js";
import { pickRole } from "../terminal/pick-role.js";

export interface RoleQuestion {
  /** `--role`. */
  readonly named: string | undefined;
  /** Enter's answer is taken. */
  readonly yes: boolean;
}

/** The role that is to be shown to work: the one that is named, the only one, the one that is picked, or the first. */
export async function firstRole({ named, yes }: RoleQuestion, context: CliContext): Promise<string> {
  const { roles, sources } = await context.client.call("status", {});
  const names = roles.map(({ name }) => name);
  if (named !== undefined) return known(named, names);
  const [only, ...others] = names;
  if (only !== undefined && (others.length === 0 || yes || !context.interactive)) return only;
  if (context.interactive && !yes) return pickRole(context, "brokerctl setup --role");
  const unnamed = await firstOfLogins(sources, context);
  if (unnamed !== undefined) return unnamed;
  throw new BrokerError("UsageInvalid", "there is no role to use yet", { hint: "brokerctl role add --help" });
}

/** A role that the first login with roles can have, though no entry names it. */
async function firstOfLogins(
  sources: ControlResponse<"status">["sources"],
  context: CliContext,
): Promise<string | undefined> {
  for (const { name: source, type, state } of sources) {
    if (type !== "sso" || state !== "ready") continue;
    const [first] = await listSsoRoles(context, source, { maxAgeSeconds: 3600 });
    if (first) return ssoRoleId(source, first);
  }
  return undefined;
}

/** `SOURCE:ACCOUNT/ROLE` is for AWS to know. */
function known(named: string, names: readonly string[]): string {
  if (names.includes(named) || named.includes(":")) return named;
  const near = nearestName(named, names);
  throw new BrokerError("RoleUnknown", `there is no role ${named}`, {
    hint: near === undefined ? "brokerctl roles" : `brokerctl setup --role ${near}`,
  });
}
