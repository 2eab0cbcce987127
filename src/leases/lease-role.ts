import { type Lease, roleFields } from "../core/lease.js";

/** A `use`: null means none chosen for the default lease, and to follow the default lease for every other. */
export interface RoleChoice {
  readonly role: string | null;
  /** Epoch milliseconds at which the lease falls back to what it had; null: never. */
  readonly until?: number | null | undefined;
}

/** The lease after a `use`, given as it stands now. */
export function withRole(lease: Lease, { role, until }: RoleChoice): Lease {
  const { temporary, ...rest } = lease;
  // Stacked `--for`s fall back to what stood before the first: nobody chose the ones between for good.
  const thenRole = temporary ? temporary.thenRole : lease.role;
  return {
    ...rest,
    ...roleFields(lease, role),
    // Choosing the same role twice must not lose the way back.
    ...(role === lease.role ? {} : { previousRole: lease.role }),
    ...(typeof until !== "number" ? {} : { temporary: { until, thenRole } }),
  };
}
