import { HEAD } from "./config-text.js";
import { describeRefusals, MARK, ROLE, source } from "./refusals.js";

/** A config with one source `s` of these fields. */
const of = (fields: string): string => `${HEAD}sources:\n  s:\n${fields.replaceAll(/^(?=.)/gm, "    ")}`;
const SSO = "type: sso\nsso_start_url: https://corp.awsapps.com/start\nsso_region: eu-west-1\n";
const CACHE = "type: aws_sso_cache\n";

/** A config with one role `r` on a source `s` of this type, and these fields a line each. */
const roleOf = (type: string, fields: string): string => {
  const [text = ""] = [SOURCES[type]];
  return `${HEAD}sources:\n  s: { type: ${type}${text} }\nroles:\n  r:\n    source: s\n${fields.replaceAll(/^(?=.)/gm, "    ")}`;
};
const SOURCES: Readonly<Record<string, string>> = {
  keys: "",
  sso: ", sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1",
  web_identity: ", web_identity_token_file: /var/run/token",
  process: ", credential_process: creds",
  aws_sso_cache: ", sso_session: corp",
  profile: ", profile: old",
  instance_metadata: "",
  container: "",
};
const PERMISSION_SET = 'sso_account_id: "111111111111"\nsso_role_name: Developer\n';

describeRefusals("sources of every kind", [
  ...["sso_start_url", "sso_region"].map((field) => ({
    it: `an sso source without ${field}`,
    text: of(SSO.replace(new RegExp(`${field}.*\n`), "")).replace("  s:", `  s: ${MARK}`),
    field: `sources.s.${field}`,
    says: ["is required"],
  })),
  ...["http://corp.awsapps.com/start", "corp", "https://me@corp/start", "https://corp/st art"].map((url) => ({
    it: `the start URL ${url}`,
    text: of(SSO.replace(/url: .*/, `url: "${url}" ${MARK}`)),
    field: "sources.s.sso_start_url",
    says: ["must be an https URL"],
  })),
  {
    it: "a scope with a blank",
    text: of(`${SSO}sso_registration_scopes: [sso:account:access, "a b"] ${MARK}`),
    field: "sources.s.sso_registration_scopes[1]",
    says: ["must be a scope"],
  },
  {
    it: "no scope at all",
    text: of(`${SSO}sso_registration_scopes: [] ${MARK}`),
    field: "sources.s.sso_registration_scopes",
    says: ["must name a scope"],
  },
  {
    it: "another kind's field",
    text: of(`${SSO}sso_session: corp ${MARK}`),
    field: "sources.s.sso_session",
    says: ["belongs to sources of type aws_sso_cache, not sso"],
  },
  {
    it: "a relative token file",
    text: of(`type: web_identity\nweb_identity_token_file: ~/token ${MARK}`),
    field: "sources.s.web_identity_token_file",
    says: ["absolute path", '"~/token"'],
  },
  ...(
    [
      ["creds 'open", "a ' is never closed"],
      ["creds \\\\", "ends in a backslash"],
      ["./creds --json", "absolute path"],
      ["~/bin/creds", "absolute path"],
      ["", "must name a program"],
      ["''", "must name a program"],
      ["creds\\nrm", "must be one line"],
    ] as const
  ).map(([command, says]) => ({
    it: `the command ${command}`,
    text: of(`type: process\ncredential_process: "${command}" ${MARK}`),
    field: "sources.s.credential_process",
    says: [says],
  })),
  {
    it: "mfa_process without mfa_serial",
    text: source(`mfa_process: ykman oath ${MARK}`),
    field: "sources.k.mfa_process",
    says: ["needs mfa_serial"],
  },
  {
    it: "an AWS SSO cache without a session",
    text: of(CACHE).replace("  s:", `  s: ${MARK}`),
    field: "sources.s",
    says: ["needs sso_session", "or sso_start_url"],
  },
  {
    it: "an AWS SSO cache with two sessions",
    text: of(`${CACHE}sso_session: corp\nsso_start_url: https://corp.awsapps.com/start ${MARK}`),
    field: "sources.s.sso_start_url",
    says: ["cannot stand beside sso_session"],
  },
  {
    it: "a profile source without its profile",
    text: of("type: profile").replace("  s:", `  s: ${MARK}`),
    field: "sources.s.profile",
    says: ["is required"],
  },
  {
    it: "a region of another partition than the portal's",
    text: of(`${SSO}region: cn-north-1 ${MARK}`),
    field: "sources.s.region",
    says: ["cn-north-1 is in aws-cn", "by its sso_region"],
  },
]);

