import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { toBrokerError } from "../../src/core/errors.js";
import { errorAnswer, errorHandler } from "../../src/http/json-answer.js";
import { type Listener, listenOnLoopback } from "../../src/http/listen.js";
import { type GuardedRequest, requestGuard, requestRefusal } from "../../src/http/request-guard.js";
import { SystemClock } from "../../src/system/clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { exchange } from "../support/raw-http.js";

/** The whole table as bytes on a socket, with a good token in each, is test/endpoint/hostile-requests.test.ts. */
const rules = { paths: /^\/creds$/ };
const HOST = { host: ["127.0.0.1:9171"] };
const good: GuardedRequest = { httpVersion: "1.1", method: "GET", url: "/creds", fields: HOST, localPort: 9171 };

function told(change: Partial<GuardedRequest>): string | undefined {
  const refusal = requestRefusal({ ...good, ...change }, rules);
  return refusal && `${refusal.code}: ${refusal.message}`;
}

const withFields = (fields: GuardedRequest["fields"]): string | undefined => told({ fields: { ...HOST, ...fields } });

describe("the request guard", () => {
  it("passes what an SDK sends", () => expect(told({})).toBeUndefined());

  it.each(["1.0", "0.9", "2.0", ""])("refuses HTTP version %j", (httpVersion) => {
    expect(told({ httpVersion })).toMatch(/^RequestRefused: .*HTTP\/1\.1/);
  });

  it.each([["127.0.0.1"], ["127.0.0.1:9171"], ["localhost"], ["LOCALHOST:9171"], ["[::1]"], ["[::1]:9171"]])(
    "takes %s for its own name",
    (host) => expect(told({ fields: { host: [host] } })).toBeUndefined(),
  );

  it.each([
    ["evil.example"],
    ["evil.example:9171"],
    ["127.0.0.1:9172"],
    ["127.0.0.1:"],
    ["127.0.0.2"],
    ["localhost.:9171"],
    ["127.0.0.1:9171.evil.example"],
    ["x127.0.0.1:9171"],
    ["::1"],
    [""],
  ])("refuses %j as the name of another host", (host) => {
    expect(told({ fields: { host: [host] } })).toBe("RequestRefused: the Host is not ours");
  });

  it("refuses a request without a Host, and one with two even where both are ours", () => {
    const one = "RequestRefused: a request has exactly one Host";
    expect(told({ fields: {} })).toBe(one);
    expect(told({ fields: { host: ["127.0.0.1", "127.0.0.1"] } })).toBe(one);
  });

  it("knows no port on a connection that is already gone: only a Host without one passes then", () => {
    const gone = { localPort: undefined };

    expect(told({ ...gone })).toMatch(/^RequestRefused/);
    expect(told({ ...gone, fields: { host: ["127.0.0.1:undefined"] } })).toMatch(/^RequestRefused/);
    expect(told({ ...gone, fields: { host: ["localhost"] } })).toBeUndefined();
  });

  it.each(["origin", "referer", "cookie"])("refuses what a browser adds: %s, empty or not", (name) => {
    expect(withFields({ [name]: [""] })).toBe(`RequestRefused: a request with ${name} comes from a browser`);
    expect(withFields({ [name]: ["http://127.0.0.1:9171"] })).toMatch(/^RequestRefused/);
  });

  it("passes Sec-Fetch-Site only where all of them say that no page asked", () => {
    expect(withFields({ "sec-fetch-site": ["none"] })).toBeUndefined();
    expect(withFields({ "sec-fetch-site": ["same-origin"] })).toMatch(/^RequestRefused: .*browser/);
    expect(withFields({ "sec-fetch-site": ["none", "cross-site"] })).toMatch(/^RequestRefused: .*browser/);
    expect(withFields({ "sec-fetch-mode": ["cors"] })).toBeUndefined();
  });

  it.each(["forwarded", "via", "x-forwarded-for", "x-forwarded-zzz"])("refuses what a proxy adds: %s", (name) => {
    expect(withFields({ [name]: ["1"] })).toBe(`RequestRefused: a request with ${name} comes through a proxy`);
  });

  it("passes fields whose names only contain those of a proxy", () => {
    expect(withFields({ "x-not-x-forwarded-for": ["1"], viable: ["1"], "x-forwarded": ["1"] })).toBeUndefined();
  });

  it.each(["transfer-encoding", "upgrade", "expect"])("refuses %s", (name) => {
    expect(withFields({ [name]: ["x"] })).toBe(`RequestRefused: a request with ${name} is not answered`);
  });

  it("passes a body of no length and refuses every other", () => {
    for (const none of [["0"], ["00"], ["0", "0"]]) expect(withFields({ "content-length": none })).toBeUndefined();
    for (const some of [["1"], ["10"], ["01"], ["0x"], ["-0"], [""], ["0", "1"]]) {
      expect(withFields({ "content-length": some })).toBe("RequestRefused: a request with a body is not answered");
    }
  });

  it("passes one Authorization and refuses two, even where they are the same", () => {
    expect(withFields({ authorization: ["token"] })).toBeUndefined();
    expect(withFields({ authorization: ["token", "token"] })).toBe(
      "RequestRefused: a request has at most one Authorization",
    );
  });

  it("finds nothing with another method, another target or none", () => {
    for (const method of ["POST", "HEAD", "get", undefined])
      expect(told({ method })).toMatch(/^LeaseUnknown: only GET/);
    for (const url of ["/", "/creds/", "/creds?", "", undefined])
      expect(told({ url })).toMatch(/^LeaseUnknown: no lease/);
  });

  it("looks at where a request comes from before what it wants", () => {
    expect(told({ url: "/nothing", method: "POST", fields: { host: ["evil.example"] } })).toMatch(/^RequestRefused/);
  });

  it("names the fix for everything that it refuses", () => {
    for (const bad of [{ url: "/" }, { method: "PUT" }, { httpVersion: "1.0" }, { fields: {} }]) {
      expect(requestRefusal({ ...good, ...bad }, rules)?.hint).toBe('eval "$(brokerctl env)"');
    }
  });
});

