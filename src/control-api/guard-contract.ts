import type { AccessRequest } from "../core/access-request.js";
import type { Confirmation } from "../core/guard.js";
import type { LeaseSelector } from "../core/lease.js";
import type { WantedScope } from "./lease-contract.js";

/** What guards and requests say over the wire: a part of the contract (see contract.ts). */

export interface GuardView {
  /** null: no question is asked. */
  readonly confirm: Confirmation | null;
  readonly reason: boolean;
  readonly maxLeaseSeconds: number;
}

/** Who gets a role: a lease that there is, one that is to be made, the lease of a request. */
export type GuardTarget =
  | LeaseSelector
  | { readonly by: "new" }
  /** That of a shell which has none: the default one, which gets no guarded role unless it is named. */
  | { readonly by: "shell" }
  | { readonly by: "request"; readonly id: string };

/** What the person is asked, in parts that brokerd has made readable. */
export interface QuestionView {
  readonly role: string;
  readonly account: string | null;
  /** What narrows it, in words, and the text of a policy; absent: nothing. */
  readonly scope?: readonly string[];
  readonly asker: string;
  readonly reason: string | null;
  readonly seconds: number;
}

export type ConfirmAnswer =
  /** Nothing guards the role, or a yes that covers it is in force. */
  | { readonly guard: GuardView | null; readonly needs: null; readonly confirmation: null }
  /** To be asked by the CLI, which then calls again with the answer. */
  | { readonly guard: GuardView; readonly needs: "terminal" | "passphrase"; readonly question: QuestionView }
  /** A yes; the next operation takes the text. `until`: what is given by it ends then. */
  | { readonly guard: GuardView; readonly needs: null; readonly confirmation: string; readonly until: number };

/** A request as it is listed. */
export type RequestView = Omit<AccessRequest, "digest">;

export interface GuardOperations {
  /** Has a person asked as the role's guard wants it. Rejects with `GuardRefused`. */
  "guard-confirm": [
    {
      /** null: the role that `--via` has by default. */
      readonly role: string | null;
      readonly target: GuardTarget;
      /** Of what is to be made; a lease that there is, and a request, have their own. */
      readonly scope?: WantedScope;
      readonly forSeconds?: number;
      readonly reason?: string;
      /** The CLI has asked at the terminal, and the answer was yes. */
      readonly confirmed?: boolean;
      readonly passphrase?: string;
      /** No question is asked: for what other programs run. */
      readonly quiet?: boolean;
    },
    ConfirmAnswer,
  ];
  /** Asks for a role, or for what `scope` leaves of it, for the caller's lease. Rejects with `RequestDenied`, with `RequestPending` where it waits for another. */
  "request-create": [
    { readonly role: string; readonly reason: string; readonly forSeconds?: number; readonly scope?: WantedScope },
    RequestView,
  ];
  "request-list": [Record<string, never>, { readonly requests: readonly RequestView[] }];
  /** Answers when it is decided. */
  "request-wait": [{ readonly id: string }, RequestView];
  /** Gives the lease what was asked for, in place. `Conflict` where it is not pending, or not what was shown any more. */
  "request-approve": [
    { readonly id: string; readonly forSeconds?: number; readonly confirmation?: string },
    RequestView,
  ];
  /** Refuses it, or takes back what was given. */
  "request-deny": [{ readonly id: string }, RequestView];
}
