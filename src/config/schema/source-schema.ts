import * as z from "zod";
import {
  absolutePathField,
  commandField,
  loginSessionField,
  mfaSerialField,
  profileField,
  regionField,
  scopeField,
  secondsField,
  ssoSessionField,
  startUrlField,
} from "./field-rules.js";

const region = regionField
  .optional()
  .describe("Region whose STS endpoint is called for this source and for its roles that name none");

/** `type: keys` as the file has it. */
export const keysSourceSchema = z
  .strictObject({
    type: z.literal("keys").describe("keys: a long-term access key, kept in the secret store (`brokerctl keys add`)"),
    mfa_serial: mfaSerialField
      .optional()
      .describe(
        "MFA device of the key's user (arn:aws:iam::ACCOUNT:mfa/NAME or a hardware serial number). With it, one GetSessionToken (`brokerctl login`) serves all roles of the source",
      ),
    mfa_process: commandField
      .optional()
      .describe(
        "With mfa_serial: a command that prints the 6-digit code, so that sessions renew by themselves; no shell runs",
      ),
    session_duration_seconds: secondsField({ min: 900, max: 129_600 })
      .optional()
      .describe("How long a GetSessionToken session lasts, 900 to 129600 seconds; default 43200"),
    region,
  })
  .describe("A long-term access key");

const ssoSourceSchema = z
  .strictObject({
    type: z.literal("sso").describe("sso: IAM Identity Center, logged in to with `brokerctl login`"),
    sso_start_url: startUrlField.describe("The access portal's URL, like https://corp.awsapps.com/start"),
    sso_region: regionField.describe("Region of the Identity Center instance"),
    sso_registration_scopes: z
      .array(scopeField)
      .min(1, "must name a scope, or be left out")
      .optional()
      .describe("Scopes asked for at the login; default [sso:account:access]"),
    region,
  })
  .describe("IAM Identity Center");

const consoleLoginSourceSchema = z
  .strictObject({
    type: z
      .literal("console_login")
      .describe(
        "console_login: the sign-in of the AWS console, as of `aws login`, logged in to with `brokerctl login`",
      ),
    login_session: loginSessionField
      .optional()
      .describe("ARN of the user or role that logs in, as in a profile of `aws login`: another one is refused"),
    region: regionField
      .optional()
      .describe("Region that is logged in to, and whose STS endpoint is called; default: defaults.region"),
  })
  .describe("The sign-in of the AWS console");

const webIdentitySourceSchema = z
  .strictObject({
    type: z
      .literal("web_identity")
      .describe("web_identity: a token in a file, with which roles are assumed (AssumeRoleWithWebIdentity)"),
    web_identity_token_file: absolutePathField.describe("Absolute path of the token file; read anew for each call"),
    region,
  })
  .describe("An OIDC token in a file");

const processSourceSchema = z
  .strictObject({
    type: z.literal("process").describe("process: a program that prints credentials as the AWS CLI expects them"),
    credential_process: commandField.describe(
      "The command, split into arguments as the AWS CLI splits it; no shell runs, so $ and ~ stay as they are",
    ),
    region,
  })
  .describe("A program that prints credentials");

const awsSsoCacheSourceSchema = z
  .strictObject({
    type: z.literal("aws_sso_cache").describe("aws_sso_cache: the login of `aws sso login`, read and never changed"),
    sso_session: ssoSessionField.optional().describe("Name of the [sso-session]; this or sso_start_url"),
    sso_start_url: startUrlField.optional().describe("Start URL of a profile without sso_session; this or sso_session"),
    sso_region: regionField.optional().describe("Region of the Identity Center instance; default: the login's own"),
    region,
  })
  // for editors; check-source says it in words
  .meta({
    description: "The login of the AWS CLI",
    oneOf: [{ required: ["sso_session"] }, { required: ["sso_start_url"] }],
  });

const profileSourceSchema = z
  .strictObject({
    type: z.literal("profile").describe("profile: a profile of ~/.aws/config, of any kind that the AWS SDK knows"),
    profile: profileField.describe("Name of the profile"),
    region,
  })
  .describe("A profile of the AWS files");

const instanceMetadataSourceSchema = z
  .strictObject({
    type: z.literal("instance_metadata").describe("instance_metadata: the role of the EC2 instance this runs on"),
    region,
  })
  .describe("The EC2 instance's role");

const containerSourceSchema = z
  .strictObject({
    type: z.literal("container").describe("container: the role of the ECS task or EKS pod this runs in"),
    region,
  })
  .describe("The container's role");

const SOURCE_SCHEMAS = [
  keysSourceSchema,
  ssoSourceSchema,
  consoleLoginSourceSchema,
  webIdentitySourceSchema,
  processSourceSchema,
  awsSsoCacheSourceSchema,
  profileSourceSchema,
  instanceMetadataSourceSchema,
  containerSourceSchema,
] as const;

/** A source as the file has it, by its `type`. */
export const sourceSchema = z.discriminatedUnion("type", SOURCE_SCHEMAS).describe("What signs the first hop to a role");

export type SourceEntry = z.infer<typeof sourceSchema>;
export type SourceType = SourceEntry["type"];

/** The fields of each type, in the order in which they are written. */
export const FIELDS_OF_SOURCE_TYPE: ReadonlyMap<string, readonly string[]> = new Map(
  SOURCE_SCHEMAS.map(({ shape }) => [shape.type.value, Object.keys(shape)]),
);
