import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { confirmRole } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { until } from "../terminal/when.js";
import { staticVariables } from "./fetch-credentials.js";

/** Of `exec`: a role beside the one of its lease. */
export const WITH_OPTION = {
  type: "string",
  repeat: true,
  value: "ROLE=PREFIX_",
  help: "temporary keys of a second role too, as PREFIX_AWS_ACCESS_KEY_ID …; nothing renews them",
} as const;

export interface SecondRole {
  readonly role: string;
  /** What the names of its variables begin with; ends with `_`. */
  readonly prefix: string;
}

/** What begins with AWS_ is read by SDKs and Serverless as something else, and CREDBROKER_ is ours. */
const PREFIX = /^(?!AWS_|CREDBROKER_)[A-Za-z_][A-Za-z0-9_]*_$/;

/** `--with ROLE=PREFIX_`, as often as it is given. */
export function parseSecondRoles(given: readonly string[]): readonly SecondRole[] {
  const seconds = given.map((text) => {
    const [, role, prefix] = /^(.+)=([^=]*)$/s.exec(text) ?? [];
    if (role !== undefined && prefix !== undefined && PREFIX.test(prefix)) return { role, prefix };
    throw new BrokerError(
      "UsageInvalid",
      `--with takes ROLE=PREFIX_, a prefix of letters, digits and _ that ends with _ and begins with neither AWS_ nor CREDBROKER_, not '${text}'`,
      { hint: "brokerctl exec ROLE --with shared=SHARED_ACCOUNT_ -- CMD" },
    );
  });
  const repeated = seconds.find(({ prefix }, index) => seconds.findIndex((one) => one.prefix === prefix) < index);
  if (!repeated) return seconds;
  throw new BrokerError("UsageInvalid", `--with ${repeated.prefix} is given twice, and has one role`);
}

interface WantedKeys {
  readonly seconds: readonly SecondRole[];
  readonly reason: string | undefined;
}

/** Keys of each, after what its guard asks; said with their end, which CMD may outlive. */
export async function keysOfSeconds(
  { seconds, reason }: WantedKeys,
  context: CliContext,
): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const { role, prefix } of seconds) {
    const yes = await confirmRole({ role, target: { by: "new" }, reason }, context);
    const { accountId } = await withLogin(context, role, () => context.client.call("warm", { role }));
    const variables = await staticVariables(context, role, yes);
    for (const [name, value] of Object.entries(variables)) all[prefix + name] = value;
    const end = until(Date.parse(variables["AWS_CREDENTIAL_EXPIRATION"] ?? ""), context.clock.now());
    const account = accountId === null ? "" : `, account ${accountId}`;
    context.output.say(`${prefix}AWS_…: keys of role ${role}${account}, good until ${end}; nothing renews them`);
  }
  return all;
}
