import { BrokerError } from "../../core/errors.js";
import type { Environment } from "../context.js";
import { CONFINED_VARIABLE } from "./environment.js";

/** Of an error that says that brokerd was not reached: in a sandbox of ours that is as it is meant, and nothing is to be started. */
export function explainUnreachable(error: BrokerError, env: Environment): BrokerError {
  if (!env[CONFINED_VARIABLE]) return error;
  return new BrokerError("DaemonUnreachable", "brokerd is out of reach for what `exec --confine` runs", {
    hint: "brokerctl status    # from a shell of your own",
    cause: error,
  });
}
