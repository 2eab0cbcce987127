import type { StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { sourceOfAdHoc, withLogin } from "./login.js";

/**
 * For a lease whose role is not fetched now: whether a person must act first, without waiting for AWS. What only AWS can
 * say (denied, unreachable) is left to the endpoint.
 */
export async function ensureLoggedIn(context: CliContext, role: string): Promise<void> {
  await withLogin(context, role, async () => {
    const missing = missingLogin(await context.client.call("status", {}), role);
    if (missing) throw missing;
  });
}

function missingLogin({ roles, sources }: StatusView, role: string): BrokerError | undefined {
  const state = roles.find(({ name }) => name === role);
  if (typeof state?.expiration === "number") return undefined; // what is valid is served to its end
  const name = state?.source ?? sourceOfAdHoc(role) ?? "";
  const source = sources.find((candidate) => candidate.name === name);
  const states: readonly (string | undefined)[] = [state?.state, source?.state];
  const hint = `brokerctl login ${name}`;
  if (states.includes("mfa_required")) return new BrokerError("MfaRequired", `${name} needs an MFA code`, { hint });
  if (states.includes("login_required")) return new BrokerError("LoginRequired", `${name} needs a login`, { hint });
  return undefined;
}
