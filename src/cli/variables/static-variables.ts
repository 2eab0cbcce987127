import type { EndpointCredentials } from "./fetch-credentials.js";
import { regionVariables } from "./lease-variables.js";

/** Temporary keys themselves, for programs that know nothing else: they end, and nothing renews them. */
export function staticVariables(credentials: EndpointCredentials, region: string | null): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey.reveal(),
    AWS_SESSION_TOKEN: credentials.sessionToken.reveal(),
    AWS_CREDENTIAL_EXPIRATION: credentials.expiration,
    ...(credentials.accountId !== undefined && { AWS_ACCOUNT_ID: credentials.accountId }),
    ...regionVariables(region),
  };
}
