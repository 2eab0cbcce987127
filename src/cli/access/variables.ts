import { LEASE_TOKEN_PATTERN } from "../../core/lease.js";
import type { Environment } from "../context.js";

/** Set by the hook for the programs that the shell starts: `SHELL:VERSION`, of the hook. */
export const HOOK_VARIABLE = "CREDBROKER_HOOK";

/**
 * Variables that SDKs look at before the container endpoint, or that would mix into its answer (docs/clients.md).
 * The list of names is unset as a whole: what is not set now may be set by the next line of the user's start file.
 */
const COMPETING_VARIABLES: readonly string[] = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_SECURITY_TOKEN",
  "AWS_CREDENTIAL_EXPIRATION",
  "AWS_ACCESS_KEY",
  "AWS_SECRET_KEY",
  "AMAZON_ACCESS_KEY_ID",
  "AMAZON_SECRET_ACCESS_KEY",
  "AMAZON_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_ROLE_ARN",
  "AWS_ROLE_SESSION_NAME",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CREDENTIAL_FILE",
  "AWS_CREDENTIAL_PROFILES_FILE",
  "AWS_ACCOUNT_ID",
];

/** The URL of a lease, or of the endpoint beside one of the two below. */
export const URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
export const TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
export const TOKEN_FILE_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
export const RELATIVE_URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/** Ours: exactly one form of them is set at a time. */
const ENDPOINT_VARIABLES: readonly string[] = [URI_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE];

/** Serverless Framework: `AWS_PROD_PROFILE`, `AWS_PROD_ACCESS_KEY_ID`, … win over everything for that stage. */
const STAGE_PATTERN = /^AWS_.+_(?:PROFILE|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/;

/** Names of Serverless's stage variables that are set in `env`. */
function stageVariables(env: Environment): readonly string[] {
  return Object.keys(env).filter((name) => STAGE_PATTERN.test(name) && !COMPETING_VARIABLES.includes(name));
}

/** What by itself makes some SDK look elsewhere; the other competing ones only accompany these. */
export const SHADOWING_VARIABLES: readonly string[] = [
  "AWS_ACCESS_KEY_ID",
  "AWS_ACCESS_KEY",
  "AMAZON_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/** Those that are set and not empty: SDKs take an empty one as unset. */
export function shadowingVariables(env: Environment): readonly string[] {
  return [...SHADOWING_VARIABLES, ...stageVariables(env)].filter((name) => Boolean(env[name]));
}

/** Variables to set and to unset, for a shell to evaluate or a child to inherit. */
export interface VariableChanges {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/** `set` as it is; everything that competes with it, and every other form of ours, unset. */
export function changesFor(set: Readonly<Record<string, string>>, env: Environment): VariableChanges {
  const names = [...COMPETING_VARIABLES, ...ENDPOINT_VARIABLES, ...stageVariables(env)];
  return { set, unset: names.filter((name) => !Object.hasOwn(set, name)) };
}

/** None, where the role has no region. */
export function regionVariables(region: string | null): Record<string, string> {
  return region === null ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region };
}

const REGION_VARIABLES = ["AWS_REGION", "AWS_DEFAULT_REGION"] as const;

/**
 * `variables` without those that the environment has already. Of the two for the region, clients read one or the other (botocore the
 * second, the other SDKs the first): what the environment says in one of them holds for both.
 */
export function unlessSet(
  variables: Readonly<Record<string, string>>,
  env: Environment,
): Readonly<Record<string, string>> {
  const region = REGION_VARIABLES.map((name) => env[name]).find(Boolean);
  const regions = region === undefined ? [] : REGION_VARIABLES.map((name) => [name, region] as const);
  const all = { ...variables, ...Object.fromEntries(regions) };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !env[name]));
}

/** The token that `variables` give a program, in the URL or beside it; undefined: none of ours. */
export function tokenOf(variables: Readonly<Record<string, string | undefined>>): string | undefined {
  return tokenIn(variables[URI_VARIABLE]?.split("/lease/")[1]) ?? tokenIn(variables[TOKEN_VARIABLE]);
}

/** Only what has the shape of our tokens is ever taken, and sent, as one. */
export function tokenIn(text: string | undefined): string | undefined {
  const token = text?.replace(/^Bearer /, "");
  return token !== undefined && LEASE_TOKEN_PATTERN.test(token) ? token : undefined;
}
