import { BrokerError } from "./errors.js";

/** A store that cannot be used, as the error that clients and commands get. */
export function storeProblem({
  state,
  message,
  hint,
}: {
  readonly state: "locked" | "absent" | "error";
  readonly message: string;
  readonly hint: string;
}): BrokerError {
  const codes = { locked: "StoreLocked", absent: "KeyMissing", error: "StoreUnavailable" } as const;
  return new BrokerError(codes[state], message, { hint });
}
