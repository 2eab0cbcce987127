import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_RESPONSE_BYTES } from "../../src/runtime-api/payload-limits.js";
import { HOSTILE_NAMES, hostileFields } from "../support/hostile-names.js";
import { FUNCTION_ARN } from "../support/invoke-locally.js";
import { exchange } from "../support/raw-http.js";
import { RuntimeApiFixture } from "../support/runtime-api-fixture.js";

let fixture: RuntimeApiFixture;

beforeEach(async () => {
  fixture = await new RuntimeApiFixture().open();
});

afterEach(() => fixture.close());

describe("GET /runtime/invocation/next", () => {
  it("hands out the event and what invoked the function", async () => {
    const { status, headers, body } = await fixture.next();

    expect(status).toBe(200);
    expect(body).toBe('{"order":1}');
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": fixture.invocation.requestId,
      "lambda-runtime-deadline-ms": String(fixture.clock.now() + 3_000),
      "lambda-runtime-invoked-function-arn": FUNCTION_ARN,
    });
    const seconds = Math.floor(fixture.clock.now() / 1000).toString(16);
    expect(headers["lambda-runtime-trace-id"]).toMatch(new RegExp(`^Root=1-${seconds}-[0-9a-f]{24};Parent=`));
    expect(headers).not.toHaveProperty("lambda-runtime-client-context");
    expect(headers).not.toHaveProperty("lambda-runtime-cognito-identity");
  });

  it("hands out the client context and the Cognito identity where there are any", async () => {
    await fixture.close();
    fixture = await new RuntimeApiFixture({ clientContext: '{"custom":{"a":"b"}}', cognitoIdentity: '{"x":1}' }).open();

    const { headers } = await fixture.next();

    expect(headers["lambda-runtime-client-context"]).toBe('{"custom":{"a":"b"}}');
    expect(headers["lambda-runtime-cognito-identity"]).toBe('{"x":1}');
  });

  it("counts the deadline from the moment the event is taken", async () => {
    fixture.clock.jump(60_000);

    const { headers } = await fixture.next();

    expect(headers["lambda-runtime-deadline-ms"]).toBe(String(fixture.clock.now() + 3_000));
    expect(fixture.invocation.takenAt).toBe(fixture.clock.now());
  });

  it.each(HOSTILE_NAMES)("takes a request with fields of any name: %s", async (name) => {
    const fields = [`Host: ${fixture.api.address}`, "Connection: close", ...hostileFields([name])];
    const { status } = await exchange(
      fixture.port,
      `GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`,
    );

    expect(status).toBe(200);
  });

  it("gives the event to one asker only", async () => {
    await fixture.next();

    expect(await fixture.next()).toMatchObject({ status: 403, errorType: "InvalidStateTransition" });
    expect(fixture.invocation.phase).toBe("running");
  });

  it("keeps the next request waiting once the event is answered, and takes it for the end", async () => {
    await fixture.next();
    await fixture.respond("1");
    const waiting = [fixture.next(), fixture.next()].map((answer) => expect(answer).rejects.toThrow());

    await fixture.invocation.finished;

    expect(fixture.invocation.phase).toBe("finished");
    await fixture.api.close();
    await Promise.all(waiting);
  });
});

