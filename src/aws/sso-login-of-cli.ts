import type { RoleCredentials, SSOClient } from "@aws-sdk/client-sso";
import type { FromSSOInit } from "@aws-sdk/credential-provider-sso";
import { BrokerError } from "../core/errors.js";

export interface LoginOfCli {
  readonly cacheKey: string;
  readonly accountId: string;
  readonly roleName: string;
  readonly region: string;
}

/**
 * GetRoleCredentials by the SDK's provider, over our client. Without `ssoSession` it only reads the file, which is named by
 * the SHA-1 of `ssoStartUrl`: for a session that is the session's name. With `ssoSession` it would renew the login and
 * rewrite the file, which spends the AWS CLI's refresh token. Rejects with the portal's own error, which the provider would
 * turn into a text, and with LoginRequired where it asked for nothing.
 */
export async function askWithLoginOfCli(
  client: SSOClient,
  { cacheKey, accountId, roleName, region }: LoginOfCli,
): Promise<RoleCredentials | undefined> {
  const { fromSSO } = await import("@aws-sdk/credential-provider-sso");
  const seen: { refusal?: { readonly error: unknown }; isAnswered: boolean } = { isAnswered: false };
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const result = await next(args);
        seen.isAnswered = true;
        return result;
      } catch (error) {
        seen.refusal = { error };
        throw error;
      }
    },
    { step: "initialize", priority: "high", name: "keepAnswer" },
  );
  const explicit = { ssoStartUrl: cacheKey, ssoAccountId: accountId, ssoRoleName: roleName, ssoRegion: region };
  try {
    // The provider's types know its own copy of the client only; it calls `send`, which is the same in both.
    const ssoClient = client as unknown as NonNullable<FromSSOInit["ssoClient"]>;
    const { expiration, ...keys } = await fromSSO({ ...explicit, ssoClient })();
    return { ...keys, ...(expiration && { expiration: expiration.getTime() }) };
  } catch (error) {
    if (seen.refusal) throw seen.refusal.error;
    if (seen.isAnswered) return undefined;
    throw new BrokerError("LoginRequired", "the AWS CLI's cache holds no login that can be used", { cause: error });
  }
}
