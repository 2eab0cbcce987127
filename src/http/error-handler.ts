import type { ErrorRequestHandler } from "express";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import type { Logger } from "../system/logger.js";
import { type JsonAnswer, sendJson } from "./json-answer.js";

export interface ErrorHandlerOptions {
  /** Status and body for an error of ours; anything else thrown comes as `InternalError` without its text. */
  readonly answerOf: (error: BrokerError) => JsonAnswer;
  readonly logger: Logger;
}

/** The last handler of an app: turns whatever was thrown into one answer. Never logs the URL: it may hold a token. */
export function errorHandler({ answerOf, logger }: ErrorHandlerOptions): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/max-params, @typescript-eslint/no-unused-vars -- Express tells error handlers by their four parameters
  return (thrown: unknown, _request, response, _next) => {
    const error = toBrokerError(thrown);
    if (error.code === "InternalError") logger.error({ err: thrown }, "request failed");
    if (response.headersSent) response.destroy();
    else sendJson(response, answerOf(error));
  };
}
