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
/** Our answers must stay under 10,000 bytes (docs/clients.md). */
const MAX_TOKEN_LENGTH = 8192;

/** Checks what was found; `problem` says what is wrong with it, without quoting any of it. */
export function checkFound(fields: FoundFields, now: number): FoundCredentials | { readonly problem: string } {
  const problem = problemOf(fields, now);
  if (problem !== undefined) return { problem };
  const { expiration, accountId } = fields;
  const sessionToken = textOf(fields.sessionToken);
  return {
    accessKeyId: textOf(fields.accessKeyId),
    secretAccessKey: new Secret(textOf(fields.secretAccessKey)),
    ...(sessionToken === "" ? {} : { sessionToken: new Secret(sessionToken) }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(/^\d{12}$/.test(textOf(accountId)) ? { accountId: textOf(accountId) } : {}),
  };
}

function problemOf(fields: FoundFields, now: number): string | undefined {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = fields;
  if (!/^\w{1,128}$/.test(textOf(accessKeyId))) return "no AccessKeyId";
  if (!isPrintable(secretAccessKey, MAX_SECRET_LENGTH)) return "no SecretAccessKey";
  const hasToken = sessionToken !== undefined && sessionToken !== null && sessionToken !== "";
  if (hasToken && !isPrintable(sessionToken, MAX_TOKEN_LENGTH)) {
    return "a SessionToken that is no token, or too long for SDKs";
  }
  return expiration === undefined ? undefined : problemOfExpiration(expiration, now);
}

function problemOfExpiration(expiration: number, now: number): string | undefined {
  if (Number.isNaN(expiration)) return "an Expiration that is no time";
  return expiration <= now ? "credentials that have expired" : undefined;
}

function isPrintable(value: unknown, maxLength: number): boolean {
  return PRINTABLE.test(textOf(value)) && textOf(value).length <= maxLength;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
