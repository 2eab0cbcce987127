import type { SigningCredentials } from "../core/credentials.js";

/** GetRole's answer. */
export interface IamRole {
  readonly roleName: string;
  /** With its path. */
  readonly arn: string;
  /** The trust policy as JSON text: IAM sends it percent-encoded (RFC 3986). */
  readonly trustPolicy: string;
  readonly permissionsBoundaryArn?: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface AttachedPolicy {
  readonly policyName: string;
  readonly policyArn: string;
}

/** A policy that is part of a role; its document as JSON text. */
export interface InlinePolicy {
  readonly policyName: string;
  readonly document: string;
}

/** What is asked of IAM's simulator; `resource` absent: any. */
export interface SimulationQuestion {
  /** Of a role: its policies and boundary, and the organization's service control policies. */
  readonly roleArn: string;
  /** `dynamodb:PutItem` */
  readonly action: string;
  readonly resource?: string;
}

export interface Simulation {
  readonly decision: "allowed" | "explicitDeny" | "implicitDeny";
  /** Of service control policies, and of the boundary; undefined: there are none, or it is not told. */
  readonly allowedByOrganization: boolean | undefined;
  readonly allowedByBoundary: boolean | undefined;
  /** Condition keys that would have been needed. */
  readonly missingKeys: readonly string[];
}

/** Its trust policy as JSON text. */
export interface NewRole {
  readonly roleName: string;
  readonly trustPolicy: string;
  readonly description: string;
}

/**
 * What IAM says of roles, and their trust policies. `region` only decides the partition. Lists are whole: pages are
 * followed. A role that does not exist is `NotFound`, a refusal `AccessDenied` with the action in its message.
 */
export interface IamRoles {
  getRole(signer: SigningCredentials, roleName: string, region: string): Promise<IamRole>;
  attachedPolicies(signer: SigningCredentials, roleName: string, region: string): Promise<readonly AttachedPolicy[]>;
  inlinePolicies(signer: SigningCredentials, roleName: string, region: string): Promise<readonly InlinePolicy[]>;
  /** The document in force of a managed policy, as JSON text. */
  managedPolicy(signer: SigningCredentials, policyArn: string, region: string): Promise<string>;
  /** What IAM itself says of it (SimulatePrincipalPolicy), without session policies. */
  simulate(signer: SigningCredentials, question: SimulationQuestion, region: string): Promise<Simulation>;
  /** Replaces the whole trust policy. */
  updateTrustPolicy(
    signer: SigningCredentials,
    role: { readonly roleName: string; readonly document: string },
    region: string,
  ): Promise<void>;
  /** `Conflict` where there is one of that name. */
  createRole(signer: SigningCredentials, role: NewRole, region: string): Promise<void>;
  /** A policy that is attached already stays so. */
  attachPolicy(
    signer: SigningCredentials,
    attached: { readonly roleName: string; readonly policyArn: string },
    region: string,
  ): Promise<void>;
  /** Replaces the one of that name. */
  putInlinePolicy(
    signer: SigningCredentials,
    policy: InlinePolicy & { readonly roleName: string },
    region: string,
  ): Promise<void>;
}
