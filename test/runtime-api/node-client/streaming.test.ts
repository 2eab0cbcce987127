import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventLoopEnd } from "../../../src/runtime-api/node-client/event-loop-end.js";
import { handlerContext } from "../../../src/runtime-api/node-client/handler-context.js";
import { type ResponseStream, StreamedResponse } from "../../../src/runtime-api/node-client/response-stream.js";
import { RuntimeConnection } from "../../../src/runtime-api/node-client/runtime-connection.js";
import {
  awslambda,
  callStreamingHandler,
  isStreaming,
  type StreamingHandler,
} from "../../../src/runtime-api/node-client/streaming-handler.js";
import { FakeClock } from "../../support/fake-clock.js";
import { RuntimeApiFixture } from "../../support/runtime-api-fixture.js";

const listenersBefore = process.listeners("beforeExit");
let fixture: RuntimeApiFixture;
let connection: RuntimeConnection;
let response: StreamedResponse;

beforeEach(async () => {
  fixture = await new RuntimeApiFixture().open();
  connection = new RuntimeConnection(fixture.api.address);
  const { requestId } = await connection.next();
  response = new StreamedResponse(connection, requestId);
});

afterEach(async () => {
  await fixture.close();
  for (const listener of process.listeners("beforeExit")) {
    if (!listenersBefore.includes(listener)) process.off("beforeExit", listener);
  }
});

type Write = (event: unknown, stream: ResponseStream, context: { callbackWaitsForEmptyEventLoop: boolean }) => unknown;

/** Calls the handler as the client does; `waits`: as it is set when a handler says nothing. */
async function call(handler: Write, { waits = false } = {}): Promise<void> {
  const context = { ...handlerContext({ requestId: "ID", json: "{}", headers: {} }, {}, new FakeClock()) };
  context.callbackWaitsForEmptyEventLoop = waits;
  const streaming = awslambda.streamifyResponse(handler) as StreamingHandler;
  await callStreamingHandler(streaming, {}, { context, loopEnd: new EventLoopEnd(), response });
}

describe("a streaming handler", () => {
  it("is one that was given to streamifyResponse", () => {
    expect(isStreaming(awslambda.streamifyResponse(async () => undefined))).toBe(true);
    expect(isStreaming(async () => undefined)).toBe(false);
  });

  it("sends text, bytes and objects as they come, of the type it names", async () => {
    await call(async (_, stream) => {
      stream.setContentType("text/plain");
      stream.write("text ");
      stream.write(Buffer.from("bytes "));
      stream.end({ an: "object" });
    });

    expect(fixture.streamed.text).toBe('text bytes {"an":"object"}');
    expect(fixture.invocation.answer).toMatchObject({ kind: "response", contentType: "text/plain" });
  });

  it("is heard before it is through", async () => {
    let go: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (go = resolve));
    const running = call(async (_, stream) => {
      stream.write("first ");
      await waiting;
      stream.end("second");
    });

    await fixture.streamed.holds("first ");
    go();
    await running;

    expect(fixture.streamed.text).toBe("first second");
  });

  it("may be piped into", async () => {
    await call(async (_, stream) => pipeline(Readable.from(["a", "b", "c"]), stream));

    expect(fixture.streamed.text).toBe("abc");
  });

  it("may send nothing", async () => {
    await call(async (_, stream) => void stream.end());

    expect(fixture.invocation.answer).toMatchObject({ kind: "response", contentType: "application/octet-stream" });
  });

  it("may describe an HTTP response", async () => {
    await call(async (_, stream) => {
      const described = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
      described.end("body");
    });

    expect(fixture.streamed.text).toBe('{"statusCode":201}\0\0\0\0\0\0\0\0body');
    expect(fixture.invocation.answer).toMatchObject({
      contentType: "application/vnd.awslambda.http-integration-response",
    });
  });

  it("names its type too late", async () => {
    const late = call(async (_, stream) => {
      stream.write("x");
      stream.setContentType("text/plain");
    });

    await expect(late).rejects.toMatchObject({ name: "Runtime.InvalidStreamingOperation" });
  });

  it("has to be async", async () => {
    await expect(call(() => "result")).rejects.toMatchObject({ name: "Runtime.InvalidStreamingOperation" });
  });

  it("has to end its stream", async () => {
    const running = call(async (_, stream) => void stream.write("x"));
    const failure = expect(running).rejects.toMatchObject({ name: "Runtime.InvalidStreamingOperation" });
    await fixture.streamed.holds("x");

    process.emit("beforeExit", 0);

    await failure;
  });

  it("is waited for until nothing is left to do, unless it says otherwise", async () => {
    const told: string[] = [];
    const running = call(async (_, stream) => void stream.end("x"), { waits: true }).then(() => told.push("over"));
    await fixture.invocation.answered;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(told).toEqual([]);

    process.emit("beforeExit", 0);

    await running;
  });
});

describe("a streamed response that fails", () => {
  const boo = new TypeError("boo");

  it("is a plain error where nothing was sent", async () => {
    await response.fail(boo);

    expect(fixture.invocation.answer).toMatchObject({ kind: "error", errorType: "TypeError" });
  });

  it("says so in its trailers where something was", async () => {
    response.stream.write("half");
    await fixture.streamed.holds("half");

    await response.fail(boo);

    expect(fixture.invocation.answer).toMatchObject({ kind: "error", errorType: "TypeError" });
    expect(JSON.parse(fixture.invocation.answer?.payload.toString() ?? "")).toMatchObject({ errorMessage: "boo" });
  });

  it("may have a name that no header can hold", async () => {
    response.stream.write("half");
    await fixture.streamed.holds("half");

    await response.fail(Object.assign(new Error("boo"), { name: "F\u00e9hler\n" }));

    expect(fixture.invocation.answer).toMatchObject({ kind: "error", errorType: "F?hler?" });
  });
});

describe("the connection", () => {
  it("reports that the handler cannot be loaded", async () => {
    const other = await new RuntimeApiFixture().open();

    await new RuntimeConnection(other.api.address).failInit({ errorType: "Init", errorMessage: "boo", trace: [] });

    expect(await other.invocation.initFailed).toMatchObject({ errorType: "Init" });
    await other.close();
  });

  it("fails when the API gives no event, and when there is no API any more", async () => {
    await expect(connection.next()).rejects.toThrow("no event");
    await fixture.close();
    await expect(connection.next()).rejects.toThrow();
  });
});
