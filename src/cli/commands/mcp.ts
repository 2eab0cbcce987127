import type { ControlClient } from "../../control-api/client.js";
import { BrokerError } from "../../core/errors.js";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { leaseBySocket } from "../mcp/lease-by-socket.js";
import { leaseByControl, type OwnLease } from "../mcp/own-lease.js";
import { CONFINED_VARIABLE } from "../sandbox/environment.js";

export const mcpCommand = defineCommand({
  name: "mcp",
  summary: "Serve the tools by which an agent asks for roles (MCP, on stdin and stdout)",
  details: `Tools: whoami, list_roles, preview_access, request_access, access_status, release_access. No key, token or URL stands in an answer:
AWS tools get their credentials from the lease, by the environment that they were started with. Inside a sandbox it asks the lease's own socket
(${SOCKET_VARIABLE}), which knows no other lease, whatever --lease says; elsewhere brokerd, for the lease of --lease, else of the variables.
Agents start it: \`brokerctl agent install\` enters it into their config.`,
  options: { lease: { type: "string", value: "NAME", help: "the lease that the tools are about" } },
  examples: [
    "brokerctl agent install claude-code",
    "claude mcp add credbroker -- brokerctl mcp --lease agent",
    "brokerctl exec --lease agent --confine -- claude    # its tools are about lease agent",
  ],
  async run({ options }, context) {
    const { serveMcp } = await import("../mcp/serve.js");
    const { version, clock } = context;
    const lease = leaseOf(options.lease, context);
    await serveMcp({ lease, version, clock, stdin: context.stdin(), stdout: context.streams().stdout });
    return EXIT.done;
  },
});

function leaseOf(name: string | undefined, context: CliContext): OwnLease {
  const socket = context.env[SOCKET_VARIABLE];
  // Clients that are told to pass a variable on leave its name, or nothing, where there is none.
  if (socket?.startsWith("/")) return leaseBySocket(socket);
  if (context.env[CONFINED_VARIABLE]) return leaseByControl(() => Promise.reject(withoutSocket()));
  if (name === undefined) return leaseByControl((anew) => Promise.resolve(anew ? undefined : context.client));
  return leaseByControl(clientOfLease(name, context));
}

/** A named lease has one or none, since it was made. */
function withoutSocket(): BrokerError {
  return new BrokerError("DaemonUnreachable", "the lease of this sandbox has no socket, by which it could be asked", {
    hint: "brokerctl lease create NAME ROLE --socket PATH    # in a shell of your own; then start the agent with it",
  });
}

/** Its token is fetched with the first question: the server starts without brokerd. One that was replaced is fetched anew. */
function clientOfLease(name: string, context: CliContext): (anew: boolean) => Promise<ControlClient> {
  let client: Promise<ControlClient> | undefined;
  const open = async (): Promise<ControlClient> => {
    const { token } = await context.client.call("lease-access", { lease: { by: "name", name } });
    return context.connect({ leaseToken: token });
  };
  return (anew) => {
    if (anew) client = undefined;
    const opened = (client ??= open());
    opened.catch(() => {
      if (client === opened) client = undefined;
    });
    return opened;
  };
}
