import { HEAD } from "./config-text.js";
import { describeRefusals, MARK, ROLE, source } from "./refusals.js";

describeRefusals("sources", [
  {
    it: "a source without type",
    text: `${HEAD}sources:\n  k: {} ${MARK}\n`,
    field: "sources.k.type",
    says: ["is required"],
  },
  {
    it: "a source that is a text",
    text: `${HEAD}sources:\n  k: keys ${MARK}\n`,
    field: "sources.k",
    says: ["must be a map"],
  },
  { it: "a source that is empty", text: `${HEAD}sources:\n  k: ${MARK}\n`, field: "sources.k", says: ["has no value"] },
  {
    it: "a misspelt type",
    text: `${HEAD}sources:\n  k: { type: key } ${MARK}\n`,
    field: "sources.k.type",
    says: ['not "key"', 'did you mean "keys"?'],
  },
  {
    it: "a type that does not exist",
    text: `${HEAD}sources:\n  k: { type: ldap } ${MARK}\n`,
    field: "sources.k.type",
    says: [
      "keys, sso, console_login, web_identity, process, aws_sso_cache, profile, instance_metadata, container",
      'not "ldap"',
    ],
  },
  {
    it: "a misspelt type of several words",
    text: `${HEAD}sources:\n  k: { type: web-identity } ${MARK}\n`,
    field: "sources.k.type",
    says: ['did you mean "web_identity"?'],
  },
  {
    it: "a source name with a colon",
    text: `${HEAD}sources:\n  "a:b": { type: keys } ${MARK}\n`,
    field: 'sources."a:b"',
    says: ["no colon"],
  },
  {
    it: "a source name that is too long",
    text: `${HEAD}sources:\n  ${"n".repeat(129)}: { type: keys } ${MARK}\n`,
    field: `sources.${"n".repeat(129)}`,
    says: ["1 to 128"],
  },
  {
    it: "a misspelt source key",
    text: source(`mfa_seriel: x ${MARK}`),
    field: "sources.k.mfa_seriel",
    says: ['did you mean "mfa_serial"?'],
  },
  {
    it: "a role's key in a source",
    text: source(`role_arn: ${ROLE} ${MARK}`),
    field: "sources.k.role_arn",
    says: ["does not belong here but in a role"],
  },
  {
    it: "an MFA device of no shape",
    text: source(`mfa_serial: "my phone" ${MARK}`),
    field: "sources.k.mfa_serial",
    says: ["ARN of an MFA device", 'not "my phone"'],
  },
  {
    it: "a security key as MFA device",
    text: source(`mfa_serial: arn:aws:iam::111111111111:u2f/user/me ${MARK}`),
    field: "sources.k.mfa_serial",
    says: ["no security keys"],
  },
  {
    it: "an MFA device of a partition that AWS does not have",
    text: source(`mfa_serial: arn:aws-moon:iam::111111111111:mfa/me ${MARK}`),
    field: "sources.k.mfa_serial",
    says: ["aws, aws-cn, aws-eusc, aws-iso,"],
  },
  {
    it: "a hardware token without quotes",
    text: source(`mfa_serial: 0123456789 ${MARK}`),
    field: "sources.k.mfa_serial",
    says: ['quote it ("0123456789")'],
  },
  {
    it: "a session too short",
    text: source(`session_duration_seconds: 899 ${MARK}`),
    field: "sources.k.session_duration_seconds",
    says: ["900 to 129600", "not 899"],
  },
  {
    it: "a session too long",
    text: source(`session_duration_seconds: 129601 ${MARK}`),
    field: "sources.k.session_duration_seconds",
    says: ["900 to 129600", "not 129601"],
  },
  {
    it: "a source region of no shape",
    text: source(`region: eu_west_1 ${MARK}`),
    field: "sources.k.region",
    says: ['not "eu_west_1"'],
  },
  {
    it: "a source region of another partition than its MFA device",
    text: source(`mfa_serial: arn:aws:iam::111111111111:mfa/me\nregion: cn-north-1 ${MARK}`),
    field: "sources.k.region",
    says: ["cn-north-1 is in aws-cn", "by its mfa_serial"],
  },
]);
