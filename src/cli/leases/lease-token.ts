import { LEASE_TOKEN_PATTERN } from "../../core/lease.js";

export const URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/** The token that `variables` give a program, in the URL or beside it; undefined: none of ours. */
export function tokenOf(variables: Readonly<Record<string, string | undefined>>): string | undefined {
  return tokenIn(variables[URI_VARIABLE]?.split("/lease/")[1]) ?? tokenIn(variables[TOKEN_VARIABLE]);
}

/** Only what has the shape of our tokens is ever taken, and sent, as one. */
export function tokenIn(text: string | undefined): string | undefined {
  const token = text?.replace(/^Bearer /, "");
  return token !== undefined && LEASE_TOKEN_PATTERN.test(token) ? token : undefined;
}
