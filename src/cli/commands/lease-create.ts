import { BrokerError } from "../../core/errors.js";
import { NAME_PATTERN } from "../../core/role.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { printAccess } from "../terminal/views.js";

export const leaseCreateCommand = defineCommand({
  name: "lease create",
  summary: "Make a durable lease for an IDE, an agent or a container",
  details: "Prints its URL, for AWS_CONTAINER_CREDENTIALS_FULL_URI. Without ROLE it follows the default lease.",
  positionals: [
    { name: "NAME", required: true, help: "a name for the lease" },
    { name: "ROLE", help: "a role of the config; the lease keeps it until `brokerctl lease set NAME`" },
  ],
  options: {
    for: { type: "string", value: "DURATION", help: "the lease ends then; without it, when it is revoked" },
    movable: { type: "boolean", help: "let `use` move it, which a lease with ROLE is not otherwise" },
    reason: REASON_OPTION,
    json: JSON_OPTION,
  },
  examples: ["brokerctl lease create ide dev", "brokerctl lease create agent readonly --for 8h"],
  async run({ options, positionals }, context) {
    const [name = "", role] = positionals;
    if (!NAME_PATTERN.test(name)) {
      throw new BrokerError("UsageInvalid", `NAME '${name}' must be letters, digits and . _ / @ + -, at most 128`, {
        hint: "brokerctl lease create ide",
      });
    }
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const wanted = { target: { by: "new" }, forSeconds, reason: options.reason } as const;
    const yes = role === undefined ? {} : await confirmRole({ ...wanted, role }, context);
    if (role !== undefined) await withLogin(context, role, () => context.client.call("warm", { role }));
    const access = await context.client.call("lease-create", {
      name,
      role: role ?? null,
      ...(forSeconds !== undefined && { forSeconds }),
      ...(options.movable && { movable: true }),
      ...yes,
    });
    printAccess(access, context);
  },
});
