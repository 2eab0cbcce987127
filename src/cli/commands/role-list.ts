import { defineCommand } from "../command.js";
import { rolesCommand } from "./roles.js";

/** `roles` by the name that goes with `role add`. */
export const roleListCommand = defineCommand({
  ...rolesCommand,
  name: "role list",
  examples: ["brokerctl role list", "brokerctl role list prod", "brokerctl role list --json"],
});
