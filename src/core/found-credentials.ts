import type { FoundCredentials } from "./credentials.js";
import { Secret } from "./secret.js";

/** Credentials as a program or library gave them: nothing of it is certain. */
export interface FoundFields {
  readonly accessKeyId: unknown;
  readonly secretAccessKey: unknown;
  /** Absent, null and empty: a long-term key. */
  readonly sessionToken?: unknown;
  /** Epoch milliseconds, or absent. */
  readonly expiration?: number | undefined;
  readonly accountId?: unknown;
}

/** Fit for a header, which is where they go next. */
const PRINTABLE = /^[\x21-\x7e]+$/;
const MAX_SECRET_LENGTH = 256;
/** Our answers must stay under 10,000 bytes (interface §3). */
const MAX_TOKEN_LENGTH = 8192;

/** Checks what was found; `problem` says what is wrong with it, without a word of what it was. */
export function checkFound(fields: FoundFields, now: number): FoundCredentials | { readonly problem: string } {
  const { accessKeyId, secretAccessKey, expiration, accountId } = fields;
  const sessionToken = fields.sessionToken ?? "";
  if (!isText(accessKeyId, 128) || !/^\w+$/.test(accessKeyId)) return { problem: "no AccessKeyId" };
  if (!isText(secretAccessKey, MAX_SECRET_LENGTH)) return { problem: "no SecretAccessKey" };
  if (sessionToken !== "" && !isText(sessionToken, MAX_TOKEN_LENGTH)) {
    return { problem: "a SessionToken that is no token, or too long for SDKs" };
  }
  if (expiration !== undefined && Number.isNaN(expiration)) return { problem: "an Expiration that is no time" };
  if (expiration !== undefined && expiration <= now) return { problem: "credentials that have expired" };
  return {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    ...(sessionToken === "" ? {} : { sessionToken: new Secret(sessionToken) }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(isText(accountId, 12) && /^\d{12}$/.test(accountId) ? { accountId } : {}),
  };
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value.length <= maxLength && PRINTABLE.test(value);
}
