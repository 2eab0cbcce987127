/**
 * Java, Ruby, PHP, C++ and JavaScript v2 give up on the endpoint after 1 s (docs/clients.md): the request is answered before,
 * ms, whatever it waits for: whose program asks, an edited config, AWS. It is one patience for all of them.
 */
export const CLIENT_PATIENCE_MS = 900;

/** What is left of a client's patience, ms. The wall clock may have been set meanwhile: never more than all, nor less than none. */
export function patienceLeft(waitedMs: number): number {
  return CLIENT_PATIENCE_MS - Math.min(Math.max(0, waitedMs), CLIENT_PATIENCE_MS);
}
