import type { ShellLease } from "../core/lease.js";

/** What `console` sends over the wire: a part of the contract (see contract.ts). */

/**
 * federated: the URL itself signs in, within 15 minutes, anyone who has it. portal: Identity Center's page, where the browser has to be signed in.
 * signed-in: the console's own page, for a browser in which `brokerctl login` was.
 */
export type ConsoleWay = "federated" | "portal" | "signed-in";

/** Whose console: a role's, or that of the role which a shell's lease stands for, as the lease has it. */
type ConsoleOf = { readonly role: string } | { readonly lease: ShellLease };

export interface ConsoleOperations {
  /** The one answer of control that a browser is signed in to AWS with. */
  console: [
    ConsoleOf & {
      readonly service?: string;
      readonly region?: string;
      /** Of the console session, where AWS takes it. */
      readonly forSeconds?: number;
      readonly confirmation?: string;
      /** Sign in by the URL also where a page for browsers that are signed in would do. */
      readonly federate?: boolean;
    },
    {
      readonly way: ConsoleWay;
      readonly url: string;
      readonly role: string;
      readonly accountId: string | null;
      readonly region: string;
      /** When the console session ends; null: the browser's own session decides. */
      readonly until: number | null;
    },
  ];
}
