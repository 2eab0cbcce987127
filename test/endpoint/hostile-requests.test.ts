import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Listener } from "../../src/http/listen.js";
import { ACCESS_KEY_ID, endpointFixture } from "../support/endpoint-fixture.js";
import { exchange } from "../support/raw-http.js";

const fixture = endpointFixture();
let listener: Listener;
let port: number;

beforeAll(async () => {
  listener = await fixture.listen({ headersTimeout: 300, requestTimeout: 400, connectionsCheckingInterval: 50 });
  port = listener.port!;
});
afterAll(async () => listener.close());

/** PORT and TOKEN stand for the real ones: everything else about these requests is as the row says. */
function bytes(template: string): string {
  return template.replaceAll("PORT", String(port)).replaceAll("TOKEN", fixture.token);
}

/** A good request but for `headers`, each of which replaces the good ones of its name. */
function withHeaders(...headers: string[]): string {
  const names = headers.map((header) => header.split(":")[0]!.toLowerCase());
  const good = ["Host: 127.0.0.1:PORT"].filter((header) => !names.includes(header.split(":")[0]!.toLowerCase()));
  return `GET /lease/TOKEN HTTP/1.1\r\n${[...good, ...headers].join("\r\n")}\r\n\r\n`;
}

function withTarget(target: string, ...headers: string[]): string {
  return `GET ${target} HTTP/1.1\r\n${["Host: 127.0.0.1:PORT", ...headers].join("\r\n")}\r\n\r\n`;
}

const MANY = "x".repeat(20 * 1024);