describe("POST /runtime/invocation/ID/response", () => {
  beforeEach(() => fixture.next());

  it("takes the response as it is", async () => {
    const answer = await fixture.respond(Buffer.from([0, 1, 255]), { "Content-Type": "application/unknown" });

    expect(answer).toMatchObject({ status: 202, body: '{"status":"OK"}\n' });
    expect(fixture.invocation.answer).toEqual({
      kind: "response",
      payload: Buffer.from([0, 1, 255]),
      contentType: "application/unknown",
      streamedBytes: undefined,
    });
  });

  it("takes a chunked response", async () => {
    const path = `/2018-06-01/runtime/invocation/${fixture.invocation.requestId}/response`;
    const sent = request({ host: "127.0.0.1", port: fixture.port, path, method: "POST" });
    sent.write('{"a":');
    sent.write("1}");
    sent.end();
    await once(sent, "response");

    expect(fixture.invocation.answer).toMatchObject({ kind: "response", payload: Buffer.from('{"a":1}') });
  });

  it("knows only its own request id", async () => {
    const wrong = { method: "POST", path: "/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response", body: "1" };

    expect(await fixture.call(wrong)).toMatchObject({ status: 400, errorType: "InvalidRequestID" });
    expect(fixture.invocation.phase).toBe("running");
  });

  it("takes one answer, and no second", async () => {
    await fixture.respond("1");

    expect(await fixture.respond("2")).toMatchObject({ status: 403, errorType: "InvalidStateTransition" });
    expect(await fixture.fail("{}")).toMatchObject({ status: 403, errorType: "InvalidStateTransition" });
    expect(fixture.invocation.answer).toMatchObject({ payload: Buffer.from("1") });
  });

  it("refuses what Lambda would not take, and has an error for who invoked", async () => {
    expect(await fixture.respond(Buffer.alloc(MAX_RESPONSE_BYTES + 1))).toMatchObject({
      status: 413,
      errorType: "RequestEntityTooLarge",
    });
    expect(fixture.invocation.answer).toMatchObject({ kind: "error", errorType: "Function.ResponseSizeTooLarge" });
  });

  it("takes exactly as much as Lambda does", async () => {
    expect(await fixture.respond(Buffer.alloc(MAX_RESPONSE_BYTES))).toMatchObject({ status: 202 });
  });

  it("tells a response that breaks off from a whole one", async () => {
    const path = `/2018-06-01/runtime/invocation/${fixture.invocation.requestId}/response`;
    const socket = connect(fixture.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${fixture.port}\r\nContent-Length: 100\r\n\r\n{"half`);
    while (fixture.invocation.phase !== "answering") await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();

    expect(await fixture.invocation.answered).toMatchObject({ kind: "error", errorType: "Runtime.TruncatedResponse" });
  });
});

describe("a streamed response", () => {
  const streaming = { "Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked" };
  beforeEach(() => fixture.next());

  it("reaches its reader while it is still written", async () => {
    const path = `/2018-06-01/runtime/invocation/${fixture.invocation.requestId}/response`;
    const sent = request({ host: "127.0.0.1", port: fixture.port, path, method: "POST", headers: streaming });
    sent.write("first ");
    await fixture.streamed.holds("first ");
    expect(fixture.invocation.phase).toBe("answering");

    sent.end("second");
    const answer = await fixture.invocation.answered;

    expect(fixture.streamed.text).toBe("first second");
    expect(answer).toMatchObject({ kind: "response", streamedBytes: 12 });
    expect(answer.payload).toHaveLength(0);
  });

  it("may be larger than a whole one", async () => {
    expect(await fixture.respond(Buffer.alloc(8 * 1024 * 1024, "x"), streaming)).toMatchObject({ status: 202 });
    expect(fixture.streamed.text).toHaveLength(8 * 1024 * 1024);
  });

  it("may fail after it has begun: the trailers say how", async () => {
    const path = `/2018-06-01/runtime/invocation/${fixture.invocation.requestId}/response`;
    const headers = { ...streaming, Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body" };
    const sent = request({ host: "127.0.0.1", port: fixture.port, path, method: "POST", headers });
    const document = '{"errorType":"Midway","errorMessage":"boo"}';
    sent.write("half");
    sent.addTrailers({
      "Lambda-Runtime-Function-Error-Type": "Midway",
      "Lambda-Runtime-Function-Error-Body": Buffer.from(document).toString("base64"),
    });
    sent.end();

    expect(await fixture.invocation.answered).toEqual({
      kind: "error",
      errorType: "Midway",
      payload: Buffer.from(document),
    });
    expect(fixture.streamed.text).toBe("half");
  });

  it("is let go when its reader has gone, and is no failure", async () => {
    fixture.streamed.destroy();

    expect(await fixture.respond("x".repeat(1_000_000), streaming)).toMatchObject({ status: 202 });
  });

  it("is the only mode there is", async () => {
    const mode = { "Lambda-Runtime-Function-Response-Mode": "sideways" };

    expect(await fixture.respond("1", mode)).toMatchObject({ status: 400, errorType: "InvalidFunctionResponseMode" });
    expect(fixture.invocation.answer).toMatchObject({ kind: "error", errorType: "Runtime.InvalidResponseModeHeader" });
  });
});

describe("POST /runtime/invocation/ID/error", () => {
  beforeEach(() => fixture.next());

  it("takes the error's type from its document", async () => {
    const body = '{"errorType":"Inner","errorMessage":"boo"}';

    expect(await fixture.fail(body, { "Lambda-Runtime-Function-Error-Type": "unhandled" })).toMatchObject({
      status: 202,
    });
    expect(fixture.invocation.answer).toEqual({ kind: "error", errorType: "Inner", payload: Buffer.from(body) });
  });

  it("takes it from the header where the document has none", async () => {
    await fixture.fail("{}", { "Lambda-Runtime-Function-Error-Type": "Outer" });

    expect(fixture.invocation.answer).toMatchObject({ errorType: "Outer" });
  });

  it.each(["", "not json", "[]", "null", '{"errorType":5}'])("takes a body that says no type: %j", async (body) => {
    expect(await fixture.fail(body)).toMatchObject({ status: 202 });
    expect(fixture.invocation.answer).toMatchObject({ errorType: "Runtime.Unknown", payload: Buffer.from(body) });
  });

  it("takes a stack trace of nearly 1 MiB in a header", async () => {
    const cause = `{"exceptions":["${"x".repeat(1024 * 1024 - 100)}"]}`;

    expect(await fixture.fail("{}", { "Lambda-Runtime-Function-XRay-Error-Cause": cause })).toMatchObject({
      status: 202,
    });
  });

  it("refuses one that is too large", async () => {
    expect(await fixture.fail("x".repeat(MAX_RESPONSE_BYTES + 1))).toMatchObject({ status: 413 });
    expect(fixture.invocation.answer).toMatchObject({ errorType: "Function.ResponseSizeTooLarge" });
  });
});

describe("POST /runtime/init/error", () => {
  it("says that the runtime cannot start", async () => {
    expect(await fixture.failInit('{"errorType":"Init","errorMessage":"boo"}')).toMatchObject({ status: 202 });
    expect(await fixture.invocation.initFailed).toMatchObject({ errorType: "Init" });
    expect(await fixture.next()).toMatchObject({ status: 403 });
  });

  it("comes too late once the event is taken", async () => {
    await fixture.next();

    expect(await fixture.failInit("{}")).toMatchObject({ status: 403, errorType: "InvalidStateTransition" });
  });

  it("stands also when what it says is too large", async () => {
    expect(await fixture.failInit("x".repeat(MAX_RESPONSE_BYTES + 1))).toMatchObject({ status: 413 });
    expect(fixture.invocation.phase).toBe("init-failed");
  });
});

describe("what is not served", () => {
  it.each([
    ["POST", "//2020-01-01/extension/register"],
    ["GET", "//2020-01-01/extension/event/next"],
    ["PUT", "//2020-08-15/logs"],
    ["PUT", "//2022-07-01/telemetry"],
    ["GET", "/restore/next"],
  ])("is said plainly: %s %s", async (method, path) => {
    const answer = await fixture.call({ method, path });

    expect(answer).toMatchObject({ status: 501, errorType: "NotImplemented" });
    expect(answer.body).toContain("is not served by credbroker");
    expect(fixture.invocation.phase).toBe("starting");
  });

  it.each([
    ["POST", "/invocation/next"],
    ["GET", "/init/error"],
    ["GET", "//"],
    ["GET", "//2015-03-31/functions"],
  ])("is unknown: %s %s", async (method, path) => {
    expect(await fixture.call({ method, path })).toMatchObject({ status: 404, errorType: "NotFound" });
  });
});

describe("what a web page or a proxy sends", () => {
  it.each([
    { Origin: "https://evil.example" },
    { Referer: "https://evil.example/" },
    { Cookie: "a=b" },
    { "Sec-Fetch-Site": "cross-site" },
    { "X-Forwarded-For": "192.0.2.1" },
    { Forwarded: "for=192.0.2.1" },
    { Via: "1.1 proxy" },
    { Host: "evil.example" },
    { Host: "127.0.0.1:1" },
    { Host: "127.0.0.1" },
  ])("does not get the event: %j", async (headers) => {
    expect(await fixture.call({ path: "/invocation/next", headers })).toMatchObject({
      status: 403,
      errorType: "RequestRefused",
    });
    expect(fixture.invocation.phase).toBe("starting");
  });

  it.each(["HTTP/1.0", "HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example"])(
    "does not get the event without exactly one Host: %j",
    async (version) => {
      const head = version.replace("PORT", String(fixture.port));
      const answer = await exchange(
        fixture.port,
        `GET /2018-06-01/runtime/invocation/next ${head}\r\nConnection: close\r\n\r\n`,
      );

      expect([400, 403]).toContain(answer.status);
      expect(fixture.invocation.phase).toBe("starting");
    },
  );

  it.each([{ Host: "localhost:PORT" }, { "Sec-Fetch-Mode": "cors" }, { "Sec-Fetch-Site": "none" }])(
    "is told from what a runtime may send: %j",
    async (given) => {
      const headers = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, value.replace("PORT", String(fixture.port))]),
      );

      expect(await fixture.call({ path: "/invocation/next", headers })).toMatchObject({ status: 200 });
    },
  );
});

it("is on loopback only, on a port of its own", () => {
  expect(fixture.api.address).toMatch(/^127\.0\.0\.1:\d+$/);
});

it("says when no connection is open any more", async () => {
  await fixture.api.idle();
  await fixture.next();
  let idle = false;
  const waiting = fixture.api.idle().then(() => (idle = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(idle).toBe(false);

  await fixture.api.close();

  await waiting;
});
