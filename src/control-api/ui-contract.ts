/** How a page is opened: a part of the contract (see contract.ts). What the page itself asks is in page-contract.ts. */

/** One thing that `doctor` found in the shell that opened the page. */
export interface PageFinding {
  readonly level: "error" | "warning" | "note";
  readonly title: string;
  /** A whole command; null: there is nothing to do about it. */
  readonly fix: string | null;
}

export interface UiOperations {
  /**
   * Opens the port for pages where it is not open, and answers a link for one tab of a browser: who has it first, within `expiresAt`,
   * is at the page. Refused to who holds a pinned or narrowed lease. `findings`: of `doctor`, for the page to show.
   */
  "ui-open": [{ readonly findings: readonly PageFinding[] }, { readonly url: string; readonly expiresAt: number }];
}
