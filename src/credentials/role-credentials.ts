import type { HeldCredentials } from "../core/credentials.js";

/** What the endpoint needs of the credentials room. */
export interface RoleCredentials {
  /**
   * For a client: answers from memory, waits at most 900 ms for a fetch that is needed.
   * Rejects with the BrokerError the client should see (`CredentialsPending` while the fetch goes on).
   */
  retrieve(role: string): Promise<HeldCredentials>;
}
