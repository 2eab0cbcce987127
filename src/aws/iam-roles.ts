import type { SigningCredentials } from "../core/credentials.js";

/** GetRole's answer. */
export interface IamRole {
  readonly roleName: string;
  /** With its path. */
  readonly arn: string;
  /** The trust policy as JSON text: IAM sends it percent-encoded (RFC 3986). */
  readonly trustPolicy: string;
  readonly permissionsBoundaryArn?: string;
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

/**
 * What IAM says of roles, and their trust policies. `region` only decides the partition. Lists are whole: pages are
 * followed. A role that does not exist is `NotFound`, a refusal `AccessDenied` with the action in its message.
 */
export interface IamRoles {
  getRole(signer: SigningCredentials, roleName: string, region: string): Promise<IamRole>;
  attachedPolicies(signer: SigningCredentials, roleName: string, region: string): Promise<readonly AttachedPolicy[]>;
  inlinePolicies(signer: SigningCredentials, roleName: string, region: string): Promise<readonly InlinePolicy[]>;
  /** Replaces the whole trust policy. */
  updateTrustPolicy(
    signer: SigningCredentials,
    role: { readonly roleName: string; readonly document: string },
    region: string,
  ): Promise<void>;
}
