import type { SigningCredentials } from "../core/credentials.js";
import type { Secret } from "../core/secret.js";
import type { CallerIdentity } from "./sts.js";

/** A new long-term key; AWS shows its secret only once. */
export interface CreatedAccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly userName: string;
}

export interface AccessKeySummary {
  readonly accessKeyId: string;
  readonly status: "Active" | "Inactive";
  /** Epoch milliseconds. */
  readonly createdAt?: number;
}

/**
 * What `keys rotate` needs of IAM, always about the user whose credentials sign: create, await, store, delete. `region`
 * only decides the partition. Failures are BrokerErrors made by aws-error; a user with two keys already is `Conflict`.
 * GetSessionToken credentials may sign only if they were opened with MFA (API reference of STS, GetSessionToken).
 */
export interface Iam {
  createAccessKey(signer: SigningCredentials, region: string): Promise<CreatedAccessKey>;
  listAccessKeys(signer: SigningCredentials, region: string): Promise<readonly AccessKeySummary[]>;
  /** A key that is gone already counts as deleted. */
  deleteAccessKey(signer: SigningCredentials, accessKeyId: string, region: string): Promise<void>;
  /** IAM is eventually consistent: resolves once STS knows the new key, or rejects with its last refusal after 30 s. */
  awaitAccessKey(key: SigningCredentials, region: string): Promise<CallerIdentity>;
}
