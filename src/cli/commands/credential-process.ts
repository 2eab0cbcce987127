import { fetchCredentials } from "../access/fetch-credentials.js";
import { defineCommand } from "../command.js";

export const credentialProcessCommand = defineCommand({
  name: "credential-process",
  summary: "Print credentials as the AWS credential_process setting wants them",
  details: "For tools that insist on profiles, in ~/.aws/config: credential_process = brokerctl credential-process dev",
  positionals: [{ name: "ROLE", required: true, help: "a role of the config" }],
  options: {},
  examples: [
    "brokerctl credential-process dev",
    "aws configure set profile.dev.credential_process 'brokerctl credential-process dev'",
  ],
  async run({ positionals }, context) {
    const role = positionals[0] ?? "";
    // No offer of a login: SDKs run this with a terminal that belongs to another program.
    await context.client.call("warm", { role });
    const { credentials } = await fetchCredentials(context, role);
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
