import type { ControlServices } from "../control-services.js";
import { configInForce, ssoSourceNamed } from "../named-entries.js";
import type { Handlers } from "./handler.js";

type Operations = "sso-accounts" | "sso-account-roles" | "sso-known-roles" | "sso-roles-plan";

/** What a login to Identity Center can have, and the config's roles made of it. */
export function ssoHandlers(services: ControlServices): Handlers<Operations> {
  const { sso, config } = services;
  return {
    "sso-accounts": async ({ source, maxAgeSeconds }, { signal }) => {
      const options = { signal, maxAgeMs: millisecondsOf(maxAgeSeconds) };
      const accounts = await sso.listing.accounts(ssoSourceNamed(services, source), options);
      return { accounts: accounts.map(({ accountId, accountName }) => ({ accountId, accountName })) };
    },
    "sso-account-roles": async ({ source, accountId, maxAgeSeconds }, { signal }) => {
      const options = { signal, maxAgeMs: millisecondsOf(maxAgeSeconds) };
      const roles = await sso.listing.roles(ssoSourceNamed(services, source), accountId, options);
      return { roles: roles.map(({ roleName }) => roleName) };
    },
    "sso-known-roles": async () => {
      const sources = [...configInForce(services).sources.values()].filter((source) => source.type === "sso");
      const roles = sources.flatMap((source) =>
        sso.listing.known(source).map((found) => ({ ...found, source: source.name })),
      );
      return Promise.resolve({ roles });
    },
    "sso-roles-plan": (request) => config.planSsoRoles(request),
  };
}

function millisecondsOf(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
