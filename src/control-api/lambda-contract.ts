import type { Denial } from "../core/denial.js";
import type { DenialReport } from "../core/denial-report.js";
import type { DeployRole, DeployRoleWish } from "../core/deploy-role.js";
import type {
  FunctionList,
  FunctionPackage,
  LambdaMode,
  TrustAction,
  TrustReport,
  TrustTerms,
} from "../core/deployed-function.js";
import type { FunctionContext } from "../core/function-context.js";
import type { WantedScope } from "./lease-contract.js";

/** What `lambda` sends over the wire: a part of the contract (see contract.ts). */

/** How the role that reads was found: by its name, by `lambda.via`, or as that of the caller's lease, else of the default one. */
export type ViaChoice = "named" | "config" | "current";

/** A function, and the role whose credentials read it: `via` null is `lambda.via` of the config, else the caller's current role. */
export interface FunctionRequest {
  /** Name, `NAME:QUALIFIER`, partial ARN or ARN. */
  readonly function: string;
  readonly via: string | null;
  /** Where it is looked for; absent: where its ARN says, else in the region of `via`. */
  readonly region?: string;
  /** Name of a CloudFormation stack: `function` is then a logical id of its template (`:QUALIFIER`). */
  readonly stack?: string;
  /** Of `guard-confirm`, where that role has a guard. */
  readonly confirmation?: string;
}

export interface LambdaOperations {
  /** What can be named: all functions of the account in the region, or those of `stack`. */
  "lambda-list": [
    Omit<FunctionRequest, "function">,
    FunctionList & { readonly via: string; readonly viaBy: ViaChoice },
  ];
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
      readonly viaBy: ViaChoice;
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
   * What the function's role must say so that the caller may assume it. `apply` adds just that statement or gives it other terms, `undo`
   * removes just that one, whatever its terms; both answer `changed: false` where there was nothing to do.
   */
  "lambda-trust": [
    FunctionRequest & TrustTerms & { readonly action: TrustAction },
    TrustReport & { readonly via: string; readonly viaBy: ViaChoice },
  ];
  /** Where the function's code and layers are, for ten minutes; NotSupported for an image. */
  "lambda-code": [FunctionRequest, FunctionPackage & { readonly via: string; readonly viaBy: ViaChoice }];
  /** Of an archive that `lambda-code` has named: base64, from `offset` on, 1 MiB at most; empty at its end. */
  "lambda-code-part": [{ readonly id: string; readonly offset: number }, { readonly part: string }];
  /**
   * What a refusal of AWS that the function's code met comes from, by the policies that `via` may read. With `denial` it is remembered
   * until brokerd ends, with how the function ran; without, it is the last one remembered, and NotFound where there is none.
   */
  "lambda-why": [
    FunctionRequest & { readonly denial?: Denial; readonly mode?: LambdaMode; readonly scope?: WantedScope },
    DenialReport & { readonly via: string; readonly viaBy: ViaChoice },
  ];
  /** A role to deploy with, in the account of `via`: what it would be, or made (`apply`) by IAM with the credentials of `via`. */
  "deploy-role": [
    DeployRoleWish & Omit<FunctionRequest, "function" | "region" | "stack"> & { readonly action: "show" | "apply" },
    DeployRole,
  ];
}
