import { BrokerError } from "../../src/core/errors.js";
import type { RoleCondition } from "../../src/core/guard.js";
import { hashLeaseToken, type Lease, newLeaseToken } from "../../src/core/lease.js";
import type { LeaseLookup } from "../../src/leases/lease-state.js";

/** Leases by token: live ones with a role, ended ones. */
export class FakeLeases implements LeaseLookup {
  readonly touched: string[] = [];
  readonly #live = new Map<string, Lease>();
  readonly #ended = new Set<string>();
  readonly #granted = new Set<string>();

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

  find(tokenHash: string): Lease | undefined {
    return [...this.#live.values()].find((lease) => lease.tokenHash === tokenHash);
  }

  byId(id: string): Lease {
    const lease = [...this.#live.values()].find((one) => one.id === id);
    if (lease) return lease;
    throw new BrokerError("LeaseEnded", `lease ${id} has ended`, { hint: "brokerctl lease list" });
  }

  roleOf(lease: Lease): string | null {
    return lease.role;
  }

  requireGrant(lease: Lease, role: RoleCondition): void {
    if (this.mayHave(lease, role)) return;
    const hint = `brokerctl lease set ${lease.id} ${role.name}`;
    throw new BrokerError("GuardRefused", `role ${role.name} is guarded`, { hint });
  }

  mayHave(lease: Lease, { guarded }: RoleCondition): boolean {
    return !guarded || this.#granted.has(lease.id);
  }

  /** The lease may have guarded roles from now on, or no longer. */
  grant(token: string, isGranted: boolean): void {
    const { id } = this.resolve(token);
    if (isGranted) this.#granted.add(id);
    else this.#granted.delete(id);
  }

  touch(lease: Lease): void {
    this.touched.push(lease.id);
  }
}
