import { LEASE_TOKEN_PATTERN } from "../../core/lease.js";

export const URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
export const TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/** Only what has the shape of our tokens is ever taken, and sent, as one. */
export function tokenIn(text: string | undefined): string | undefined {
  const token = text?.replace(/^Bearer /, "");
  return token !== undefined && LEASE_TOKEN_PATTERN.test(token) ? token : undefined;
}
