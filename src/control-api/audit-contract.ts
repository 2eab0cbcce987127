import type { AuditReport, Holder, LastRefusal } from "../core/audit-views.js";
import type { LeaseSelector } from "../core/lease.js";
import type { LeaseView } from "./lease-contract.js";

/** What the audit log tells over the wire: a part of the contract (see contract.ts). Its lines are read from the files. */
export interface AuditOperations {
  /** Both logs, from their first line to their last, held against the hashes and the seal. */
  "audit-verify": [Record<string, never>, AuditReport];
  /** The leases that stand for a role now, and the programs that still hold credentials of it. */
  who: [
    { readonly role: string },
    { readonly role: string; readonly leases: readonly LeaseView[]; readonly holders: readonly Holder[] },
  ];
  /** The last refusal to a lease or to a process, the later of the two; from memory, which a start fills from the log. */
  why: [
    { readonly lease?: LeaseSelector; readonly pid?: number },
    {
      readonly refusal: LastRefusal | null;
      /** Why the lease that was asked for is none; its programs are refused with this. */
      readonly leaseProblem: "LeaseUnknown" | "LeaseEnded" | null;
    },
  ];
}