/** Every row carries a good token: the refusal never rests on the token alone. */
const REFUSED: readonly (readonly [name: string, request: string])[] = [
  // DNS rebinding, and names that resolve to us
  ["a foreign Host", withHeaders("Host: evil.example")],
  ["a foreign Host with our port", withHeaders("Host: evil.example:PORT")],
  ["Host 0.0.0.0", withHeaders("Host: 0.0.0.0:PORT")],
  ["Host as a number", withHeaders("Host: 2130706433:PORT")],
  ["Host 127.1", withHeaders("Host: 127.1:PORT")],
  ["another address of the loopback net", withHeaders("Host: 127.0.0.2:PORT")],
  ["our Host as a prefix", withHeaders("Host: 127.0.0.1:PORT.evil.example")],
  ["our Host as a prefix of a name", withHeaders("Host: 127.0.0.1.evil.example:PORT")],
  ["localhost with a final dot", withHeaders("Host: localhost.:PORT")],
  ["localhost6", withHeaders("Host: localhost6:PORT")],
  ["host.docker.internal", withHeaders("Host: host.docker.internal:PORT")],
  ["another port", withHeaders("Host: 127.0.0.1:1")],
  ["our port with a zero before it", withHeaders("Host: 127.0.0.1:0PORT")],
  ["an empty port", withHeaders("Host: 127.0.0.1:")],
  ["a user in the Host", withHeaders("Host: x@127.0.0.1:PORT")],
  ["an IPv6 Host without brackets", withHeaders("Host: ::1")],
  ["a mapped IPv6 Host", withHeaders("Host: [::ffff:127.0.0.1]:PORT")],
  ["an empty Host", withHeaders("Host:")],
  ["no Host", "GET /lease/TOKEN HTTP/1.1\r\n\r\n"],
  ["two Hosts, both ours", withHeaders("Host: 127.0.0.1:PORT", "Host: 127.0.0.1:PORT")],
  ["two Hosts, the first ours", withHeaders("Host: 127.0.0.1:PORT", "Host: evil.example")],
  ["two Hosts, the last ours", withHeaders("Host: evil.example", "Host: 127.0.0.1:PORT")],
  // browsers
  ["an Origin", withHeaders("Origin: https://evil.example")],
  ["Origin null", withHeaders("Origin: null")],
  ["our own Origin", withHeaders("Origin: http://127.0.0.1:PORT")],
  ["an empty Origin", withHeaders("Origin:")],
  ["a Referer", withHeaders("Referer: http://127.0.0.1:PORT/")],
  ["a Cookie", withHeaders("Cookie: a=b")],
  ["Sec-Fetch-Site cross-site", withHeaders("Sec-Fetch-Site: cross-site")],
  ["Sec-Fetch-Site same-origin", withHeaders("Sec-Fetch-Site: same-origin")],
  ["Sec-Fetch-Site none and another", withHeaders("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site")],
  ["a CORS preflight", withHeaders("Origin: https://evil.example").replace("GET", "OPTIONS")],
  // proxies and tricked servers
  ["X-Forwarded-For", withHeaders("X-Forwarded-For: 127.0.0.1")],
  ["X-Forwarded-Host", withHeaders("X-Forwarded-Host: 127.0.0.1")],
  ["X-Forwarded-anything", withHeaders("x-forwarded-zzz: 1")],
  ["Forwarded", withHeaders("Forwarded: for=127.0.0.1")],
  ["Via", withHeaders("Via: 1.1 proxy")],
  // bodies, upgrades, expectations
  ["a body", `${withHeaders("Content-Length: 1")}x`],
  ["the promise of a body", withHeaders("Content-Length: 1000000000000")],
  ["a chunked body", `${withHeaders("Transfer-Encoding: chunked")}0\r\n\r\n`],
  ["a length and chunks", `${withHeaders("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`],
  ["two lengths", withHeaders("Content-Length: 0", "Content-Length: 1")],
  ["an upgrade to WebSocket", withHeaders("Connection: Upgrade", "Upgrade: websocket")],
  ["an Upgrade header alone", withHeaders("Upgrade: h2c")],
  ["Expect 100-continue", withHeaders("Expect: 100-continue")],
  ["another Expect", withHeaders("Expect: everything")],
  // two tokens
  ["two Authorizations", withTarget("/creds", "Authorization: TOKEN", "Authorization: TOKEN")],
  ["two Authorizations, the last wrong", withTarget("/creds", "Authorization: TOKEN", "authorization: x")],
  // versions and parser
  ["HTTP/1.0", withHeaders().replace("HTTP/1.1", "HTTP/1.0")],
  ["HTTP/1.0 without Host", "GET /lease/TOKEN HTTP/1.0\r\n\r\n"],
  ["HTTP/0.9", "GET /lease/TOKEN\r\n\r\n"],
  ["HTTP/1.2", withHeaders().replace("HTTP/1.1", "HTTP/1.2")],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a header folded over two lines", withHeaders("X-A: 1\r\n 2")],
  ["a space before the colon", withHeaders("X-A : 1")],
  ["bare line feeds", withHeaders().replaceAll("\r\n", "\n")],
  ["a NUL in a header", withHeaders("X-A: \u0000")],
  ["a NUL in the target", withTarget("/lease/TOKEN\u0000")],
  ["a header of 20 KiB", withHeaders(`X-A: ${MANY}`)],
  ["a target of 20 KiB", withTarget(`/lease/TOKEN${MANY}`)],
  ["backslashes", withTarget("\\lease\\TOKEN")],
  ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003"],
  ["noise", "\u0000\u0001\u0002\r\n\r\n"],
];

