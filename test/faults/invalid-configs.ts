/** One way in which a config can be wrong, made from a right one of the fakes' (`ROLES_YAML`). */
type Spoil = (text: string, pick: <T>(list: readonly T[]) => T) => string;

const TOP = ["version", "secret_store", "endpoint", "defaults", "sources", "roles"] as const;

function line(text: string): Spoil {
  return (config) => `${config}${text}\n`;
}

function role(fields: string): Spoil {
  return (config, pick) => `${config}  ${pick(["extra", "x", "a-b", "r_1"])}: { ${fields} }\n`;
}

function source(fields: string): Spoil {
  return (config) => config.replace("sources:\n", `sources:\n  other: { ${fields} }\n`);
}

const ARN = 'role_arn: "arn:aws:iam::111111111111:role/dev"';

/** Each is refused, whatever is picked. */
export const SPOILS: readonly Spoil[] = [
  (config, pick) => `${config}${pick(["nonsense", "Roles", "rolls", "__proto__", "constructor", "projectz"])}: 1\n`,
  (config, pick) => `${config}${pick(TOP)}: 1\n`, // a key twice
  (config) => config.replace("version: 1", "version: 9"),
  (config, pick) => config.replace("version: 1", `version: ${pick(["0", "-1", '"1"', "1.5", "null", "[1]"])}`),
  (config) => config.replace("version: 1\n", ""),
  (config, pick) => config.replace("key_file", pick(["keychains", "none", "1", "[keychain]", "''", "Passphrase"])),
  (config, pick) => config.replace(/port: \d+/, `port: ${pick(["0", "65536", "-1", '"x"', "80.5", "1e9", "null"])}`),
  (config, pick) => config.replace("endpoint: {", `endpoint: { ${pick(["host: 0.0.0.0", "tls: true", "bind: any"])},`),
  (config, pick) =>
    config.replace("eu-west-1", pick(["'../x'", "'a b'", "'evil.example/'", "''", "'eu-west-1.evil.example'"])),
  role(`source: nowhere, ${ARN}`),
  role(`source_role: nowhere, ${ARN}`),
  role(`source: ops-keys, source_role: dev, ${ARN}`),
  role("source: ops-keys, role_arn: arn:aws:iam::1:role/x"),
  role("source: ops-keys, role_arn: not-an-arn"),
  role(`source: ops-keys, ${ARN}, duration_seconds: 10`),
  role(`source: ops-keys, ${ARN}, duration_seconds: 99999999`),
  role(`source: dev, ${ARN}`),
  role(`source: ops-keys, ${ARN}, role_session_name: "{uid}"`),
  role(`source: ops-keys, ${ARN}, policy: "{"`),
  role(`source: ops-keys, ${ARN}, policy_arns: nothing`),
  role(`source: ops-keys, ${ARN}, tags: [a]`),
  role(`source: ops-keys, ${ARN}, transitive_tag_keys: [absent]`),
  role(`source: ops-keys, ${ARN}, external_id: "a b"`),
  role(`source: ops-keys, ${ARN}, unknown_field: 1`),
  role(`source: ops-keys, ${ARN}, __proto__: { guard: 1 }`),
  (config) => `${config}  "a:b": { source: ops-keys, ${ARN} }\n`,
  (config) => `${config}  "": { source: ops-keys, ${ARN} }\n`,
  (config) => `${config}  ${"x".repeat(200)}: { source: ops-keys, ${ARN} }\n`,
  (config) => `${config}  one: { source_role: two, ${ARN} }\n  two: { source_role: one, ${ARN} }\n`,
  (config) => `${config}  self: { source_role: self, ${ARN} }\n`,
  source("type: unknown"),
  source("type: sso"),
  source("type: sso, sso_start_url: 'http://evil.example', sso_region: eu-west-1"),
  source("type: process"),
  source("type: process, credential_process: relative/program"),
  source("type: web_identity"),
  source("type: keys, mfa_serial: 1"),
  source("type: keys, secret_access_key: x"),
  source("type: profile"),
  (config) => config.replace("sources:\n", "sources: []\nx:\n"),
  (config) => config.replace("roles:\n", "roles: text\nx:\n"),
  line("\t- tab"),
  line("roles: [unclosed"),
  line('x: "unclosed'),
  line("x: *nowhere"),
  line("x: &x [*x, *x]"),
  line("<<: { version: 1 }"),
  line("!!js/function 'x': 1"),
  line("--- \nversion: 1"),
  line("%YAML 9.9\n---"),
  line("x: !!binary aGk="),
  (config) => `${config}\u0000`,
  (config, pick) => config.slice(0, pick([1, 5, 20, 40])),
  (config) => `${config}${"#".repeat(1_200_000)}\n`,
  () => "",
  () => "[]\n",
  () => "null\n",
  () => "just text\n",
  (config, pick) => {
    const lines = config.split("\n");
    const at = pick(lines.map((_, index) => index).slice(0, -1));
    return [...lines.slice(0, at), `  }${lines[at] ?? ""}`, ...lines.slice(at + 1)].join("\n");
  },
];
