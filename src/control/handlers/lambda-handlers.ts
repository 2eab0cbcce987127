import { BrokerError } from "../../core/errors.js";
import { grantDigest } from "../../core/guard.js";
import type { Role } from "../../core/role.js";
import { LAMBDA_ROLE_PREFIX } from "../../core/unknown-role.js";
import type { Via } from "../../lambda/via.js";
import type { ControlServices } from "../control-services.js";
import { admit } from "../guard.js";
import { adoptRoleNamed, configInForce } from "../named-entries.js";
import type { ControlCall, Handlers } from "./handler.js";

/** Deployed functions: the roles that their code gets here, and what keeps it from them. */
export function lambdaHandlers(services: ControlServices): Handlers<"lambda-role" | "lambda-trust"> {
  const { functions, credentials } = services;
  return {
    "lambda-role": async ({ function: functionText, via: named, mode, confirmation }, call) => {
      const via = await viaOf({ named, confirmation }, services, call);
      const { role, context, roleArn, isImage, notes, change } = await functions.makeRole(via, functionText, mode);
      // As leases have it: with the guards of the config's roles that yield the same.
      const made = services.config.unnamedRole(role.name) ?? role;
      credentials.adopt(made);
      const roles = { role: role.name, via: via.role.name, functionRoleArn: roleArn };
      const yes = yesTo(made, via, services);
      return { ...roles, isImage, context, notes, ...(change !== undefined && { change }), ...yes };
    },
    "lambda-trust": async ({ function: functionText, via: named, action, confirmation }, call) =>
      functions.trust(await viaOf({ named, confirmation }, services, call), functionText, action),
  };
}

/** The role that reads functions, and its credentials: what is missing fails here, as with `warm`. */
async function viaOf(
  { named, confirmation }: { readonly named: string | null; readonly confirmation: string | undefined },
  services: ControlServices,
  { signal, caller }: ControlCall,
): Promise<Via & { readonly until: number | null }> {
  const name = named ?? configInForce(services).lambdaVia ?? noVia(services);
  if (name.startsWith(LAMBDA_ROLE_PREFIX)) {
    throw new BrokerError("UsageInvalid", `${name} is the role of a function: no other function is reached by it`, {
      hint: "brokerctl roles",
    });
  }
  const role = await adoptRoleNamed(services, name, signal);
  const { until } = admit(services, role, { target: "new", caller, confirmation });
  const { credentials } = await services.credentials.warm(role.name, signal);
  return { role, signer: credentials, until };
}

/** Where nothing else guards the function's role, the yes to via is one to what comes of it. */
function yesTo(
  made: Role,
  { role, until }: Via & { readonly until: number | null },
  { confirmations }: ControlServices,
): { readonly confirmation?: string } {
  if (!made.guard || until === null || JSON.stringify(made.guard) !== JSON.stringify(role.guard)) return {};
  return { confirmation: confirmations.keep({ role: made.name, digest: grantDigest(made), target: "new", until }) };
}

const MAX_SHOWN = 20;

function noVia(services: ControlServices): never {
  const leftOut = services.config.whyLeftOut("setting", "lambda.via");
  if (leftOut) throw leftOut;
  const names = [...configInForce(services).roles.keys()];
  const shown = names.length > MAX_SHOWN ? [...names.slice(0, MAX_SHOWN), "…"] : names;
  const choices = names.length === 0 ? "the config has no roles yet" : `the config has ${shown.join(", ")}`;
  throw new BrokerError("UsageInvalid", `which role reads the function and assumes its role is not said: ${choices}`, {
    hint: `--via ${names[0] ?? "ROLE"}, or for good in the config: lambda: { via: ${names[0] ?? "ROLE"} }    # brokerctl config edit`,
  });
}
