import type { EventLoopEnd } from "./event-loop-end.js";
import type { HandlerContext } from "./handler-context.js";
import { RuntimeFault } from "./runtime-fault.js";

/** A handler of any of the three kinds: async, with a callback, or with the older `context.done`. */
export type Handler = (event: unknown, context: unknown, callback: Callback) => unknown;
type Callback = (error?: unknown, result?: unknown) => void;

/** What came of a call. An error may be any value: a callback can be given a text. */
export type HandlerOutcome = { readonly result: unknown } | { readonly error: unknown };

/**
 * Async: the outcome stands when the handler's promise settles. With a callback: when that is called and, unless the handler
 * said otherwise, nothing is left to do. One that calls nothing and leaves nothing to do has the result `null`.
 */
export function callHandler(
  handler: Handler,
  event: unknown,
  { context, loopEnd }: { readonly context: HandlerContext; readonly loopEnd: EventLoopEnd },
): Promise<HandlerOutcome> {
  return new Promise((resolve) => {
    const once = firstCallOnly();
    const settle = (error: unknown, result: unknown): void => {
      loopEnd.forget();
      resolve(isMissing(error) ? { result } : { error });
    };
    const callback: Callback = once((error, result) => {
      if (isMissing(error) && context.callbackWaitsForEmptyEventLoop) loopEnd.once(() => settle(undefined, result));
      else settle(error, result);
    });
    const done: Callback = once(settle);
    const succeed = (result?: unknown): void => done(undefined, result);
    const fail = (error?: unknown): void => done(isMissing(error) ? "handled" : error);
    // Added to the handler's own object: the property it may set is the one that `callback` reads.
    Object.assign(context, { succeed, fail, done });
    loopEnd.once(() => succeed(null));
    try {
      const returned = handler(event, context, callback);
      if (isThenable(returned)) returned.then(succeed, fail);
    } catch (error) {
      callback(error);
    }
  });
}

/**
 * From Node 24 on there is neither callback nor `context.done`: what the handler returns, or its promise settles with, is the
 * outcome. One whose promise never settles ends the process when nothing is left to do, as there.
 */
export async function callPlainHandler(
  handler: Handler,
  event: unknown,
  context: HandlerContext,
): Promise<HandlerOutcome> {
  const plain: Partial<HandlerContext> = { ...context };
  Reflect.deleteProperty(plain, "callbackWaitsForEmptyEventLoop");
  try {
    return { result: await (handler as (event: unknown, context: unknown) => unknown)(event, plain) };
  } catch (error) {
    return { error };
  }
}

/** `AWS_EXECUTION_ENV` of a function: whether its runtime is Node 24 or later. */
export function isWithoutCallbacks(executionEnv: string | undefined): boolean {
  return Number(/^AWS_Lambda_nodejs(\d+)\./.exec(executionEnv ?? "")?.[1] ?? 0) >= FIRST_WITHOUT_CALLBACKS;
}

const FIRST_WITHOUT_CALLBACKS = 24;
/** Lambda's own words: users search for them. */
const CALLBACKS_REMOVED =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
  "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
  "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";

/** Throws where a handler asks for a callback by having a third parameter. */
export function refuseCallback(handler: { readonly length: number }): void {
  if (handler.length >= CALLBACK_PARAMETERS) throw new RuntimeFault("CallbackHandlerDeprecated", CALLBACKS_REMOVED);
}

const CALLBACK_PARAMETERS = 3;

/** Of several functions wrapped by it, the first call of any counts. */
function firstCallOnly(): (act: Callback) => Callback {
  let called = false;
  return (act) => (error, result) => {
    if (called) return;
    called = true;
    act(error, result);
  };
}

function isMissing(error: unknown): boolean {
  return error === undefined || error === null;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