describe("the request guard as the first handler of an app", () => {
  const opened: Listener[] = [];
  afterEach(async () => {
    for (const listener of opened.splice(0)) await listener.close();
  });

  /** An app behind the guard that says what got through, on a real socket. */
  async function guarded(): Promise<{ readonly port: number; readonly passed: string[] }> {
    const logger = memoryLogger();
    const passed: string[] = [];
    const app = express();
    app.use(requestGuard(rules));
    app.use((request, response) => {
      passed.push(request.url);
      response.end("passed");
    });
    app.use(errorHandler({ logger, answerOf: (error) => errorAnswer(toBrokerError(error), 403) }));
    const limits = { keepAliveTimeout: 100 };
    const listener = await listenOnLoopback(app, { port: 0, clock: new SystemClock(), logger, limits });
    opened.push(listener);
    return { port: listener.port!, passed };
  }

  const request = (host: string, ...more: readonly string[]): string =>
    [`GET /creds HTTP/1.1`, `Host: ${host}`, ...more, "", ""].join("\r\n");

  it("lets a good request through, by the port that it came to, and keeps its connection", async () => {
    const { port, passed } = await guarded();

    const { status, text } = await exchange(port, request(`127.0.0.1:${port}`));

    expect([status, passed]).toEqual([200, ["/creds"]]);
    expect(text).toMatch(/\r\nConnection: keep-alive\r\n[^]*passed/i);
  });

  it("answers a refused request with its error, lets nothing through and closes the connection", async () => {
    const { port, passed } = await guarded();

    const { status, json, text } = await exchange(port, request(`127.0.0.1:${port}`, "Origin: null"));

    expect([status, passed]).toEqual([403, []]);
    expect(json).toMatchObject({ code: "RequestRefused" });
    expect(text).toMatch(/\r\nConnection: close\r\n/i);
  });

  it("sees each field that was sent, where Node keeps one of two", async () => {
    const { port, passed } = await guarded();

    const twice = await exchange(port, request(`127.0.0.1:${port}`, "Authorization: a", "authorization: a"));

    expect([twice.json?.["message"], passed]).toEqual([expect.stringContaining("at most one Authorization"), []]);
  });
});
