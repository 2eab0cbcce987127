import { BrokerError } from "../core/errors.js";
import type { LeaseSelector } from "../core/lease.js";
import type { ControlServices } from "./services.js";

/** The role a lease stands for now, or NoRole with the command that chooses one. */
export function roleOfLease({ leases }: ControlServices, selector: LeaseSelector): string {
  const role = leases.roleOf(leases.select(selector));
  if (role !== null) return role;
  throw new BrokerError("NoRole", "no role is chosen yet", { hint: "brokerctl use ROLE" });
}
