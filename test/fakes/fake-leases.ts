import { BrokerError } from "../../src/core/errors.js";
import { hashLeaseToken, type Lease, newLeaseToken } from "../../src/core/lease.js";
import type { LeaseLookup } from "../../src/leases/lease-state.js";

/** Leases by token: live ones with a role, ended ones. */
export class FakeLeases implements LeaseLookup {
  readonly touched: string[] = [];
  readonly #live = new Map<string, Lease>();
  readonly #ended = new Set<string>();

  /** Makes a lease and gives its token. */
  add(role: string | null): string {
    const token = newLeaseToken().reveal();
    const id = `lease-${this.#live.size + this.#ended.size}`;
    const fields = { kind: "named", name: id, followsDefault: false, createdAt: 0, expiresAt: null } as const;
    this.#live.set(token, { ...fields, id, role, tokenHash: hashLeaseToken(token), lastUsedAt: null });
    return token;
  }

  end(token: string): void {
    this.#live.delete(token);
    this.#ended.add(token);
  }

  resolve(token: string): Lease {
    const lease = this.#live.get(token);
    if (lease) return lease;
    throw new BrokerError(this.#ended.has(token) ? "LeaseEnded" : "LeaseUnknown", "not a good token", {
      hint: "brokerctl env",
    });
  }

  roleOf(lease: Lease): string | null {
    return lease.role;
  }

  touch(lease: Lease): void {
    this.touched.push(lease.id);
  }
}
