import type { LeaseAccess } from "../../control-api/contract.js";

/** `--as`: how a program learns of its credentials (interface §4). */
export const FORMS = ["url", "header", "token-file", "static"] as const;
export type Form = (typeof FORMS)[number];
/** The forms that name the endpoint and not the keys themselves. */
export type LeaseForm = Exclude<Form, "static">;

/** The variables that point a program to the lease. Writes the token's file for `token-file`. */
export async function leaseVariables(
  access: LeaseAccess,
  form: LeaseForm,
  stateDir: string,
): Promise<Record<string, string>> {
  if (form === "url") return { AWS_CONTAINER_CREDENTIALS_FULL_URI: access.leaseUrl, ...regionVariables(access.region) };
  return {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: access.credentialsUrl,
    // With a file too: SDKs differ in which of the two they prefer, and some read only one (sdk-contract §5).
    AWS_CONTAINER_AUTHORIZATION_TOKEN: access.token,
    ...(form === "token-file" && { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await tokenFile(access, stateDir) }),
    ...regionVariables(access.region),
  };
}

export function regionVariables(region: string | null): Record<string, string> {
  return region === null ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region };
}

async function tokenFile(access: LeaseAccess, stateDir: string): Promise<string> {
  const { writeTokenFile } = await import("./token-file.js");
  return writeTokenFile(access, stateDir);
}
