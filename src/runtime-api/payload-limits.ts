/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: "invocation payload, synchronous". */
export const MAX_EVENT_BYTES = 6 * 1024 * 1024;

/** What Lambda takes from a runtime: the 6 MB and 100 bytes for what wraps them; its error messages name this number. */
export const MAX_RESPONSE_BYTES = MAX_EVENT_BYTES + 100;

/** Same page: "streamed response payload". */
export const MAX_STREAMED_BYTES = 200 * 1024 * 1024;

/**
 * Of all headers of one request together. Clients put a whole stack trace into `…-XRay-Error-Cause`, up to 1 MiB (both
 * awslambdaric and aws-lambda-go); Node's own limit of 16 KiB would answer 431 and lose the error.
 */
export const MAX_HEADER_BYTES = 2 * 1024 * 1024;
