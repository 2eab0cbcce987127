/** Lambda's own errors of its Node runtime; users search for these names. */
export type RuntimeFaultName =
  | "CallbackHandlerDeprecated"
  | "HandlerNotFound"
  | "ImportModuleError"
  | "InvalidStreamingOperation"
  | "JSONStringifyError"
  | "MalformedHandlerName"
  | "UnhandledPromiseRejection"
  | "UserCodeSyntaxError";

/** Reported as `Runtime.NAME`. Its stack is that of its cause, which says where; frames of ours would say nothing. */
export class RuntimeFault extends Error {
  override readonly name: string;

  constructor(name: RuntimeFaultName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = `Runtime.${name}`;
    const place = cause instanceof Error && cause.stack !== undefined ? `\n${cause.stack}` : "";
    this.stack = `${this.name}: ${message}${place}`;
  }
}
