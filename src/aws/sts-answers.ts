import type { Credentials } from "../core/credentials.js";
import { Secret } from "../core/secret.js";
import type { CallerIdentity } from "./sts.js";
import { matches, unusableAnswer } from "./unreachable.js";

/** What the SDK parsed: nothing of it is certain. */
export interface CredentialsAnswer {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
  readonly Expiration?: Date | undefined;
}

export interface CredentialsContext {
  readonly host: string;
  /** AWS's clock minus ours, milliseconds. */
  readonly clockSkewMs: number;
  readonly now: number;
  /** What was asked for. */
  readonly durationSeconds: number;
}

/** Fit for a header, which is where they go next. */
const PRINTABLE = /^[\x21-\x7e]+$/;
/** STS promises no size; our answers must stay under 10,000 bytes (docs/clients.md). */
const MAX_TOKEN_LENGTH = 8192;

/** Complete, alive credentials with `expiration` in our clock, or an error: clients must never get less. */
export function checkedCredentials(answer: CredentialsAnswer | undefined, context: CredentialsContext): Credentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer ?? {};
  const { now, durationSeconds, clockSkewMs } = context;
  const refuse = (what: string): Error => unusableAnswer("the request for credentials", context.host, what);
  if (!matches(AccessKeyId, /^\w{1,128}$/)) throw refuse("no AccessKeyId");
  if (!matches(SecretAccessKey, PRINTABLE)) throw refuse("no SecretAccessKey");
  if (!matches(SessionToken, PRINTABLE)) throw refuse("no SessionToken");
  if (SessionToken.length > MAX_TOKEN_LENGTH) throw refuse("a SessionToken that is too long for SDKs");
  const expiration = (Expiration?.getTime() ?? Number.NaN) - clockSkewMs;
  if (Number.isNaN(expiration)) throw refuse("no Expiration");
  if (expiration <= now) throw refuse("an Expiration that has passed");
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: new Secret(SecretAccessKey),
    sessionToken: new Secret(SessionToken),
    // AWS gives what was asked for, or refuses: a later end is a mistake that we would serve for as long.
    expiration: Math.min(expiration, now + durationSeconds * 1000),
  };
}

/** Credentials of another role or account would be served under this one's name. */
export function checkedAssumedRoleArn(
  arn: unknown,
  roleArn: string,
  host: string,
): { readonly arn: string; readonly accountId: string } {
  const refuse = (what: string): Error => unusableAnswer("AssumeRole", host, what);
  const parts = isText(arn) ? /^arn:[\w-]+:sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(arn) : null;
  const [found, accountId, role] = parts ?? [];
  if (found === undefined || accountId === undefined || role === undefined) throw refuse("no ARN of an assumed role");
  const isAsked =
    accountId === roleArn.split(":")[4] && role.toLowerCase() === roleArn.split("/").at(-1)?.toLowerCase();
  if (!isAsked) throw refuse(`it is for role ${role} of account ${accountId}, not for ${roleArn}`);
  return { arn: found, accountId };
}

export function checkedIdentity(
  answer: { readonly Account?: unknown; readonly Arn?: unknown; readonly UserId?: unknown },
  host: string,
): CallerIdentity {
  const { Account: account, Arn: arn, UserId: userId } = answer;
  if (!isText(account) || !/^\d{12}$/.test(account)) throw unusableAnswer("GetCallerIdentity", host, "no Account");
  if (!isText(arn) || !arn.startsWith("arn:")) throw unusableAnswer("GetCallerIdentity", host, "no Arn");
  if (!isText(userId)) throw unusableAnswer("GetCallerIdentity", host, "no UserId");
  return { account, arn, userId };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