/** Refused like a bad token: there is nothing to be had there, and nothing tells why. */
const NOT_FOUND: readonly (readonly [name: string, request: string])[] = [
  ["the absolute form", withTarget("http://127.0.0.1:PORT/lease/TOKEN")],
  ["the absolute form of another host", withTarget("http://evil.example/lease/TOKEN")],
  ["dot segments", withTarget("/x/../lease/TOKEN")],
  ["encoded dot segments", withTarget("/%2e%2e/lease/TOKEN")],
  ["an encoded NUL", withTarget("/lease/TOKEN%00")],
  ["a broken encoding", withTarget("/lease/TOKEN%zz")],
  ["an encoded path", withTarget("/%6cease/TOKEN")],
  ["two slashes", withTarget("//lease/TOKEN")],
  ["a query", withTarget("/lease/TOKEN?a=b")],
  ["a fragment", withTarget("/lease/TOKEN#a")],
  ["the token in the query", withTarget("/creds?token=TOKEN")],
  ["a path parameter", withTarget("/creds;TOKEN", "Authorization: TOKEN")],
  ["the asterisk form", withTarget("*").replace("GET", "OPTIONS")],
  ["HEAD", withHeaders().replace("GET", "HEAD")],
  ["POST", withHeaders("Content-Length: 0").replace("GET", "POST")],
  ["PUT of the IMDS", withTarget("/latest/api/token").replace("GET", "PUT")],
  ["TRACE", withHeaders().replace("GET", "TRACE")],
];

/** Of the refusals on record since there were `before`. */
function codesSince(before: number): readonly (string | undefined)[] {
  return fixture.recorded.slice(before).map(({ event, code }) => (event === "refused" ? code : event));
}

