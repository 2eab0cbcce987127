import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callHandler, type Handler, type HandlerOutcome } from "../../../src/runtime-api/node-client/call-handler.js";
import { EventLoopEnd } from "../../../src/runtime-api/node-client/event-loop-end.js";
import { type HandlerContext, handlerContext } from "../../../src/runtime-api/node-client/handler-context.js";
import { FakeClock, settle } from "../../support/fake-clock.js";

/** A context as handlers of the older kinds know it. */
interface OldContext extends HandlerContext {
  readonly succeed: (result?: unknown) => void;
  readonly fail: (error?: unknown) => void;
  readonly done: (error?: unknown, result?: unknown) => void;
}
type AnyHandler = (
  event: unknown,
  context: OldContext,
  callback: (error?: unknown, result?: unknown) => void,
) => unknown;

const listenersBefore = process.listeners("beforeExit");
let loopEnd: EventLoopEnd;
let outcome: HandlerOutcome | undefined;

beforeEach(() => {
  loopEnd = new EventLoopEnd();
  outcome = undefined;
});

afterEach(() => {
  for (const listener of process.listeners("beforeExit")) {
    if (!listenersBefore.includes(listener)) process.off("beforeExit", listener);
  }
});

const context = (): HandlerContext =>
  handlerContext({ requestId: "ID", json: "{}", headers: {} }, { AWS_LAMBDA_FUNCTION_NAME: "orders" }, new FakeClock());

async function call(handler: AnyHandler): Promise<HandlerOutcome | undefined> {
  void callHandler(handler as Handler, { a: 1 }, { context: context(), loopEnd }).then((given) => (outcome = given));
  await settle();
  return outcome;
}

/** What Node says when nothing is left to do. */
async function nothingLeft(): Promise<HandlerOutcome | undefined> {
  process.emit("beforeExit", 0);
  await settle();
  return outcome;
}

describe("an async handler", () => {
  it("has the result of its promise", async () => {
    expect(await call(async (event) => event)).toEqual({ result: { a: 1 } });
  });

  it("has the error of its promise, whatever it is", async () => {
    expect(await call(async () => Promise.reject(new Error("boo")))).toMatchObject({ error: { message: "boo" } });
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- JavaScript may
    expect(await call(() => Promise.reject("text"))).toEqual({ error: "text" });
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- JavaScript may
    expect(await call(() => Promise.reject())).toEqual({ error: "handled" });
  });

  it("that waits for nothing at all has null, as in Lambda", async () => {
    expect(await call(() => new Promise(() => undefined))).toBeUndefined();
    expect(await nothingLeft()).toEqual({ result: null });
  });
});

describe("a handler with a callback", () => {
  it("has its result when nothing is left to do", async () => {
    expect(await call((_, __, callback) => callback(null, "done"))).toBeUndefined();
    expect(await nothingLeft()).toEqual({ result: "done" });
  });

  it("has it at once where it said so", async () => {
    const handler: AnyHandler = (_, given, callback) => {
      given.callbackWaitsForEmptyEventLoop = false;
      callback(null, "done");
    };

    expect(await call(handler)).toEqual({ result: "done" });
  });

  it("has its error at once", async () => {
    expect(await call((_, __, callback) => callback("boo"))).toEqual({ error: "boo" });
  });

  it("is heard once", async () => {
    const handler: AnyHandler = (_, given, callback) => {
      callback("first");
      callback(null, "second");
      given.succeed("third");
    };

    expect(await call(handler)).toEqual({ error: "first" });
  });

  it("that calls nothing and leaves nothing to do has null", async () => {
    expect(await call(() => undefined)).toBeUndefined();
    expect(await nothingLeft()).toEqual({ result: null });
  });

  it("may throw", async () => {
    const error = new Error("boo");

    expect(
      await call(() => {
        throw error;
      }),
    ).toEqual({ error });
  });
});

describe("a handler of the oldest kind", () => {
  it("says by its context that it is done", async () => {
    expect(await call((_, { succeed }) => succeed("done"))).toEqual({ result: "done" });
    expect(await call((_, { fail }) => fail("boo"))).toEqual({ error: "boo" });
    expect(await call((_, { fail }) => fail())).toEqual({ error: "handled" });
    expect(await call((_, { done }) => done(null, "done"))).toEqual({ result: "done" });
  });
});

describe("the context", () => {
  it("says what is left of the time", async () => {
    const clock = new FakeClock();
    const headers = { "lambda-runtime-deadline-ms": String(clock.now() + 3_000) };
    const { getRemainingTimeInMillis } = handlerContext({ requestId: "ID", json: "{}", headers }, {}, clock);

    await clock.advance(1_000);

    expect(getRemainingTimeInMillis()).toBe(2_000);
  });

  it("has what mobile clients say of themselves", () => {
    const headers = {
      "lambda-runtime-client-context": '{"custom":{"a":"b"}}',
      "lambda-runtime-cognito-identity": '{"cognitoIdentityId":"x"}',
    };

    expect(handlerContext({ requestId: "ID", json: "{}", headers }, {}, new FakeClock())).toMatchObject({
      clientContext: { custom: { a: "b" } },
      identity: { cognitoIdentityId: "x" },
    });
    const broken = { "lambda-runtime-client-context": "{" };
    expect(() => handlerContext({ requestId: "ID", json: "{}", headers: broken }, {}, new FakeClock())).toThrow();
  });
});
