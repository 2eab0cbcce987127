import type { ControlClient } from "../../control-api/client.js";
import type { ControlRequest, StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";

/** The part of the status that is asked for; all of it of a brokerd of before parts, which runs until it is restarted. */
export async function statusPart(
  client: Pick<ControlClient, "call">,
  wanted: ControlRequest<"status">,
  options: { readonly timeoutMs?: number } = {},
): Promise<StatusView> {
  try {
    return await client.call("status", wanted, options);
  } catch (error) {
    const isOlder = error instanceof BrokerError && error.code === "UsageInvalid";
    if (isOlder) return client.call("status", {}, options);
    throw error;
  }
}
