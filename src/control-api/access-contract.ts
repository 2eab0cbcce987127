import type { BrokerErrorCode } from "../core/errors.js";
import type { LeaseKind } from "../core/lease.js";
import type { LeaseScope } from "../core/lease-scope.js";
import type { GuardView, RequestView } from "./guard-contract.js";
import type { LeaseView, WantedScope } from "./lease-contract.js";

/** What the holder of a lease asks about that lease and for it: a part of the contract (see contract.ts). */

/** An error, and what fixes it, as of any operation. */
export interface Refusal {
  readonly code: BrokerErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** What a lease has now. */
export interface OwnLeaseView {
  readonly label: string;
  readonly kind: LeaseKind;
  /** null: none chosen. */
  readonly role: string | null;
  readonly accountId: string | null;
  readonly roleArn: string | null;
  /** What narrows it; absent: nothing. */
  readonly scope?: LeaseScope;
  readonly expiresAt: number | null;
  /** When its role falls back to another one, and to which. */
  readonly temporary: LeaseView["temporary"];
  readonly grant: LeaseView["grant"];
  /** What it waits for. */
  readonly pending: RequestView | null;
  /** What the endpoint would refuse it now; null: as far as can be told without asking AWS, nothing. */
  readonly refusal: Refusal | null;
}

/** What would become of a request, by the rules of the config. */
export interface RequestPreview {
  readonly role: string;
  /** allow: granted at once. ask: a person decides. */
  readonly decision: "allow" | "ask" | "deny";
  /** One sentence. */
  readonly why: string;
  /** The longest grant; null: not told of a role that no rule names. */
  readonly maxSeconds: number | null;
  readonly guard: GuardView | null;
  /** Why it may not be asked just now, whatever the rules say. */
  readonly refusal: Refusal | null;
}

/** A role that may be requested. */
export interface RequestableRole extends Omit<RequestPreview, "refusal"> {
  /** Of a request for no more than reading. */
  readonly readOnly: RequestPreview["decision"];
  readonly accountId: string | null;
  readonly roleArn: string | null;
}

/**
 * `byRules`: for who is to know of no role but those that a rule of `requests:` names and does not deny: others are answered alike,
 * whether they exist or not.
 */
export interface AccessOperations {
  /** Of the caller's lease; of the default one where the caller's variables hold none. */
  "lease-own": [Record<string, never>, OwnLeaseView];
  "request-roles": [{ readonly byRules?: boolean }, { readonly roles: readonly RequestableRole[] }];
  /** Decides, and writes nothing. */
  "request-preview": [
    { readonly role: string; readonly scope?: WantedScope; readonly forSeconds?: number; readonly byRules?: boolean },
    RequestPreview,
  ];
  /** Of a request of the caller's lease, at once or when it is decided, after at most `waitSeconds`. */
  "request-status": [{ readonly id: string; readonly waitSeconds?: number }, RequestView];
  /**
   * The caller's lease gives back what a request gave it, or withdraws one that is pending. Without an id: the last such. `Conflict`:
   * there is none.
   */
  "request-release": [{ readonly id?: string }, RequestView];
}
