import type { Secret } from "./secret.js";

/** What signs a request: a long-term key (no session token) or temporary credentials. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

/** Temporary credentials, the only kind that is ever served. */
export interface Credentials extends SigningCredentials {
  readonly sessionToken: Secret;
  /** Epoch milliseconds at which AWS stops accepting them. */
  readonly expiration: number;
  /** 12 digits, where known. */
  readonly accountId?: string;
}

/** What an external program, file or machine gave. Without both a session token and an expiration it only ever signs. */
export interface FoundCredentials extends SigningCredentials {
  /** Epoch milliseconds; absent: not known. */
  readonly expiration?: number;
  /** 12 digits, where known. */
  readonly accountId?: string;
}

/** Credentials as the broker holds them: with the moment they came and the ARN they speak for. */
export interface HeldCredentials {
  readonly credentials: Credentials;
  /** Epoch milliseconds; together with `expiration` it gives the lifetime that sets the refresh windows. */
  readonly receivedAt: number;
  readonly roleArn?: string;
}
