import type { Credentials, SigningCredentials } from "../core/credentials.js";
import type { AssumeRoleParameters, ScopedParameters } from "../core/role.js";
import type { Secret } from "../core/secret.js";

export interface SessionTokenParameters {
  /** Seconds, 900–129600. */
  readonly durationSeconds: number;
  readonly serialNumber?: string;
  readonly tokenCode?: string;
}

export interface CallerIdentity {
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
}

export interface AssumedRole {
  readonly credentials: Credentials;
  /** arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION */
  readonly assumedRoleArn: string;
}

/** STS, one call a method; every failure is a BrokerError made by aws-error. */
export interface Sts {
  assumeRole(signer: SigningCredentials, parameters: AssumeRoleParameters, region: string): Promise<AssumedRole>;
  /**
   * Unsigned: the token proves who calls. One that AWS does not accept (expired, of an unknown issuer, rejected by it)
   * is LoginRequired. `parameters` has no external id, source identity or tags: this call knows none.
   */
  assumeRoleWithWebIdentity(token: Secret, parameters: AssumeRoleParameters, region: string): Promise<AssumedRole>;
  getSessionToken(signer: SigningCredentials, parameters: SessionTokenParameters, region: string): Promise<Credentials>;
  /**
   * Narrows temporary credentials, at the region's own endpoint: permissions are the intersection, and they end with `before` at the
   * latest. One that AWS no longer accepts, or that ends before it could be narrowed, is an `expired` signer.
   */
  getScopedCredentials(before: Credentials, parameters: ScopedParameters, region: string): Promise<Credentials>;
  getCallerIdentity(signer: SigningCredentials, region: string): Promise<CallerIdentity>;
}
