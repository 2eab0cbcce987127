import { BrokerError } from "../../core/errors.js";
import { LAMBDA_ROLE_PREFIX } from "../../core/unknown-role.js";
import type { Via } from "../../lambda/via.js";
import { roleNamed, runningConfig } from "../named-entries.js";
import type { ControlServices } from "../services.js";
import type { ControlCall, Handlers } from "./handler.js";

/** Deployed functions: the roles that their code gets here, and what keeps it from them. */
export function lambdaHandlers(services: ControlServices): Handlers<"lambda-role" | "lambda-trust"> {
  const { functions, credentials } = services;
  return {
    "lambda-role": async ({ function: functionText, via: named, mode }, call) => {
      const via = await viaOf(named, services, call);
      const { role, context, roleArn, isImage, notes, change } = await functions.makeRole(via, functionText, mode);
      credentials.adopt(role);
      const roles = { role: role.name, via: via.role.name, functionRoleArn: roleArn };
      return { ...roles, isImage, context, notes, ...(change !== undefined && { change }) };
    },
    "lambda-trust": async ({ function: functionText, via: named, action }, call) =>
      functions.trust(await viaOf(named, services, call), functionText, action),
  };
}

/** The role that reads functions, and its credentials: what is missing fails here, as with `warm`. */
async function viaOf(named: string | null, services: ControlServices, { signal }: ControlCall): Promise<Via> {
  const name = named ?? runningConfig(services).lambdaVia ?? noVia(services);
  if (name.startsWith(LAMBDA_ROLE_PREFIX)) {
    throw new BrokerError("UsageInvalid", `${name} is the role of a function: no other function is reached by it`, {
      hint: "brokerctl roles",
    });
  }
  const role = await roleNamed(services, name, signal);
  const { credentials } = await services.credentials.warm(role.name, signal);
  return { role, signer: credentials };
}

const MAX_SHOWN = 20;

function noVia(services: ControlServices): never {
  const leftOut = services.config.whyLeftOut("setting", "lambda.via");
  if (leftOut) throw leftOut;
  const names = [...runningConfig(services).roles.keys()];
  const shown = names.length > MAX_SHOWN ? [...names.slice(0, MAX_SHOWN), "…"] : names;
  const choices = names.length === 0 ? "the config has no roles yet" : `the config has ${shown.join(", ")}`;
  throw new BrokerError("UsageInvalid", `which role reads the function and assumes its role is not said: ${choices}`, {
    hint: `--via ${names[0] ?? "ROLE"}, or for good in the config: lambda: { via: ${names[0] ?? "ROLE"} }    # brokerctl config edit`,
  });
}
