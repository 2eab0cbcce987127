import type { ControlServices } from "../control-services.js";
import { reachFunction, reachVia, yesToMade } from "../via.js";
import type { Handlers } from "./handler.js";

type Operations = "lambda-list" | "lambda-role" | "lambda-trust" | "lambda-code" | "lambda-code-part" | "deploy-role";

/** Deployed functions: the roles that their code gets here, and what keeps it from them. */
export function lambdaHandlers(services: ControlServices): Handlers<Operations> {
  const { functions, credentials } = services;
  return {
    "lambda-list": async ({ stack, ...request }, call) => {
      const via = await reachVia(request, services, call);
      return { ...(await functions.list(via, stack)), via: via.role.name, viaBy: via.by };
    },
    "lambda-role": async ({ mode, ...request }, call) => {
      const { via, functionText } = await reachFunction(request, services, call);
      const { role, context, roleArn, isImage, notes, change } = await functions.makeRole(via, functionText, mode);
      // As leases have it: with the guards of the config's roles that yield the same.
      const made = services.config.unnamedRole(role.name) ?? role;
      credentials.adopt(made);
      const roles = { role: role.name, via: via.role.name, viaBy: via.by, functionRoleArn: roleArn };
      const yes = yesToMade(made, via, services);
      return { ...roles, isImage, context, notes, ...(change !== undefined && { change }), ...yes };
    },
    "lambda-trust": async ({ action, seconds, ownSession, ...request }, call) => {
      const { via, functionText } = await reachFunction(request, services, call);
      const terms = { ...(seconds !== undefined && { seconds }), ...(ownSession && { ownSession }) };
      const trust = await functions.trust(via, functionText, { action, ...terms });
      return { ...trust, via: via.role.name, viaBy: via.by };
    },
    "lambda-code": async (request, call) => {
      const { via, functionText } = await reachFunction(request, services, call);
      return { ...(await functions.openCode(via, functionText)), via: via.role.name, viaBy: via.by };
    },
    "lambda-code-part": async ({ id, offset }) => {
      const part = await functions.readCode(id, offset);
      return { part: Buffer.from(part).toString("base64") };
    },
    "deploy-role": async ({ via, action, confirmation, ...wish }, call) =>
      functions.deployRole(await reachVia({ via, confirmation }, services, call), wish, action),
  };
}
