import type { Denial } from "../../core/denial.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import type { LeaseScope } from "../../core/lease-scope.js";

/** A refusal, and how the function ran. */
export interface RememberedDenial {
  readonly denial: Denial;
  readonly mode: LambdaMode;
  readonly scope: LeaseScope | undefined;
  /** As it was asked for; null: not named. */
  readonly via: string | null;
  /** As it was named. */
  readonly where: { readonly region?: string; readonly stack?: string };
}

/** More functions are not worked on at a time. */
const MAX_FUNCTIONS = 100;

/** What the last run of each function was refused: in memory alone, until brokerd ends. Neither events nor log lines are kept. */
export class LastDenials {
  readonly #byFunction = new Map<string, RememberedDenial>();

  /** `functionText`: as the user typed it. */
  keep(functionText: string, remembered: RememberedDenial): void {
    this.#byFunction.delete(functionText);
    this.#byFunction.set(functionText, remembered);
    const [oldest] = this.#byFunction.keys();
    if (this.#byFunction.size > MAX_FUNCTIONS && oldest !== undefined) this.#byFunction.delete(oldest);
  }

  of(functionText: string): RememberedDenial | undefined {
    return this.#byFunction.get(functionText);
  }
}
