import type { SigningCredentials } from "../core/credentials.js";
import type { BrokerError } from "../core/errors.js";

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
  readonly variables: Readonly<Record<string, string>>;
  /** `AccessDenied`: there may be variables, and the caller may not decrypt them (`Environment.Error`). */
  readonly variablesRefused?: BrokerError;
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
}
