import { BrokerError } from "../core/errors.js";
import type { CliContext } from "./context.js";
import { withLogin } from "./login.js";

/**
 * For a lease whose role is not fetched now: whether a person must act first, without waiting for AWS. What only AWS can
 * say (denied, unreachable) is left to the endpoint.
 */
export async function ensureLoggedIn(context: CliContext, role: string): Promise<void> {
  await withLogin(context, role, async () => {
    const status = await context.client.call("status", {});
    const state = status.roles.find(({ name }) => name === role);
    if (state?.expiration !== null) return; // what is valid is served to its end
    const source = status.sources.find(({ name }) => name === state.source);
    const states: readonly (string | undefined)[] = [state.state, source?.state];
    const hint = `brokerctl login ${state.source}`;
    if (states.includes("mfa_required"))
      throw new BrokerError("MfaRequired", `${state.source} needs an MFA code`, { hint });
    if (states.includes("login_required"))
      throw new BrokerError("LoginRequired", `${state.source} needs a login`, { hint });
  });
}
