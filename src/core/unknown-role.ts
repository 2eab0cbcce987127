import { BrokerError } from "./errors.js";

/** `lambda:FUNCTION@VIA`, `task:FAMILY@VIA`: no entry of the config is named so. */
const PREFIXES = ["lambda:", "task:"];
const DEPLOYED_ROLE = /^(lambda|task):(.*?)@(.*?)(?:\+session-policy|:assume)?$/;

/** Whether it is the role of a function or a task that is deployed, and no entry of the config. */
export function isDeployedRole(name: string): boolean {
  return PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** The role that the role of what is deployed goes by; undefined: none of those has this name. */
export function viaOfDeployedRole(name: string): string | undefined {
  return DEPLOYED_ROLE.exec(name)?.[3];
}

/** Of a lease that has none and follows none. */
export function noRole(): BrokerError {
  return new BrokerError("NoRole", "no role is chosen for this lease", { hint: "brokerctl use ROLE" });
}

/** A role that is not known (any more). For the role of what is deployed the fix is a different command. */
export function unknownRole(name: string): BrokerError {
  if (!isDeployedRole(name)) {
    return new BrokerError("RoleUnknown", `no role ${name} in the config`, { hint: "brokerctl roles" });
  }
  const [, kind = "lambda", deployed = "FUNCTION", via = "ROLE"] = DEPLOYED_ROLE.exec(name) ?? [];
  return new BrokerError("RoleUnknown", `role ${name} is not known, or role ${via} that it goes by is not (any more)`, {
    hint: `brokerctl ${kind} exec ${deployed} --via ROLE -- CMD    # and brokerctl roles`,
  });
}
