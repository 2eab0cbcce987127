import type { LambdaMode, TrustAction, TrustReport } from "../core/deployed-function.js";
import type { FunctionContext } from "../core/function-context.js";

/** What `lambda` sends over the wire: a part of the contract (see contract.ts). */

/** A function, and the role whose credentials read it: `via` null is the config's `lambda.via`. */
export interface FunctionRequest {
  /** Name, `NAME:QUALIFIER`, partial ARN or ARN. */
  readonly function: string;
  readonly via: string | null;
  /** Of `guard-confirm`, where that role has a guard. */
  readonly confirmation?: string;
}

export interface LambdaOperations {
  /**
   * Reads the function and makes the role its code runs with, which no entry of the config names: leases take it by `role`.
   * UsageInvalid where no role is named to read it with; NotFound, AccessDenied, PolicyUnfit.
   */
  "lambda-role": [
    FunctionRequest & { readonly mode: LambdaMode },
    {
      /** `lambda:FUNCTION@VIA`, with `+session-policy` in that mode. */
      readonly role: string;
      readonly via: string;
      readonly functionRoleArn: string;
      readonly isImage: boolean;
      readonly context: FunctionContext;
      /** What the mode does not do as the deployed function does, one line each. */
      readonly notes: readonly string[];
      /** What is another than when the function was last read; leases on the role follow. */
      readonly change?: string;
      /** The yes to `via` is one to this role. */
      readonly confirmation?: string;
    },
  ];
  /**
   * What the function's role must say so that the caller may assume it. `apply` adds just that statement, `undo` removes just
   * that one; both answer `changed: false` where there was nothing to do.
   */
  "lambda-trust": [FunctionRequest & { readonly action: TrustAction }, TrustReport];
}
