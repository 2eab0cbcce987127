import * as z from "zod";
import {
  accountIdField,
  externalIdField,
  nameField,
  policyArnField,
  regionField,
  roleArnField,
  secondsField,
  sourceIdentityField,
  ssoRoleNameField,
  tagKeyField,
  tagValueField,
} from "./field-rules.js";
import { guardSchema } from "./guard-schema.js";

const MAX_TAGS = 50;
const MAX_POLICY_ARNS = 10;

/** A role as the file has it; what depends on other entries is checked when it is resolved. */
export const roleSchema = z
  .strictObject({
    source: nameField.optional().describe("The source that signs; this or source_role"),
    source_role: nameField.optional().describe("The role to chain from; this or source"),
    role_arn: roleArnField
      .optional()
      .describe("ARN of the role to assume; without it the source's own session is served"),
    sso_account_id: accountIdField
      .optional()
      .describe(
        'On a source of type sso or aws_sso_cache, in place of role_arn: the account, in quotes: "111111111111"',
      ),
    sso_role_name: ssoRoleNameField
      .optional()
      .describe("On a source of type sso or aws_sso_cache, in place of role_arn: the permission set"),
    region: regionField
      .optional()
      .describe("AWS_REGION for clients of this role, and whose STS endpoint is called; default: defaults.region"),
    duration_seconds: secondsField({ min: 900, max: 43_200 })
      .optional()
      .describe(
        "How long the credentials last, 900 to 43200 seconds, default 3600; beyond 3600 only directly on a keys source without mfa_serial, or on a web_identity source",
      ),
    role_session_name: z
      .string()
      .optional()
      .describe(
        "Name of the session in CloudTrail; {user}, {host} and {role} are filled in, other characters than letters, digits and _+=,.@- become -, cut to 64; default credbroker-{user}",
      ),
    external_id: externalIdField.optional().describe("What the role's trust policy expects as sts:ExternalId"),
    source_identity: sourceIdentityField
      .optional()
      .describe("Who is behind the session; stays through a chain and cannot change in it"),
    tags: z
      .record(tagKeyField, tagValueField)
      .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `must have at most ${MAX_TAGS} tags`)
      .optional()
      .describe("Session tags"),
    transitive_tag_keys: z.array(tagKeyField).optional().describe("Keys of tags that stay through a chain"),
    policy: z
      .union([z.string(), z.record(z.string(), z.unknown())], { error: "must be a map or a JSON text" })
      .optional()
      .describe("Session policy, as a map or as JSON text: what the credentials may do at most"),
    policy_arns: z
      .array(policyArnField)
      .max(MAX_POLICY_ARNS, `must have at most ${MAX_POLICY_ARNS} ARNs`)
      .optional()
      .describe("Managed policies that limit the session, at most 10"),
    guard: guardSchema.optional().describe("What is asked of a person before anything gets this role"),
  })
  // for editors; link-roles says it in words
  .meta({
    description: "A role that credentials can be had for",
    oneOf: [{ required: ["source"] }, { required: ["source_role"] }],
  });

export type RoleEntry = z.infer<typeof roleSchema>;
