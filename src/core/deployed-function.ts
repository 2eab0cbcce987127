/** Shapes of deployed functions that the daemon, the contract of control and the command share. */

/** Under which permissions the code runs: the function's own role, or another role narrowed by that role's policies. */
export type LambdaMode = "assume" | "session-policy";

/** What to do about the statement in a trust policy. */
export type TrustAction = "show" | "apply" | "undo";

/** What a function role's trust policy says of the role that wants to assume it, after what was done. */
export interface TrustReport {
  readonly roleArn: string;
  /** Who is let in, the `Principal` of the statement: an ARN. */
  readonly principal: string;
  /** Pretty JSON. */
  readonly statement: string;
  /** It stands in the trust policy (after the action). */
  readonly isPresent: boolean;
  readonly changed: boolean;
  /** One line each. */
  readonly notes: readonly string[];
}
