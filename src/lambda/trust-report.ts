import type { IamRoles } from "../aws/iam-roles.js";
import type { Sts } from "../aws/sts.js";
import type { Clock } from "../system/clock.js";
import type { Via } from "./via.js";

/** What is asked and with whose credentials. */
export interface TrustOptions {
  readonly sts: Sts;
  readonly iamRoles: IamRoles;
  readonly clock: Clock;
  readonly via: Via;
  /** Of the function. */
  readonly functionRoleArn: string;
}

/** What a function role's trust policy says of the one who wants to assume it, after what was done. */
export interface TrustReport {
  readonly roleArn: string;
  /** The `Principal` of the statement: an ARN. */
  readonly principal: string;
  /** Pretty JSON. */
  readonly statement: string;
  readonly isPresent: boolean;
  readonly changed: boolean;
  readonly notes: readonly string[];
}
