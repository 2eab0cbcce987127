import { BrokerError } from "./errors.js";

/** What the names of functions' roles begin with; `lambda:FUNCTION@VIA`, and no entry of the config is named so. */
export const LAMBDA_ROLE_PREFIX = "lambda:";

/** A role that is not known (any more). For a function's role the fix is a different command. */
export function unknownRole(name: string): BrokerError {
  if (!name.startsWith(LAMBDA_ROLE_PREFIX)) {
    return new BrokerError("RoleUnknown", `no role ${name} in the config`, { hint: "brokerctl roles" });
  }
  const [, functionText = "FUNCTION", via = "ROLE"] =
    /^lambda:(.*?)@(.*?)(?:\+session-policy|:assume)?$/.exec(name) ?? [];
  return new BrokerError("RoleUnknown", `role ${name} is not known, or role ${via} that it goes by is not (any more)`, {
    hint: `brokerctl lambda exec ${functionText} --via ROLE -- CMD    # and brokerctl roles`,
  });
}
