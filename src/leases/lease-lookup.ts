import type { Lease } from "../core/lease.js";

/** What the endpoint needs of the leases room. */
export interface LeaseLookup {
  /** Looks a token up by its hash; rejects nothing silently: throws `LeaseUnknown` or `LeaseEnded`. */
  resolve(token: string): Lease;
  /** The role a lease stands for now: its own, or the default lease's while it follows; null: none chosen. */
  roleOf(lease: Lease): string | null;
  /** Remembers that the lease was used now. */
  touch(lease: Lease): void;
}
