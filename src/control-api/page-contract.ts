import type { AuditLine } from "../core/audit-line.js";
import type { Holder } from "../core/audit-views.js";
import type { ControlError, ControlOperations, ControlRequest, ControlResponse } from "./contract.js";
import type { RequestView } from "./guard-contract.js";
import type { LeaseView, MovedLease, WantedScope } from "./lease-contract.js";
import type { PageFinding } from "./ui-contract.js";

/**
 * What the page that `brokerctl ui` opens asks brokerd, on a port of its own: a part of the operations of control, with the
 * same schemas and the same lines on record. No answer and no event has a lease's token or URL, a credential, a key, or a URL
 * that signs in to the console.
 *
 *     GET  /                                                       the page and its files
 *     POST /session         credbroker-link: LINKSECRET            -> PageSession; once
 *     POST /api/OPERATION   credbroker-page: SECRET, JSON          -> the answer, or PageFailure with the status of control's
 *     GET  /events          credbroker-page: SECRET                -> PageEvent, one a line, as long as the page is open
 */
export const LINK_HEADER = "credbroker-link";
export const PAGE_HEADER = "credbroker-page";
export const SESSION_PATH = "/session";
export const EVENTS_PATH = "/events";
export const API_PREFIX = "/api/";

export interface PageSession {
  /** Of this tab, for `PAGE_HEADER`; it ends with the port. */
  readonly secret: string;
}

export interface PageFindings {
  /** When they were found, epoch milliseconds. */
  readonly at: number;
  readonly findings: readonly PageFinding[];
}

/**
 * `RequestRefused` with 403: not, or no longer, a page of this brokerd: `brokerctl ui` opens a new one. 503 `CredentialsPending`:
 * to be asked again.
 */
export interface PageFailure {
  readonly error: ControlError;
}

export type PageEvent =
  /** Something that `status`, `request-list` or `page-holders` tells may be another; at once when the stream opens. */
  | { readonly type: "changed" }
  /** As `audit --json` prints them, in their order on record. */
  | { readonly type: "audit"; readonly lines: readonly AuditLine[] }
  /** Every 15 s. */
  | { readonly type: "ping" }
  /** The last one: brokerd ends, or starts anew. A stream that ends without it is to be opened again. */
  | { readonly type: "end" };

/** A lease, by what a page may know of it. */
export type PageLease =
  | { readonly by: "default" }
  | { readonly by: "name"; readonly name: string }
  | { readonly by: "id"; readonly id: string };

/** Of a role with a guard: brokerd asks for its yes while the call waits, up to 90 s; the reason is shown there, and on record. */
interface Guarded {
  readonly reason?: string;
}

interface PageMove extends Guarded {
  readonly lease: PageLease;
  /** `-`: the one that the lease had before; of `use`. */
  readonly role: string;
  readonly forSeconds?: number;
}

/** Those that are for the page as they are for the command line. */
type Same =
  | "status"
  | "login-choices"
  | "login-start"
  | "login-wait"
  | "login-code"
  | "login-mfa"
  | "logout"
  | "request-list"
  | "request-deny"
  | "refresh"
  | "warm"
  | "who"
  | "lock";

/** operation → [request, response] */
export interface PageOperations extends Pick<ControlOperations, Same> {
  /** brokerd asks for a passphrase, or the keychain does, in a window of its own. */
  unlock: [Record<string, never>, ControlResponse<"unlock">];
  use: [PageMove, MovedLease];
  /** Of a lease with a name of the user's. */
  "lease-set": [PageMove, MovedLease];
  /** How programs get it: `brokerctl env --lease NAME`. */
  "lease-create": [
    Guarded & {
      readonly name: string;
      readonly role: string | null;
      readonly forSeconds?: number;
      readonly movable?: boolean;
      readonly scope?: WantedScope;
    },
    { readonly lease: LeaseView },
  ];
  "lease-narrow": [
    { readonly lease: PageLease; readonly scope?: WantedScope; readonly forSeconds?: number },
    ControlResponse<"lease-narrow">,
  ];
  "lease-revoke": [{ readonly lease: PageLease }, ControlResponse<"lease-revoke">];
  "lease-show": [{ readonly lease: PageLease }, LeaseView];
  "request-approve": [Omit<ControlRequest<"request-approve">, "confirmation">, RequestView];
  /** Who still holds credentials of what, until when: of all roles and leases, the latest end first. */
  "page-holders": [Record<string, never>, { readonly holders: readonly Holder[] }];
  /** The newest lines of both logs, the oldest first. */
  "page-audit": [{ readonly limit?: number }, { readonly lines: readonly AuditLine[] }];
  /** Of the `doctor` that the `brokerctl ui` ran which opened this page. */
  "page-findings": [Record<string, never>, PageFindings];
}

export type PageOperation = keyof PageOperations;
export type PageRequest<O extends PageOperation> = PageOperations[O][0];
export type PageResponse<O extends PageOperation> = PageOperations[O][1];
