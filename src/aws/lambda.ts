import type { SigningCredentials } from "../core/credentials.js";
import type { ListedFunction } from "../core/deployed-function.js";
import type { BrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";

/** A function as Lambda's API names it: its name or ARN, and which version or alias of it. */
export interface FunctionReference {
  /** Name, partial ARN or ARN, without a qualifier. */
  readonly functionName: string;
  /** Version, `$LATEST` or alias. */
  readonly qualifier?: string;
}

/** GetFunctionConfiguration's answer, as far as running the code elsewhere needs it. `null`: Lambda does not say. */
export interface FunctionConfiguration {
  readonly functionName: string;
  /** With the qualifier that was asked for. */
  readonly functionArn: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  readonly roleArn: string;
  /** Megabytes, 2^20 bytes. */
  readonly memorySize: number;
  /** Seconds. */
  readonly timeout: number;
  /** null for a function that is deployed as an image. */
  readonly handler: string | null;
  readonly runtime: string | null;
  readonly logGroup: string | null;
  readonly logFormat: string | null;
  readonly logLevel: string | null;
  readonly isImage: boolean;
  /** ARNs of the versions of its layers, in the order in which they lie over each other. */
  readonly layers: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** `AccessDenied`: there may be variables, and the caller may not decrypt them (`Environment.Error`). */
  readonly variablesRefused?: BrokerError;
}

/** An archive (zip) that Lambda keeps. */
export interface Archive {
  /** Signed by Lambda for ten minutes: who has it can fetch the archive. */
  readonly location: Secret;
  readonly bytes: number;
  /** SHA-256 of the archive, base64. */
  readonly sha256: string;
}

/** GetFunction's answer, as far as it tells of the code. */
export interface FunctionCode {
  readonly functionName: string;
  readonly functionArn: string;
  readonly version: string;
  readonly layers: readonly string[];
  /** An image is no archive. */
  readonly code: Archive | { readonly imageUri: string };
}

/** Bytes of an archive, from `offset` on. */
export interface ArchiveRange {
  readonly offset: number;
  readonly length: number;
}

export interface ListLimits {
  readonly until?: (found: readonly ListedFunction[]) => boolean;
  readonly maxPages?: number;
}

/**
 * Lambda, one call a method; failures are BrokerErrors made by aws-error: an unknown function is `NotFound`, a
 * caller who may not read it `AccessDenied`.
 */
export interface Lambda {
  getFunctionConfiguration(
    signer: SigningCredentials,
    reference: FunctionReference,
    region: string,
  ): Promise<FunctionConfiguration>;
  getFunctionCode(signer: SigningCredentials, reference: FunctionReference, region: string): Promise<FunctionCode>;
  /** By the ARN of the layer's version. */
  getLayer(signer: SigningCredentials, layerArn: string, region: string): Promise<Archive>;
  /** Unsigned: the location is. Fewer bytes than asked for only at the archive's end. */
  readArchive(archive: Archive, range: ArchiveRange, region: string): Promise<Uint8Array>;

  /**
   * All functions of the account in the region, by pages of 50; where `until` says of those so far that they are enough, or after
   * `maxPages`, no more are asked for.
   */
  listFunctions(signer: SigningCredentials, region: string, limits?: ListLimits): Promise<readonly ListedFunction[]>;
}
