import type { ControlServices } from "../control-services.js";
import { reachVia, yesToMade } from "../via.js";
import type { Handlers } from "./handler.js";

/** Deployed tasks of ECS: the roles that their code gets here, and what keeps it from them. */
export function taskHandlers(services: ControlServices): Handlers<"task-role" | "task-trust"> {
  const { tasks, credentials } = services;
  return {
    "task-role": async ({ task, container, ...request }, call) => {
      const via = await reachVia(request, services, call);
      const { role, context, roleArn, change } = await tasks.makeRole(via, task, container);
      // As leases have it: with the guards of the config's roles that yield the same.
      const made = services.config.unnamedRole(role.name) ?? role;
      credentials.adopt(made);
      const roles = { role: role.name, via: via.role.name, viaBy: via.by, taskRoleArn: roleArn };
      return { ...roles, context, ...(change !== undefined && { change }), ...yesToMade(made, via, services) };
    },
    "task-trust": async ({ task, action, seconds, ownSession, ...request }, call) => {
      const via = await reachVia(request, services, call);
      const terms = { ...(seconds !== undefined && { seconds }), ...(ownSession && { ownSession }) };
      return { ...(await tasks.trust(via, task, { action, ...terms })), via: via.role.name, viaBy: via.by };
    },
  };
}
