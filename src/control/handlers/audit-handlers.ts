import type { ControlRequest, ControlResponse } from "../../control-api/contract.js";
import type { Holder } from "../../core/audit-views.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { Lease, LeaseSelector } from "../../core/lease.js";
import type { ControlServices } from "../control-services.js";
import { adoptRoleNamed } from "../named-entries.js";
import { leaseView } from "../views.js";
import type { Handlers } from "./handler.js";

/** What is on record: whether the log is whole, who holds what. */
export function auditHandlers(services: ControlServices): Handlers<"audit-verify" | "who" | "why"> {
  const { audit, leases, clock } = services;
  const holdersOf = (role: string): readonly Holder[] => audit.holders.find({ role }, clock.now());
  return {
    "audit-verify": async () => audit.verify(),
    who: async ({ role: named }, { signal }) => {
      const role = await nameOf(named, signal);
      const standing = leases.list().filter((lease) => leases.roleOf(lease) === role);
      return { role, leases: standing.map((lease) => leaseView(lease, services)), holders: holdersOf(role) };
    },
    why: (request) => Promise.resolve(lastRefusal(request)),
  };

  function lastRefusal({ lease: selector, pid }: ControlRequest<"why">): ControlResponse<"why"> {
    const lease = selector && selected(selector);
    const isLease = typeof lease === "object";
    const refusal = audit.refusals.find({ lease: isLease ? lease.id : undefined, pid }) ?? null;
    return { refusal, leaseProblem: isLease ? null : (lease ?? null) };
  }

  function selected(selector: LeaseSelector): Lease | "LeaseUnknown" | "LeaseEnded" {
    try {
      return leases.select(selector);
    } catch (error) {
      const { code } = toBrokerError(error);
      if (code === "LeaseUnknown" || code === "LeaseEnded") return code;
      throw error;
    }
  }

  /** Of a role that the config names no more there may be holders still. */
  async function nameOf(named: string, signal: AbortSignal): Promise<string> {
    try {
      return (await adoptRoleNamed(services, named, signal)).name;
    } catch (error) {
      const isGone = error instanceof BrokerError && error.code === "RoleUnknown";
      if (isGone && holdersOf(named).length > 0) return named;
      throw error;
    }
  }
}
