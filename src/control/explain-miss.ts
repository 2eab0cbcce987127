import { BrokerError, type BrokerErrorCode } from "../core/errors.js";
import type { ControlServices } from "./control-services.js";

const MISSES: readonly BrokerErrorCode[] = ["RoleUnknown", "SourceUnknown"];

/** "No such role" would be false where the role is in an edited file that is not in force. */
export function explainMiss(error: unknown, { config }: Pick<ControlServices, "config">): unknown {
  const problem = config.editProblem();
  if (!problem || !(error instanceof BrokerError) || !MISSES.includes(error.code)) return error;
  const message = `${error.message}; ${config.path} changed on disk and is not in force: ${problem.message}`;
  return new BrokerError("ConfigInvalid", message, { hint: "brokerctl config edit, then do it again", cause: error });
}
