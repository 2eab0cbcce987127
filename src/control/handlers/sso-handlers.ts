import { ssoSourceNamed } from "../running.js";
import type { ControlServices } from "../services.js";
import type { Handlers } from "./handler.js";

/** What a login to Identity Center can have, and the config's roles made of it. */
export function ssoHandlers(
  services: ControlServices,
): Handlers<"sso-accounts" | "sso-account-roles" | "sso-roles-plan"> {
  const { sso, config } = services;
  return {
    "sso-accounts": async ({ source }, { signal }) => {
      const accounts = await sso.listing.accounts(ssoSourceNamed(services, source), signal);
      return { accounts: accounts.map(({ accountId, accountName }) => ({ accountId, accountName })) };
    },
    "sso-account-roles": async ({ source, accountId }, { signal }) => {
      const roles = await sso.listing.roles(ssoSourceNamed(services, source), accountId, signal);
      return { roles: roles.map(({ roleName }) => roleName) };
    },
    "sso-roles-plan": async (request) => Promise.resolve(config.planSsoRoles(request)),
  };
}
