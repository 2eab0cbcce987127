/**
 * What is known of a deployed function: GetFunctionConfiguration's answer as far as running its code elsewhere needs it.
 * `null`: Lambda does not say, as with the handler and runtime of a function that is deployed as an image.
 */
export interface FunctionContext {
  readonly functionName: string;
  /** As it was asked for, with its alias or version where there was one. */
  readonly functionArn: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  readonly region: string;
  /** Megabytes, as Lambda counts them: 2^20 bytes. */
  readonly memorySize: number;
  /** Seconds. */
  readonly timeout: number;
  readonly handler: string | null;
  readonly runtime: string | null;
  readonly logGroup: string | null;
  /** `LoggingConfig`: `JSON` or `Text`, and the least level that the function's own lines must have. */
  readonly logFormat: string | null;
  readonly logLevel: string | null;
  /** ARNs of the versions of its layers, in their order; absent: a broker of an earlier version does not say. */
  readonly layers?: readonly string[];
  /** The function's own environment variables. */
  readonly variables: Readonly<Record<string, string>>;
}
