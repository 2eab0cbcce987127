import type { Holder, LastUser } from "../core/audit-views.js";
import type { LeaseKind, LeaseSelector } from "../core/lease.js";
import type { LeaseScope } from "../core/lease-scope.js";

/** What leases send over the wire: a part of the contract (see contract.ts). */

export interface LeaseView {
  readonly id: string;
  readonly name: string | null;
  readonly kind: LeaseKind;
  readonly role: string | null;
  readonly followsDefault: boolean;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  /** null: the system did not tell which program it was, or it was long ago. */
  readonly lastUsedBy: LastUser | null;
  readonly holderPid: number | null;
  /** The unix socket that serves it and nothing else. */
  readonly socket: string | null;
  /** `use --for`: when the role falls back, and to which. */
  readonly temporary: {
    readonly until: number;
    readonly thenRole: string | null;
    /** What narrows it then, where that is another; null: nothing. */
    readonly thenScope?: LeaseScope | null;
  } | null;
  /** What narrows it; absent: nothing, or brokerd is older. */
  readonly scope?: LeaseScope;
  /** How, in calls of AWS; absent where the role is not known now. */
  readonly narrowedBy?: readonly string[];
  /** Whether `use` moves it. */
  readonly movable: boolean;
  /** What lets it have its role, where that takes a yes or was requested; null: nothing does, or need to. */
  readonly grant: { readonly until: number; readonly request: string | null } | null;
}

/** What a program needs to use the endpoint with a lease. */
export interface LeaseAccess {
  readonly lease: LeaseView;
  readonly token: string;
  /** `http://127.0.0.1:PORT/lease/TOKEN` */
  readonly leaseUrl: string;
  /** `http://127.0.0.1:PORT/creds`, for the header and token-file forms. */
  readonly credentialsUrl: string;
  /** Region of the lease's role, where it names one. */
  readonly region: string | null;
}

export interface RoleSummary {
  readonly role: string | null;
  readonly accountId: string | null;
  readonly roleArn: string | null;
  /** As advertised. */
  readonly expiration: number | null;
}

/** A lease that was moved, and the roles before and after. */
export interface MovedLease {
  readonly lease: LeaseView;
  readonly old: RoleSummary;
  readonly new: RoleSummary;
  /** Programs that still hold credentials of the old role, by this lease or one that follows it. */
  readonly holders: readonly Holder[];
}

/** A lease that was narrowed, and what it was before. */
export interface NarrowedLease {
  readonly lease: LeaseView;
  readonly old: { readonly scope: LeaseScope | null; readonly expiresAt: number | null };
  /** Leases that its programs made, and that were narrowed with it. */
  readonly made: readonly LeaseView[];
  /** Programs that hold credentials which they were given before, by any of these leases: AWS takes them until they end. */
  readonly holders: readonly Holder[];
}

/**
 * A scope as it is asked for: `policy` is any JSON text; `description` is the reason. Who asks with a lease that is narrowed gets what
 * that one has, narrowed further; wider is `ScopeRefused`.
 */
export type WantedScope = LeaseScope;

/** `confirmation`: of `guard-confirm`, where the role has a guard. */
export interface LeaseOperations {
  /** role `-`: the one this lease had before. */
  use: [
    {
      readonly lease: LeaseSelector;
      readonly role: string;
      readonly forSeconds?: number;
      readonly confirmation?: string;
    },
    MovedLease,
  ];
  /** A lease with a name of the user's gets another role and keeps it: what moves a pinned one. */
  "lease-set": [
    {
      readonly lease: LeaseSelector;
      readonly role: string;
      readonly forSeconds?: number;
      readonly confirmation?: string;
    },
    MovedLease,
  ];
  /**
   * A named lease, or one that ends with a process, has no more than this from now on: of its scope, and until then. `ScopeRefused` where
   * that would widen it; nothing but a request widens it again.
   */
  "lease-narrow": [
    { readonly lease: LeaseSelector; readonly scope?: WantedScope; readonly forSeconds?: number },
    NarrowedLease,
  ];
  /** The default lease, a named one, or the pinned one of a role (made when missing). */
  "lease-access": [
    (
      | { readonly lease: LeaseSelector; readonly confirmation?: string }
      | {
          readonly pinnedRole: string;
          readonly forSeconds?: number;
          readonly confirmation?: string;
          readonly scope?: WantedScope;
        }
    ),
    LeaseAccess,
  ];
  /**
   * A named lease (`lease create`): role null follows the default lease, any other one is kept unless it is `movable`. `socket`:
   * the absolute path of a unix socket that is to serve it too.
   */
  "lease-create": [
    {
      readonly name: string;
      readonly role: string | null;
      readonly forSeconds?: number;
      readonly movable?: boolean;
      readonly socket?: string;
      readonly confirmation?: string;
      readonly scope?: WantedScope;
    },
    LeaseAccess,
  ];
  /**
   * A lease that ends with a process: exec, shells, 60 s fetches. role null follows the default lease, or is made like the lease
   * with the token `like`: with its role, pin, scope, grants and end. Any other role is kept unless it is `movable`. `socket`: it is to be
   * served by a unix socket too, in a directory of ours; the answer says which.
   */
  "lease-child": [
    {
      readonly role: string | null;
      readonly pid: number;
      readonly forSeconds?: number;
      readonly movable?: boolean;
      readonly like?: string;
      readonly socket?: true;
      readonly confirmation?: string;
      readonly scope?: WantedScope;
    },
    LeaseAccess,
  ];
  /**
   * The CLI made the lease before its child existed: now the child holds it. `handedOver` is false where the child has ended
   * already: the lease stays with the CLI.
   */
  "lease-hand-over": [{ readonly id: string; readonly pid: number }, { readonly handedOver: boolean }];
  "lease-list": [Record<string, never>, { readonly leases: readonly LeaseView[] }];
  "lease-show": [{ readonly lease: LeaseSelector }, LeaseView];
  /** New token; the old one is refused at once. */
  "lease-rotate": [{ readonly lease: LeaseSelector; readonly confirmation?: string }, LeaseAccess];
  "lease-revoke": [{ readonly lease: LeaseSelector }, LeaseView & { readonly holders: readonly Holder[] }];
}