describe("hostile requests", () => {
  it("are many", () => expect(REFUSED.length + NOT_FOUND.length).toBeGreaterThanOrEqual(80));

  it.each(REFUSED)("are refused, the connection closed, once on record: %s", async (_name, request) => {
    const before = fixture.recorded.length;

    const { text, json, status } = await exchange(port, bytes(request));

    expect(status).toBe(403);
    expect(json).toMatchObject({ code: "RequestRefused", Code: "RequestRefused" });
    expect(answersIn(text)).toBe(1);
    expectNothingLeaked(text);
    await expect.poll(() => codesSince(before)).toEqual(["RequestRefused"]);
  });

  it.each(NOT_FOUND)("find nothing, and are once on record: %s", async (_name, request) => {
    const before = fixture.recorded.length;

    const { text, status } = await exchange(port, bytes(request));

    expect(status).toBe(403);
    if (!request.startsWith("HEAD")) expect(text).toContain('"code":"LeaseUnknown"');
    expectNothingLeaked(text);
    await expect.poll(() => codesSince(before)).toEqual(["LeaseUnknown"]);
  });

  it("half a request is told to come again: it may be us who did not read it in time", async () => {
    const { text, json, status } = await exchange(port, bytes("GET /lease/TOKEN HTTP/1.1\r\nHost: 127"));

    expect(status).toBe(503);
    expect(json).toMatchObject({ code: "CredentialsPending" });
    expectNothingLeaked(text);
  });

  it("CONNECT is dropped without an answer, and on record", async () => {
    const before = fixture.recorded.length;

    const { text } = await exchange(port, bytes("CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"));

    expect(text).toBe("");
    expect(codesSince(before)).toEqual(["RequestRefused"]);
  });

  it("what follows a refused request on its connection is not answered", async () => {
    const { text } = await exchange(port, bytes(withHeaders("Origin: null") + withHeaders()));

    expect(answersIn(text)).toBe(1);
    expectNothingLeaked(text);
  });

  it("what follows a good request is refused by closing, the good answer stays whole", async () => {
    const { text, json } = await exchange(port, bytes(`${withHeaders()}nonsense\r\n\r\n`));

    expect(json === undefined || json["AccessKeyId"] === ACCESS_KEY_ID).toBe(true);
    expect(answersIn(text)).toBe(json === undefined ? 0 : 1);
  });

  it("a connection that is reset at once, or before anything was sent, harms no other client", async () => {
    for (let attempt = 0; attempt < 50; attempt++) {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      if (attempt % 2 === 0) socket.write(bytes(withHeaders()));
      socket.resetAndDestroy();
    }

    const { status } = await exchange(port, bytes(withHeaders("Connection: close")));
    expect(status).toBe(200);
  });

  it("leave no token and no credential in the log and on record", () => {
    const written = JSON.stringify([fixture.logger.lines, fixture.recorded]);

    expect(fixture.fetches().length).toBeGreaterThan(50);
    expectNothingLeaked(written);
    expect(fixture.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

const PASSED: readonly (readonly [name: string, request: string])[] = [
  ["only a Host, as the JS SDK sends", withHeaders()],
  ["Host without port, as the CRT sends", withHeaders("Host: 127.0.0.1")],
  ["Host localhost", withHeaders("Host: localhost:PORT")],
  ["Host LOCALHOST", withHeaders("Host: LocalHost")],
  ["Host [::1]", withHeaders("Host: [::1]:PORT")],
  ["Sec-Fetch-Mode: cors, as Node's own fetch sends", withHeaders("sec-fetch-mode: cors", "accept-language: *")],
  ["Sec-Fetch-Site: none", withHeaders("Sec-Fetch-Site: none")],
  ["names in mixed case, as C++ sends", withTarget("/creds", "aUTHORIZATION: TOKEN", "USER-AGENT: aws-sdk-cpp")],
  ["Bearer", withTarget("/creds", "Authorization: Bearer TOKEN")],
  ["a body of no length", withHeaders("Content-Length: 0")],
  ["whatever Accept", withHeaders("Accept: text/html, image/gif, image/jpeg, */*; q=0.2", "Accept-Encoding: gzip")],
  ["unknown headers", withHeaders("Amz-Sdk-Request: attempt=1; max=3", "X-Api-Key: y", "TE: trailers")],
  ["a header of 6 KiB", withHeaders(`X-A: ${"x".repeat(6 * 1024)}`)],
];

describe("honest requests", () => {
  it.each(PASSED)("pass: %s", async (_name, request) => {
    const { json, status, text } = await exchange(
      port,
      bytes(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")),
    );

    expect(status).toBe(200);
    expect(json).toMatchObject({ AccessKeyId: ACCESS_KEY_ID });
    expect(text).not.toMatch(/access-control|etag|x-powered-by/i);
  });

  it("are answered one at a time: what comes before an answer has left closes the connection behind it", async () => {
    const { text, json } = await exchange(port, bytes(withHeaders() + withHeaders() + withHeaders()));

    expect(answersIn(text)).toBe(1);
    expect(json).toMatchObject({ AccessKeyId: ACCESS_KEY_ID });
  });

  it("cost one answer a connection, however many come in one piece", async () => {
    const asked = fixture.credentials.asked;
    const { text } = await exchange(port, bytes(withHeaders()).repeat(500));

    expect(answersIn(text)).toBeLessThanOrEqual(1);
    expect(fixture.credentials.asked).toBe(asked + 1);
  });

  it("keep their connection from one answer to the next, also after a wrong token", async () => {
    const socket = connect({ port, host: "127.0.0.1" });
    const answers: string[] = [];
    for (const token of ["nonsense", fixture.token, fixture.token]) {
      socket.write(bytes(withTarget("/creds", `Authorization: ${token}`)));
      answers.push(String(((await once(socket, "data")) as [Buffer])[0]).slice(0, 12));
    }
    socket.destroy();

    expect(answers).toEqual(["HTTP/1.1 403", "HTTP/1.1 200", "HTTP/1.1 200"]);
  });

  it("of /healthz have one answer a connection", async () => {
    const { text } = await exchange(port, bytes(withTarget("/healthz")));

    expect(text).toMatch(/^HTTP\/1\.1 204 [^]*\r\nConnection: close\r\n/i);
  });

  it("get the same over ::1 where there is one", async () => {
    const { status } = await exchange(port, bytes(withHeaders("Host: [::1]:PORT", "Connection: close")), "::1");

    expect(status).toBe(200);
  });
});

function answersIn(text: string): number {
  return text.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0;
}

function expectNothingLeaked(text: string): void {
  expect(text).not.toContain(ACCESS_KEY_ID);
  expect(text).not.toContain("AccessKeyId");
  expect(text).not.toContain(fixture.token.slice(4));
  expect(text).not.toMatch(/access-control-/i);
}
