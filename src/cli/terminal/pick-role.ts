import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";

/** The role that the person chooses from a list; without a terminal, exit 2 with the names. */
export async function pickRole({ client, interactive, output, prompts }: CliContext, command: string): Promise<string> {
  const { roles, defaultRole } = await client.call("status", {});
  if (roles.length === 0) {
    throw new BrokerError("UsageInvalid", "the config has no roles yet", { hint: "brokerctl role add --help" });
  }
  if (!interactive || output.json) {
    throw new BrokerError("UsageInvalid", `ROLE is needed: one of ${roles.map(({ name }) => name).join(", ")}`, {
      hint: `${command} ${roles[0]?.name ?? "ROLE"}`,
    });
  }
  const choices = roles.map(({ name, accountId, state }) => ({
    value: name,
    label: accountId === null ? name : `${name}  ${accountId}`,
    hint: [name === defaultRole ? "default" : "", state].filter(Boolean).join(", "),
  }));
  return prompts.pick("Which role?", choices);
}
