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
  constructor(name: RuntimeFaultName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    // No field of the log's: there it is the type.
    Object.defineProperty(this, "name", { value: `Runtime.${name}`, enumerable: false });
    const place = cause instanceof Error && cause.stack !== undefined ? `\n${cause.stack}` : "";
    this.stack = `${this.name}: ${message}${place}`;
  }
}
