import { warnIfShellElsewhere, withShellLease } from "../access/find-lease.js";
import { shadowingVariables } from "../access/variables.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { withLogin } from "../login/login.js";
import { fields } from "../terminal/table.js";
import { isoInstant, when } from "../terminal/when.js";

export const whoamiCommand = defineCommand({
  name: "whoami",
  summary: "Ask AWS who a program in this shell would be, or who a role is",
  details: `Without ROLE: by this shell's lease, else the default one; names the variables that programs take before it, as does
shadowed_by of --json.`,
  positionals: [{ name: "ROLE", help: "a role of the config" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl whoami", "brokerctl whoami prod-role --json | jq -r .account"],
  async run({ positionals }, context) {
    const { client, output, clock } = context;
    const role = positionals[0];
    const identity = await withLogin(context, role, () =>
      role === undefined
        ? withShellLease(context, (lease) => client.call("whoami", { lease }))
        : client.call("whoami", { role }),
    );
    if (output.json) {
      output.printJson({
        role: identity.role,
        account: identity.account,
        arn: identity.arn,
        user_id: identity.userId,
        expiration: isoInstant(identity.expiration),
        shadowed_by: role === undefined ? shadowingVariables(context.env) : [],
      });
    } else {
      output.print(
        fields(
          [
            `role     ${identity.role}`,
            `account  ${identity.account}`,
            `arn      ${identity.arn}`,
            `user id  ${identity.userId}`,
            `until    ${when(identity.expiration, clock.now())}`,
          ],
          output.screen,
        ),
      );
    }
    if (role === undefined) await warnIfShellElsewhere(context);
  },
});
