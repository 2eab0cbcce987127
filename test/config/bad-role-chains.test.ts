import { HEAD } from "./config-text.js";
import { describeRefusals, MARK, ROLE, roleOnly, roles } from "./refusals.js";

describeRefusals("role names and chains", [
  { it: "a role that is empty", text: `${HEAD}roles:\n  r: ${MARK}\n`, field: "roles.r", says: ["has no value"] },
  {
    it: "a role name that begins with a dot",
    text: roles(`  ".r": { source: k } ${MARK}`),
    field: 'roles.".r"',
    says: ["begins with a letter or digit"],
  },
  {
    it: "a role name that is a number",
    text: roles(`  2024: { source: k } ${MARK}`),
    field: "roles.2024",
    says: ['quote it: "2024"'],
  },
  {
    it: "neither source nor source_role",
    text: roles(`  r: { role_arn: "${ROLE}" } ${MARK}`),
    field: "roles.r",
    says: ["needs source", "source_role"],
  },
  {
    it: "both source and source_role",
    text: roles(`  a: { source: k }\n  r:\n    source: k\n    role_arn: ${ROLE}\n    source_role: a ${MARK}`),
    field: "roles.r.source_role",
    says: ["cannot stand beside source"],
  },
  {
    it: "an unknown source",
    text: roleOnly(`source: kk ${MARK}`),
    field: "roles.r.source",
    says: ['unknown source "kk"', 'did you mean "k"?'],
  },
  {
    it: "a source that is a role",
    text: roles(`  a: { source: k }\n  r: { source: a } ${MARK}`),
    field: "roles.r.source",
    says: ['"a" is a role', "write source_role"],
  },
  {
    it: "an unknown source_role",
    text: roles(`  dev: { source: k }\n  r: { source_role: dve, role_arn: "${ROLE}" } ${MARK}`),
    field: "roles.r.source_role",
    says: ['unknown role "dve"', 'did you mean "dev"?'],
  },
  {
    it: "a source_role that is a source",
    text: roles(`  r: { source_role: k, role_arn: "${ROLE}" } ${MARK}`),
    field: "roles.r.source_role",
    says: ['"k" is a source', "write source"],
  },
  {
    it: "a role chained from itself",
    text: roles(`  r: { source_role: r, role_arn: "${ROLE}" } ${MARK}`),
    field: "roles.r.source_role",
    says: ["r → r"],
  },
  {
    it: "a circle of two",
    text: roles(`  a: { source_role: b, role_arn: "${ROLE}" } ${MARK}\n  b: { source_role: a, role_arn: "${ROLE}" }`),
    field: "roles.a.source_role",
    says: ["a → b → a"],
  },
  {
    it: "a circle entered from outside",
    text: roles(
      `  x: { source_role: b, role_arn: "${ROLE}" }\n  b: { source_role: c, role_arn: "${ROLE}" } ${MARK}\n  c: { source_role: b, role_arn: "${ROLE}" }`,
    ),
    field: "roles.b.source_role",
    says: ["b → c → b"],
  },
  {
    it: "source_role without role_arn",
    text: roles(`  a: { source: k }\n  r: { source_role: a } ${MARK}`),
    field: "roles.r.role_arn",
    says: ["is required with source_role"],
  },
  {
    it: "a role of another partition than its source",
    text: roles(`  r: { source: m, role_arn: "arn:aws-cn:iam::222222222222:role/prod" } ${MARK}`),
    field: "roles.r.role_arn",
    says: ["is in aws-cn", "source m is in aws (by its mfa_serial)"],
  },
  {
    it: "two partitions on one source",
    text: roles(
      `  a: { source: k, role_arn: "${ROLE}" }\n  r: { source: k, role_arn: "arn:aws-us-gov:iam::222222222222:role/prod" } ${MARK}`,
    ),
    field: "roles.r.role_arn",
    says: ["is in aws-us-gov", "by role a"],
  },
  {
    it: "a chain that mixes partitions",
    text: roles(
      `  a: { source: k, role_arn: "${ROLE}" }\n  r: { source_role: a, role_arn: "arn:aws-cn:iam::222222222222:role/prod" } ${MARK}`,
    ),
    field: "roles.r.role_arn",
    says: ["is in aws-cn", "role a"],
  },
  {
    it: "more than an hour with MFA",
    text: roles(`  r: { source: m, role_arn: "${ROLE}", duration_seconds: 3601 } ${MARK}`),
    field: "roles.r.duration_seconds",
    says: ["at most 3600", "source m uses MFA"],
  },
  {
    it: "more than an hour in a chain",
    text: roles(
      `  a: { source: k, role_arn: "${ROLE}" }\n  r: { source_role: a, role_arn: "${ROLE}", duration_seconds: 7200 } ${MARK}`,
    ),
    field: "roles.r.duration_seconds",
    says: ["at most 3600", "chained from role a"],
  },
  {
    it: "a source identity that changes in a chain",
    text: roles(
      `  a: { source: k, role_arn: "${ROLE}", source_identity: me }\n  r: { source_role: a, role_arn: "${ROLE}", source_identity: you } ${MARK}`,
    ),
    field: "roles.r.source_identity",
    says: ["role a has set me"],
  },
  {
    it: "a transitive tag set again down the chain",
    text: roles(
      `  a: { source: k, role_arn: "${ROLE}", tags: { team: x }, transitive_tag_keys: [team] }\n  r: { source_role: a, role_arn: "${ROLE}", tags: { Team: y } } ${MARK}`,
    ),
    field: "roles.r.tags.Team",
    says: ["transitive tag of role a"],
  },
]);
