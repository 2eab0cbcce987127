import { SECRET_STORE_KINDS, type SecretStoreKind } from "../../core/secret-store-kind.js";

/** What `init` decides; everything else in the template is comment. */
export interface TemplateValues {
  readonly secretStore: SecretStoreKind;
  readonly port: number;
  /** Words of the command, for `command` only. */
  readonly dataKeyCommand: readonly string[] | undefined;
  /** `defaults.region`; undefined: none. */
  readonly region: string | undefined;
}

export const SCHEMA_FILE = "config.schema.json";

export function renderTemplate({ secretStore, port, dataKeyCommand, region }: TemplateValues): string {
  const defaults = region === undefined ? "# defaults: { region: eu-west-1 }" : `defaults: { region: ${region} }`;
  const command =
    dataKeyCommand === undefined
      ? '# data_key_command: [op, read, "op://Private/credbroker/key"]   # for secret_store: command'
      : `data_key_command: ${JSON.stringify(dataKeyCommand)}`;
  return `# yaml-language-server: $schema=${SCHEMA_FILE}
# credbroker: which AWS roles this machine can have, and what signs for them. No secret belongs into this file.
# Edit with \`brokerctl config edit\`, which checks it, or by hand and \`brokerctl config check\`.
version: 1

# Who holds the data key of the sealed files: keychain | passphrase | command | key_file (weak: for demos and CI).
# It is never changed by itself, and a change needs the keys to be added again.
secret_store: ${secretStore}
${command}

# Where programs on this machine ask for credentials: 127.0.0.1 only. Shells hold this port in their environment.
endpoint: { port: ${port} }

${defaults}   # AWS_REGION for roles that name none

# Sources sign. \`brokerctl keys add ops\` makes one and puts its key into the secret store.
#   ops:                                                # role_arn is assumed with the key itself
#     type: keys
#   ops-mfa:                                            # one login (\`brokerctl login ops-mfa\`) for all its roles
#     type: keys
#     mfa_serial: arn:aws:iam::111111111111:mfa/me
#     session_duration_seconds: 43200
sources: {}

# Roles are what programs get. \`brokerctl role add NAME --source SOURCE --role-arn ARN\`
#   dev:
#     source: ops
#     role_arn: arn:aws:iam::111111111111:role/dev
#     region: eu-west-1
#   prod:
#     source_role: dev                                  # assumed with the credentials of dev
#     role_arn: arn:aws:iam::222222222222:role/prod
#     duration_seconds: 3600
#     role_session_name: "{user}@{host}"                # {user} {host} {role}; default credbroker-{user}
#     tags: { team: core }
#     policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]
roles: {}

# lambda: { via: dev }              # the role that reads Lambda functions and assumes their roles (docs/lambda.md)
# refresh: { idle_after: 8h }       # roles that no program fetched for so long are let go
`;
}

/** What the template was rendered with, if `text` is one that has not been edited: such a one may be written anew. */
export function readTemplate(text: string): TemplateValues | undefined {
  const secretStore = SECRET_STORE_KINDS.find((kind) => text.includes(`\nsecret_store: ${kind}\n`));
  const port = Number(/^endpoint: \{ port: (\d+) \}$/m.exec(text)?.[1]);
  const words = /^data_key_command: (\[.*\])$/m.exec(text)?.[1];
  if (secretStore === undefined || Number.isNaN(port)) return undefined;
  const region = /^defaults: \{ region: (\S+) \}/m.exec(text)?.[1];
  const values = { secretStore, port, region, dataKeyCommand: words === undefined ? undefined : wordsOf(words) };
  return renderTemplate(values) === text ? values : undefined;
}

function wordsOf(text: string): readonly string[] | undefined {
  try {
    return JSON.parse(text) as readonly string[];
  } catch {
    return undefined;
  }
}
