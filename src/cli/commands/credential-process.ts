import { fetchCredentials } from "../access/fetch-credentials.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand } from "../command.js";
import { confirmQuietly, REASON_OPTION } from "../guard/confirm-role.js";

export const credentialProcessCommand = defineCommand({
  name: "credential-process",
  summary: "Print credentials as the AWS credential_process setting wants them",
  details: `For tools that insist on profiles: \`brokerctl profiles sync\` writes it into ~/.aws/config for each role. It never asks:
a guarded role needs a yes that the lease of this shell has already (\`brokerctl use\`, or \`brokerctl request\`).`,
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
    const yes = await confirmQuietly({ role, target: { by: "new" }, forSeconds, reason: options.reason }, context);
    // No offer of a login: SDKs run this with a terminal that belongs to another program.
    await context.client.call("warm", { role });
    const { credentials } = await fetchCredentials(context, role, yes);
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
