import type { Config } from "../../src/config/config.js";
import { parseConfig } from "../../src/config/parse-config.js";
import { BrokerError } from "../../src/core/errors.js";

/** The lines every config needs. */
export const HEAD = "version: 1\nsecret_store: key_file\n";

/** A config with every kind of entry that this version enforces, with its columns and comments. */
export const EXAMPLE = `version: 1
secret_store: keychain      # who holds the data key of the sealed files: keychain | passphrase | command | key_file
# data_key_command: [op, read, "op://Private/credbroker/key"]        # for \`command\`: 1Password, pass, a YubiKey…
endpoint: { port: 9171 }    # 127.0.0.1 only; \`init\` picks a free one and writes it
defaults: { region: eu-west-1 }
sources:
  ops-keys: { type: keys, mfa_serial: arn:aws:iam::111111111111:mfa/me, session_duration_seconds: 43200 }   # the key itself is in the secret store
  ci:       { type: keys, region: eu-central-1 }
roles:
  dev:       { source: ci, role_arn: "arn:aws:iam::111111111111:role/dev", duration_seconds: 43200 }

  prod-role:
    source: ops-keys                # or  source_role: dev  to chain from another role
    role_arn: arn:aws:iam::222222222222:role/prod
    region: eu-west-1
    duration_seconds: 3600
    role_session_name: "{user}@{host}"       # only {user} {host} {role}; sanitized, cut to 64; default "credbroker"
    external_id: abc
    source_identity: me
    tags: { team: core }
    transitive_tag_keys: [team]
    policy: { Version: "2012-10-17", Statement: [] }
    policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]
    # guard: { confirm: true }      # not yet

projects:                           # stages belong to a project
  orders: { path: ~/code/orders, role: dev, stages: { dev: dev, prod: prod-role } }
lambda:  { via: dev }
refresh: { idle_after: 8h }
`;

export const PLACE = { path: "/home/me/config.yaml", user: "me", host: "box" } as const;

export function parse(text: string): Config {
  return parseConfig({ text, ...PLACE });
}

/** What `parse` throws; anything but a BrokerError is thrown on. */
export function refusal(text: string): BrokerError {
  return caught(() => parse(text));
}

export function caught(action: () => unknown): BrokerError {
  try {
    action();
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