describeRefusals("roles on sources of every kind", [
  ...["sso", "aws_sso_cache"].flatMap((type) => [
    ...["sso_account_id", "sso_role_name"].map((field) => ({
      it: `a role on ${type} without ${field}`,
      text: roleOf(type, PERMISSION_SET.replace(new RegExp(`${field}.*\n`), "")).replace("  r:", `  r: ${MARK}`),
      field: `roles.r.${field}`,
      says: [`is required on a source of type ${type}`],
    })),
    {
      it: `a role_arn on ${type}`,
      text: roleOf(type, `${PERMISSION_SET}role_arn: ${ROLE} ${MARK}`),
      field: "roles.r.role_arn",
      says: [`cannot stand on a source of type ${type}`, "source_role"],
    },
    ...["duration_seconds: 900", "role_session_name: me", "tags: { a: b }", "policy_arns: []"].map((field) => ({
      it: `${field} on ${type}`,
      text: roleOf(type, `${PERMISSION_SET}${field} ${MARK}`),
      field: `roles.r.${field.split(":")[0] ?? ""}`,
      says: ["has no effect", "the permission set decides"],
    })),
  ]),
  ...Object.keys(SOURCES)
    .filter((type) => !type.includes("sso"))
    .map((type) => ({
      it: `a permission set on ${type}`,
      text: roleOf(type, `role_arn: ${ROLE}\nsso_role_name: Developer ${MARK}`),
      field: "roles.r.sso_role_name",
      says: ["belongs to roles on a source of type sso or aws_sso_cache"],
    })),
  {
    it: "a permission set in a chain",
    text: `${roleOf("sso", PERMISSION_SET)}  c:\n    source_role: r\n    role_arn: ${ROLE}\n    sso_role_name: Developer ${MARK}\n`,
    field: "roles.c.sso_role_name",
    says: ["belongs to roles on a source of type sso or aws_sso_cache"],
  },
  {
    it: "an account without quotes",
    text: roleOf("sso", `sso_account_id: 111111111111 ${MARK}\nsso_role_name: Developer\n`),
    field: "roles.r.sso_account_id",
    says: ['quote it: "111111111111"'],
  },
  {
    it: "an account that YAML reads as another number",
    text: roleOf("sso", `sso_account_id: 012345678901 ${MARK}\nsso_role_name: Developer\n`),
    field: "roles.r.sso_account_id",
    says: ['quote it ("012345678901")'],
  },
  {
    it: "an account of 11 digits",
    text: roleOf("sso", `sso_account_id: "11111111111" ${MARK}\nsso_role_name: Developer\n`),
    field: "roles.r.sso_account_id",
    says: ["12 digits"],
  },
  {
    it: "a web identity without a role",
    text: roleOf("web_identity", "region: eu-west-1").replace("  r:", `  r: ${MARK}`),
    field: "roles.r.role_arn",
    says: ["is required on a source of type web_identity"],
  },
  ...["external_id: abc", "source_identity: me", "tags: { a: b }"].map((field) => ({
    it: `${field} with a web identity`,
    text: roleOf("web_identity", `role_arn: ${ROLE}\n${field} ${MARK}`),
    field: `roles.r.${field.split(":")[0] ?? ""}`,
    says: ["AssumeRoleWithWebIdentity has no such parameter"],
  })),
  ...["process", "profile", "instance_metadata", "container"].flatMap((type) => [
    {
      it: `more than an hour on ${type}`,
      text: roleOf(type, `role_arn: ${ROLE}\nduration_seconds: 3601 ${MARK}`),
      field: "roles.r.duration_seconds",
      says: ["at most 3600, not 3601", `source s is of type ${type}`],
    },
    {
      it: `a session name without role_arn on ${type}`,
      text: roleOf(type, `role_session_name: me ${MARK}`),
      field: "roles.r.role_session_name",
      says: ["needs role_arn"],
    },
  ]),
]);
