import { type EndpointCredentials, fetchCredentials, fetchWith } from "../access/fetch-credentials.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import { asQuietRefusal, confirmQuietly, REASON_OPTION } from "../guard/confirm-role.js";
import { withAskedCode } from "../login/login.js";

export const credentialProcessCommand = defineCommand({
  name: "credential-process",
  summary: "Print credentials as the AWS credential_process setting wants them",
  details: `For tools that insist on profiles: \`brokerctl profiles sync\` writes it into ~/.aws/config for each role. It never asks
at a terminal, and for an MFA code in a window only where the config has \`askpass\`. A guarded role needs a yes that the lease
of this shell has already (\`brokerctl use\`, or \`brokerctl request\`).`,
  positionals: [{ name: "ROLE", required: true, help: "a role of the config" }],
  options: {
    for: { type: "string", value: "DURATION", help: "of a yes that a guard gives without asking" },
    reason: REASON_OPTION,
  },
  examples: [
    "brokerctl credential-process dev",
    "brokerctl profiles sync && AWS_PROFILE=dev aws sts get-caller-identity",
  ],
  async run({ options, positionals }, context) {
    const role = positionals[0] ?? "";
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const wanted = { role, forSeconds, reason: options.reason };
    const credentials = await withAskedCode(
      context,
      role,
      async () => (await fetchByLaunch(wanted, context)) ?? (await fetchByOperations(wanted, context)),
    );
    context.output.print(
      JSON.stringify({
        Version: 1,
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey.reveal(),
        SessionToken: credentials.sessionToken.reveal(),
        Expiration: credentials.expiration,
        ...(credentials.accountId !== undefined && { AccountId: credentials.accountId }),
      }),
    );
  },
});

interface Wanted {
  readonly role: string;
  readonly forSeconds: number | undefined;
  readonly reason: string | undefined;
}

/** In one round trip, and one to the endpoint. undefined: brokerd does not do that now. */
async function fetchByLaunch(
  { role, forSeconds, reason }: Wanted,
  context: CliContext,
): Promise<EndpointCredentials | undefined> {
  const request = {
    ...({ kind: "credential-process", role, pid: context.pid } as const),
    ...(forSeconds !== undefined && { forSeconds }),
    ...(reason !== undefined && { reason }),
  };
  const launched = await context.client.launch(request).catch((error: unknown) => {
    throw asQuietRefusal(error, role);
  });
  if (!launched || "handoff" in launched) return undefined;
  try {
    return await context.output.progress.during("fetching credentials", () => fetchWith(launched.access, context));
  } finally {
    launched.connection.close();
  }
}

async function fetchByOperations({ role, ...asked }: Wanted, context: CliContext): Promise<EndpointCredentials> {
  const yes = await confirmQuietly({ role, target: { by: "new" }, ...asked }, context);
  // No offer of a login: SDKs run this with a terminal that belongs to another program.
  await context.client.call("warm", { role });
  return (await fetchCredentials(context, role, yes)).credentials;
}
