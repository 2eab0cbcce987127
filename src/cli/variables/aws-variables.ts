import type { Environment } from "../context.js";
import { HOOK_VARIABLE } from "../hook-variable.js";
import { markForChild } from "../leases/lease-mark.js";

/**
 * Variables that SDKs look at before the container endpoint, or that would mix into its answer (sdk-contract §4).
 * The list of names is unset as a whole: what is not set now may be set by the next line of somebody's start file.
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

/** Ours: exactly one form of them is set at a time. */
const ENDPOINT_VARIABLES: readonly string[] = [
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

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

/** Those that are set and not empty: SDKs take an empty one as unset (sdk-contract §2.1). */
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

/** What a child inherits: `env` with the changes made, and for a shell's hook whose lease it is. */
export function applyChanges(env: Environment, { set, unset }: VariableChanges): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !unset.includes(name) && name !== HOOK_VARIABLE);
  return { ...Object.fromEntries(kept), ...set, ...markForChild(set) };
}
