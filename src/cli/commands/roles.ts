import type { RoleView } from "../../control-api/contract.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { Output } from "../terminal/output.js";
import { table } from "../terminal/table.js";
import { roleJson } from "../terminal/views.js";
import { when } from "../terminal/when.js";

export const rolesCommand = defineCommand({
  name: "roles",
  summary: "List the roles of the config and their state",
  details: "The default lease's role is marked with a star.",
  options: { json: JSON_OPTION },
  examples: ["brokerctl roles", "brokerctl roles --json | jq -r '.roles[].name'"],
  async run(_, { client, output, clock }) {
    const { roles, defaultRole } = await client.call("status", {});
    if (output.json) {
      output.printJson({ default_role: defaultRole, roles: roles.map(roleJson) });
    } else if (roles.length === 0) {
      output.say("the config has no roles yet");
      output.hint("brokerctl role add NAME --source SOURCE --role-arn ARN");
    } else {
      output.print(roleTable(roles, defaultRole, clock.now()));
      warnOfRoleErrors(roles, output);
    }
  },
});

export function warnOfRoleErrors(roles: readonly RoleView[], output: Output): void {
  for (const { name, lastError } of roles) {
    if (lastError !== null) output.warn(`${name}: ${lastError.message}`, lastError.hint);
  }
}

/** Also part of `status`. */
export function roleTable(roles: readonly RoleView[], defaultRole: string | null, now: number): string {
  return table(
    ["", "role", "account", "source", "state", "credentials end"],
    roles.map((role) => [
      role.name === defaultRole ? "*" : " ",
      role.name,
      role.accountId ?? "-",
      role.source,
      role.state,
      when(role.expiration, now),
    ]),
  );
}
