import { BrokerError } from "../../core/errors.js";
import type { Command } from "../command.js";

/** Commands and flags of the interface that this version does not have: refused by name, never ignored. */
const LATER_COMMANDS: readonly string[] = ["console", "profiles", "doctor", "audit"];

const LATER_OPTIONS: readonly string[] = ["read-only", "policy", "policy-arn", "bind", "reason", "stage"];

export function refuseLaterCommand(name: string): void {
  if (!LATER_COMMANDS.includes(name)) return;
  throw new BrokerError("NotSupported", `the command ${name} is not in this version yet`, { hint: "brokerctl --help" });
}

export function refuseLaterOption(option: string, { name, laterOptions = [] }: Command): void {
  if (!LATER_OPTIONS.includes(option) && !laterOptions.includes(option)) return;
  throw new BrokerError("NotSupported", `the flag --${option} is not in this version yet`, {
    hint: `brokerctl ${name} --help`,
  });
}
