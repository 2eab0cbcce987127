/** Shapes of a role for deploying that the daemon, the contract of control and the command share. */

/** The role that is wanted. */
export interface DeployRoleWish {
  readonly roleName: string;
  /** ARNs of managed policies; empty: PowerUserAccess of the partition. */
  readonly policyArns: readonly string[];
  /** Names of roles, with stars, that it may make and give to functions. */
  readonly managedRoles: readonly string[];
}

/** What it would be in the caller's account, or is. */
export interface DeployRole {
  readonly roleArn: string;
  /** The `Principal` of its trust policy: an ARN. */
  readonly principal: string;
  /** Who is let in by it: that ARN, or what the ARN of one of that account must be like. */
  readonly letsIn: readonly string[];
  readonly externalId: string;
  readonly policyArns: readonly string[];
  /** CloudFormation, as YAML. */
  readonly template: string;
  /**
   * How an entry of the config is signed for: by the caller's role, or by the key itself where that is what the role is. A role without
   * an entry signs for no other: it gets one first.
   */
  readonly signer:
    | { readonly source: string }
    | { readonly sourceRole: string }
    | { readonly unnamed: { readonly source: string; readonly accountId: string; readonly roleName: string } };
  /** `made`: now; `present`: it was there, and is the same. */
  readonly outcome: "planned" | "made" | "present";
  /** One line each. */
  readonly notes: readonly string[];
}
