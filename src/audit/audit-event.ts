import type { AuditOutcome } from "../core/audit-line.js";
import type { BrokerErrorCode } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { Peer } from "../system/peer-identity.js";

/** Who sent a control request. All of it is what the sender said: control cannot see whose connection it is. */
export interface Caller {
  readonly pid?: number;
  /** It came from a page that `brokerctl ui` opened. */
  readonly isPage?: true;
  /** The browser's end of that page's connection, which is known and not claimed. */
  readonly peer?: Peer | undefined;
  /** The live lease whose token the sender's variables hold. */
  readonly lease?: Lease;
  /** Why what came as such a token names no lease. */
  readonly leaseProblem?: "malformed" | "LeaseUnknown" | "LeaseEnded" | "StoreUnavailable";
}

interface Common {
  readonly outcome: AuditOutcome;
  readonly code?: BrokerErrorCode | undefined;
  /** Of what was refused or failed: what its asker was told. */
  readonly error?: { readonly message: string; readonly hint?: string | undefined } | undefined;
  /** Its scope, where it is narrowed, is on the line too. */
  readonly lease?: Pick<Lease, "id" | "name" | "scope"> | undefined;
  readonly role?: string | null | undefined;
  readonly caller?: Caller | undefined;
  /** One sentence, without secrets. */
  readonly detail?: string | undefined;
}

/** A client at the endpoint. */
export interface ClientEvent extends Common {
  readonly event: "fetch" | "refused";
  /** The other end of the connection, where the system tells it; the same object for every request on it. */
  readonly peer?: Peer | undefined;
  /** When AWS ends what was served, epoch milliseconds. */
  readonly until?: number | undefined;
}

interface LeaseEvent extends Common {
  readonly event:
    | "use"
    | "lease-access"
    | "lease-created"
    | "lease-handed-over"
    | "lease-narrowed"
    | "lease-revoked"
    | "lease-rotated"
    | "lease-set"
    | "lease-ended";
  /** Epoch milliseconds: when it falls back, or ends. */
  readonly until?: number | null | undefined;
}

interface RoleEvent extends Common {
  readonly event:
    | "refresh"
    | "console"
    | "lambda-role"
    | "lambda-code"
    | "lambda-trust"
    | "task-role"
    | "task-trust"
    | "deploy-role";
}

interface SourceEvent extends Common {
  readonly event: "login" | "logout" | "keys-added" | "keys-imported" | "keys-rotated" | "keys-removed";
  readonly source?: string | undefined;
}

/** A person was told of a login: `detail` is what was said, `until` when that login ends. */
interface NoticeEvent extends Common {
  readonly event: "notice";
  readonly source: string;
  readonly until?: number | undefined;
}

/** Of the guard: a request, what was decided, and the end of what was granted. */
interface RequestEvent extends Common {
  readonly event: "request" | "approved" | "denied" | "released" | "grant-ended";
  /** Absent where a guard was answered without one. */
  readonly request?: string | undefined;
  readonly reason?: string | undefined;
  readonly until?: number | null | undefined;
}

interface DaemonEvent extends Common {
  readonly event:
    | "started"
    | "stop"
    | "stopped"
    | "lock"
    | "unlock"
    | "store-created"
    | "config-reload"
    | "config-changed"
    | "config-renamed"
    | "page-opened";
}

/** Everything that is on record; the log adds when it was and who asked. Beside these the log tells of itself. */
export type AuditEvent = ClientEvent | LeaseEvent | RoleEvent | SourceEvent | NoticeEvent | RequestEvent | DaemonEvent;
