import { resolve } from "node:path";
import type { ControlRequest } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { NAME_PATTERN } from "../../core/role.js";
import { roleOfStage, STAGE_OPTION } from "../access/project.js";
import { SCOPE_DETAILS, SCOPE_OPTIONS, scopeOfFlags } from "../access/scope-options.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { printAccess } from "../terminal/views.js";

export const leaseCreateCommand = defineCommand({
  name: "lease create",
  summary: "Make a durable lease for an IDE, an agent or a container",
  details: `Prints its URL, for AWS_CONTAINER_CREDENTIALS_FULL_URI. Without ROLE it follows the default lease.
With --socket brokerd serves the lease, and nothing else, on a unix socket (0600) too, for as long as it lives: share the socket's
directory with a container, and run \`brokerctl forward\` in it. The directory must be one in which no other user can write.
${SCOPE_DETAILS}`,
  positionals: [
    { name: "NAME", required: true, help: "a name for the lease" },
    { name: "ROLE", help: "a role of the config; the lease keeps it until `brokerctl lease set NAME`" },
  ],
  options: {
    stage: STAGE_OPTION,
    for: { type: "string", value: "DURATION", help: "the lease ends then; without it, when it is revoked" },
    movable: { type: "boolean", help: "let `use` move it, which a lease with ROLE is not otherwise" },
    socket: { type: "string", value: "PATH", help: "serve it on this unix socket too; see `brokerctl forward`" },
    ...SCOPE_OPTIONS,
    reason: REASON_OPTION,
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl lease create ide dev",
    "brokerctl lease create agent readonly --for 8h",
    "brokerctl lease create agent dev --read-only --session-for 1m",
    "brokerctl lease create ide --stage dev",
    "brokerctl lease create agent dev --socket ~/.agent/lease.sock",
  ],
  async run({ options, positionals }, context) {
    const [name = "", typed] = positionals;
    if (!NAME_PATTERN.test(name)) {
      throw new BrokerError("UsageInvalid", `NAME '${name}' must be letters, digits and . _ / @ + -, at most 128`, {
        hint: "brokerctl lease create ide",
      });
    }
    const { stage } = options;
    const command = `brokerctl lease create ${name}`;
    const role = stage === undefined ? typed : await roleOfStage({ stage, role: typed, command }, context);
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const scope = await scopeOfFlags({ ...options, name }, context);
    const narrowed = scope ? { scope } : {};
    const wanted = { target: { by: "new" }, forSeconds, reason: options.reason, scope } as const;
    const yes = role === undefined ? {} : await confirmRole({ ...wanted, role }, context);
    if (role !== undefined) await withLogin(context, role, () => context.client.call("warm", { role, ...narrowed }));
    const terms = { forSeconds, movable: options.movable, socket: options.socket };
    const access = await context.client.call("lease-create", {
      ...{ name, role: role ?? null },
      ...givenOf(terms, context.cwd()),
      ...narrowed,
      ...yes,
    });
    printAccess(access, context);
  },
});

interface Terms {
  readonly forSeconds: number | undefined;
  readonly movable: boolean;
  readonly socket: string | undefined;
}

/** A field that is not given is left out. */
function givenOf({ forSeconds, movable, socket }: Terms, directory: string): Partial<ControlRequest<"lease-create">> {
  return {
    ...(forSeconds !== undefined && { forSeconds }),
    ...(movable && { movable }),
    ...(socket !== undefined && { socket: resolve(directory, socket) }),
  };
}
