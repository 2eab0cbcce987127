import * as z from "zod";
import { REGION_PATTERN } from "../../core/region.js";
import { NAME_PATTERN } from "../../core/role.js";
import { splitCommand } from "../../core/split-command.js";
import { PARTITIONS, partitionOfArn } from "../partition.js";
import { ACCOUNT_ID, SSO_ROLE_NAME } from "./name-patterns.js";

/**
 * Shapes of single values, shared by sources and roles. Messages read on after the field's path ("roles.x.region:
 * must be …"); limits are those of the STS API (model 2011-06-15).
 */

export const NAME_RULE =
  "must be a name of 1 to 128 letters, digits and . _ / @ + - that begins with a letter or digit (no colon)";

export const nameField = z.string().regex(NAME_PATTERN, NAME_RULE);

export const regionField = z.string().regex(REGION_PATTERN, "must be an AWS region like eu-west-1");

const ARN = `arn:(?:${PARTITIONS.join("|")})`;

const ROLE_ARN = new RegExp(String.raw`^${ARN}:iam::\d{12}:role\/(?:[\x21-\x7E]{1,510}\/)?[\w+=,.@-]{1,64}$`);

export const roleArnField = z.string().regex(ROLE_ARN, { error: (issue) => explainRoleArn(String(issue.input)) });

const POLICY_ARN = new RegExp(
  String.raw`^${ARN}:iam::(?:aws|\d{12}):policy\/(?:[\x21-\x7E]{1,512}\/)?[\w+=,.@-]{1,128}$`,
);

export const policyArnField = z.string().regex(POLICY_ARN, {
  error: (issue) =>
    explainPartition(String(issue.input)) ??
    "must be the ARN of a managed policy, like arn:aws:iam::aws:policy/ReadOnlyAccess",
});

/** A virtual device has an ARN, a hardware token its serial number; STS takes no security keys (IAM, "GetSessionToken"). */
const MFA_SERIAL = new RegExp(String.raw`^(?:${ARN}:iam::\d{12}:mfa\/[\w+=,.@/-]{1,226}|[\w+=,.@-]{9,256})$`);

export const mfaSerialField = z.string().regex(MFA_SERIAL, { error: (issue) => explainMfaSerial(String(issue.input)) });

export const externalIdField = z
  .string()
  .regex(/^[\w+=,.@:/-]{2,1224}$/, "must be 2 to 1224 letters, digits and _ + = , . @ : / -");

export const sourceIdentityField = z
  .string()
  .regex(/^[\w+=,.@-]{2,64}$/, "must be 2 to 64 letters, digits and _ + = , . @ -");

export const tagKeyField = z.string().regex(/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu, {
  error: "must be a tag key of 1 to 128 letters, digits, spaces and _ . : / = + - @ that does not begin with aws:",
});

export const tagValueField = z
  .string()
  .regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u, "must be at most 256 letters, digits, spaces and _ . : / = + - @");

export const accountIdField = z.string().regex(ACCOUNT_ID, "must be an account id of 12 digits");

export const ssoRoleNameField = z
  .string()
  .regex(SSO_ROLE_NAME, "must be the name of a permission set: 1 to 64 letters, digits and _ + = , . @ -");

/** Kept to the letter: the AWS CLI names its cache file by the hash of this text. */
export const startUrlField = z.string().regex(/^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[\x21-\x7E]*)?$/, {
  error: "must be an https URL like https://corp.awsapps.com/start",
});

/** Who is signed in to the console, as `aws login` writes it into a profile: a user, the root user, a role's session. */
export const loginSessionField = z
  .string()
  .regex(new RegExp(String.raw`^${ARN}:(?:iam|sts|signin)::\d{12}:[\x21-\x7E]{1,512}$`), {
    error: (issue) =>
      explainPartition(String(issue.input)) ?? "must be the ARN of who logs in, like arn:aws:iam::111111111111:user/me",
  });

/** RFC 6749 §3.3 */
export const scopeField = z
  .string()
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/, "must be a scope like sso:account:access");

export const ssoSessionField = z.string().regex(/^[^\p{Cc}\]]{1,128}$/u, "must be the name of an [sso-session]");

export const profileField = z.string().regex(/^[^\p{Cc}\]]{1,128}$/u, "must be the name of a profile");

export const absolutePathField = z
  .string()
  .regex(/^\/[^\p{Cc}]{1,4095}$/u, "must be an absolute path (~ and $ are not filled in)");

/** A program by absolute path or by name in PATH, and its arguments: a path relative to the working directory is refused, because the daemon's is not the user's. */
export const commandField = z
  .string()
  .max(8192, "must be at most 8192 characters")
  .superRefine((command, context) => {
    const problem = problemOfCommand(command);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  });

function problemOfCommand(command: string): string | undefined {
  if (/[\0\n\r]/.test(command)) return "must be one line";
  const split = splitCommand(command);
  if ("problem" in split) return `cannot be split into arguments: ${split.problem}`;
  const [program] = split.argv;
  if (program === undefined || program === "") return "must name a program";
  if (program.includes("/") && !program.startsWith("/")) {
    return `must name the program by its absolute path, or by its name in PATH (~ and $ are not filled in)`;
  }
  return undefined;
}

/** A whole number of seconds. */
export function secondsField({ min, max }: { min: number; max: number }): z.ZodInt {
  const error = `must be ${min} to ${max} seconds`;
  return z.int().min(min, error).max(max, error);
}

function explainRoleArn(arn: string): string {
  const example = "arn:aws:iam::ACCOUNT:role/NAME";
  if (/^arn:[\w-]+:sts:[^:]*:\d*:assumed-role\//.test(arn)) {
    return `must be the ARN of the role itself (${example})`;
  }
  const account = /^arn:[\w-]+:iam::([^:]*):role\//.exec(arn)?.[1];
  if (account !== undefined && !/^\d{12}$/.test(account)) return `must name an account of 12 digits: ${example}`;
  return explainPartition(arn) ?? `must be the ARN of a role: ${example}`;
}

function explainMfaSerial(serial: string): string {
  if (/^arn:[\w-]+:iam::\d{12}:(?:u2f|fido)/.test(serial)) {
    return "must be a device that shows codes (…:mfa/NAME): STS takes no security keys or passkeys";
  }
  return (
    explainPartition(serial) ??
    "must be the ARN of an MFA device (arn:aws:iam::ACCOUNT:mfa/NAME) or the serial number of a hardware token"
  );
}

/** undefined where the ARN's partition is not what is wrong with it. */
function explainPartition(arn: string): string | undefined {
  if (!arn.startsWith("arn:") || partitionOfArn(arn) !== undefined) return undefined;
  return `must be in a partition that AWS has: ${PARTITIONS.join(", ")}`;
}
