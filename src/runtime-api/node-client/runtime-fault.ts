/** Lambda's own errors of its Node runtime; users search for these names. */
export type RuntimeFaultName =
  | "HandlerNotFound"
  | "ImportModuleError"
  | "InvalidStreamingOperation"
  | "MalformedHandlerName"
  | "UnhandledPromiseRejection"
  | "UserCodeSyntaxError";

/** Reported as `Runtime.NAME`; with a cause, its stack is the one that says where. */
export class RuntimeFault extends Error {
  override readonly name: string;

  constructor(name: RuntimeFaultName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = `Runtime.${name}`;
    if (cause instanceof Error && cause.stack !== undefined) this.stack = `${this.name}: ${message}\n${cause.stack}`;
  }
}
