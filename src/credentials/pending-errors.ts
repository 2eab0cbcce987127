import { BrokerError } from "../core/errors.js";

export function stillFetched(role: string): BrokerError {
  return new BrokerError("CredentialsPending", `credentials for role ${role} are still being fetched`, {
    hint: "brokerctl status",
  });
}

export function droppedMeanwhile(role: string): BrokerError {
  const message = `credentials for role ${role} were dropped while they were being fetched`;
  return new BrokerError("CredentialsPending", message);
}
