import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createLimitedServer, SERVER_LIMITS, type ServerLimits } from "../../src/http/limited-server.js";
import { SystemClock } from "../../src/system/clock.js";
import { FakeClock } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";
import { collect, exchange } from "../support/raw-http.js";

const opened: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** A server on loopback; `asked` are the targets that reached the handler. */
async function serving(handler: RequestListener, limits: Partial<ServerLimits> = {}) {
  const lines: LogLine[] = [];
  const asked: string[] = [];
  let refused = 0;
  const limited = createLimitedServer(
    (request, response) => {
      asked.push(request.url!);
      handler(request, response);
    },
    {
      clock: new SystemClock(),
      logger: memoryLogger(lines),
      limits: { ...SERVER_LIMITS, ...limits },
      onRefused: () => refused++,
    },
  );
  limited.server.listen(0, "127.0.0.1");
  await once(limited.server, "listening");
  opened.push(limited);
  return { ...limited, port: (limited.server.address() as AddressInfo).port, asked, lines, refused: () => refused };
}

const hello: RequestListener = (_request, response) => response.end("hello");

/** A handler that leaves each request waiting until the test answers it. */
function waiting() {
  const responses: ServerResponse[] = [];
  const handler: RequestListener = (_request, response) => void responses.push(response);
  const arrived = async (count: number): Promise<void> => {
    while (responses.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return { handler, responses, arrived };
}

function request(target: string, ...fields: readonly string[]): string {
  return [`GET ${target} HTTP/1.1`, "Host: x", ...fields, "", ""].join("\r\n");
}

const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];

function answersIn(text: string): number {
  return text.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0;
}

describe("one connection", () => {
  it("has one answer for what came in one piece, and is closed behind it", async () => {
    const { port, asked } = await serving(hello);

    const { text } = await exchange(port, request("/1") + request("/2") + request("/3"));

    expect([asked, answersIn(text)]).toEqual([["/1"], 1]);
    expect(text).toContain("hello");
  });

  it("is closed behind an answer that was under way when the next request came, and keeps that answer whole", async () => {
    const { handler, responses, arrived } = waiting();
    const { port, asked } = await serving(handler);
    const socket = connect(port, "127.0.0.1");
    const both = request("/first") + request("/early");
    const answered = collect(socket, request("/first"));
    await arrived(1);

    socket.write(request("/early"));
    await expect.poll(() => responses[0]!.socket!.bytesRead).toBe(both.length);
    responses[0]!.end("first");

    const { text } = await answered;
    expect([asked, answersIn(text)]).toEqual([["/first"], 1]);
    expect(text).toContain("first");
  });

  it("is dropped where nonsense comes while an answer is under way: no refusal stands in the middle of an answer", async () => {
    const { handler, responses, arrived } = waiting();
    const { port } = await serving(handler);
    const socket = connect(port, "127.0.0.1");
    const answered = collect(socket, request("/first"));
    await arrived(1);
    responses[0]!.writeHead(200, { "Content-Length": 10 });
    responses[0]!.write("half");
    await once(socket, "data");

    socket.write("nonsense\r\n\r\n");

    const { text } = await answered;
    expect([answersIn(text), text.endsWith("half")]).toEqual([1, true]);
  });

  it("may be used again after an answer", async () => {
    const { port, asked } = await serving(hello);
    const socket = connect(port, "127.0.0.1");
    for (const target of ["/1", "/2"]) {
      socket.write(request(target));
      expect(String(((await once(socket, "data")) as [Buffer])[0])).toMatch(/^HTTP\/1\.1 200/);
    }
    socket.destroy();

    expect(asked).toEqual(["/1", "/2"]);
  });
});

describe("a server that takes no bodies", () => {
  it.each([
    ["one byte", ["Content-Length: 1"], "x"],
    ["ten bytes", ["Content-Length: 10"], "0123456789"],
    ["the promise of many", ["Content-Length: 1000000000000"], ""],
    ["no chunk", ["Transfer-Encoding: chunked"], "0\r\n\r\n"],
  ])("refuses %s before the handler", async (_what, fields, body) => {
    const { port, asked } = await serving(hello, { bodies: false });

    const { status, json, text } = await exchange(port, request("/", ...fields) + body);

    expect([status, asked, answersIn(text)]).toEqual([403, [], 1]);
    expect(json).toMatchObject({ code: "RequestRefused", message: "a request with a body is not answered" });
  });

  it.each(["0", "00"])("answers a length of %s", async (length) => {
    const { port } = await serving(hello, { bodies: false });

    expect((await exchange(port, request("/", `Content-Length: ${length}`, "Connection: close"))).status).toBe(200);
  });
});

it("a server that takes bodies hands them to the handler", async () => {
  const { port } = await serving((incoming, response) => incoming.pipe(response));

  const { text } = await exchange(port, `${request("/", "Content-Length: 5", "Connection: close")}12345`);

  expect(text).toMatch(/12345/);
});

describe("what is no plain request", () => {
  it("is refused where it asks for an upgrade, which the handler does not see", async () => {
    const { port, asked } = await serving(hello);

    const { status, json } = await exchange(port, request("/", ...UPGRADE));

    expect([status, asked]).toEqual([403, []]);
    expect(json).toMatchObject({ code: "RequestRefused", message: "upgrades are not answered" });
  });

  it("is refused where it is malformed", async () => {
    const { port } = await serving(hello);

    const { status, json } = await exchange(port, "nonsense\r\n\r\n");

    expect(status).toBe(403);
    expect(json).toMatchObject({ code: "RequestRefused", message: "the request is malformed or too large" });
  });

  it("is dropped without an answer where it asks for a tunnel", async () => {
    const { port, asked } = await serving(hello);

    const { text } = await exchange(port, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n");

    expect([text, asked]).toEqual(["", []]);
  });

  it("is told of once, where it was refused before the handler", async () => {
    const { port, asked, refused } = await serving(hello, { bodies: false });
    const body = `${request("/", "Content-Length: 1")}x`;
    const tunnel = "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n";

    for (const bytes of ["nonsense\r\n\r\n", request("/", ...UPGRADE), body, tunnel]) await exchange(port, bytes);
    expect([refused(), asked]).toEqual([4, []]);

    await exchange(port, request("/", "Connection: close"));
    await exchange(port, request("/1") + request("/2"));
    expect(refused()).toBe(4);
  });

  it("is not told of where it came late, or behind an answer that was under way", async () => {
    const { handler, arrived } = waiting();
    const { port, refused } = await serving(handler, { headersTimeout: 200, connectionsCheckingInterval: 50 });
    expect((await exchange(port, "GET / HTTP/1.1\r\n")).status).toBe(503);

    const socket = connect(port, "127.0.0.1");
    const answered = collect(socket, request("/first"));
    await arrived(1);
    socket.write("nonsense\r\n\r\n");
    await answered;

    expect(refused()).toBe(0);
  });

  it("reaches the handler where it has no Host or an expectation: the handler refuses them", async () => {
    const { port, asked } = await serving(hello);

    await exchange(port, "GET /hostless HTTP/1.1\r\nConnection: close\r\n\r\n");
    const expecting = await exchange(port, request("/expecting", "Expect: 100-continue", "Connection: close"));
    await exchange(port, request("/strange", "Expect: strange", "Connection: close"));

    expect(asked).toEqual(["/hostless", "/expecting", "/strange"]);
    expect(expecting.text).not.toContain("100 Continue");
  });

  it("harms no other client where its connection is reset behind a refusal", async () => {
    const { port } = await serving(hello);
    for (const bytes of [request("/", ...UPGRADE), "nonsense\r\n\r\n", request("/") + request("/")]) {
      const socket = connect(port, "127.0.0.1").on("error", () => undefined);
      await once(socket, "connect");
      socket.write(bytes, () => socket.resetAndDestroy());
      await once(socket, "close");
    }

    expect((await exchange(port, request("/", "Connection: close"))).status).toBe(200);
  });
});

describe("a server with as many answers under way as it may have", () => {
  it("tells the next to come again and closes its connection, until one has been answered", async () => {
    const { handler, responses, arrived } = waiting();
    const { port, asked } = await serving(handler, { maxAnswering: 2 });
    const held = [exchange(port, request("/1", "Connection: close")), exchange(port, request("/2"))];
    await arrived(2);

    const { status, json, text } = await exchange(port, request("/3"));
    expect([status, asked.includes("/3")]).toEqual([503, false]);
    expect(json).toMatchObject({ code: "CredentialsPending", message: "too many requests at once" });
    expect(text).toMatch(/\r\nConnection: close\r\n/i);

    responses[0]!.end();
    await held[0];
    const next = exchange(port, request("/4", "Connection: close"));
    await arrived(3);
    for (const response of responses.slice(1)) response.setHeader("Connection", "close").end();
    expect([(await next).status, (await held[1])?.status]).toEqual([200, 200]);
  });
});

describe("what goes wrong in a server", () => {
  it("costs a client its connection where the handler throws, is logged, and harms no other client", async () => {
    const { port, lines } = await serving((incoming, response) => {
      if (incoming.url === "/bad") throw new TypeError("from the test");
      response.end("hello");
    });

    expect((await exchange(port, request("/bad"))).text).toBe("");
    expect((await exchange(port, request("/", "Connection: close"))).status).toBe(200);
    expect(lines.map(({ level, fields }) => [level, fields["err"]])).toEqual([["error", expect.any(TypeError)]]);
  });

  it("is logged where a connection could not be accepted, and the server goes on", async () => {
    const { server, port, lines } = await serving(hello);
    const error = Object.assign(new Error("accept EMFILE"), { code: "EMFILE" });

    server.emit("error", error); // as Node tells that it had no descriptor left

    expect(lines).toEqual([{ level: "error", message: "a connection was not accepted", fields: { err: error } }]);
    expect((await exchange(port, request("/", "Connection: close"))).status).toBe(200);
  });

  it("is told to who listens, not logged, where it cannot listen", async () => {
    const lines: LogLine[] = [];
    const { port } = await serving(hello);
    const second = createLimitedServer(hello, {
      clock: new FakeClock(),
      logger: memoryLogger(lines),
      limits: SERVER_LIMITS,
    });

    second.server.listen(port, "127.0.0.1");
    const [error] = (await once(second.server, "error")) as [NodeJS.ErrnoException];

    expect([error.code, lines]).toEqual(["EADDRINUSE", []]);
  });
});

describe("the end of a server", () => {
  it("comes once however often it is asked for, and leaves no timer behind", async () => {
    const clock = new FakeClock();
    const limited = createLimitedServer(hello, { clock, logger: memoryLogger(), limits: SERVER_LIMITS });
    limited.server.listen(0, "127.0.0.1");
    await once(limited.server, "listening");

    await Promise.all([limited.close(), limited.close()]);

    expect(clock.pending).toBe(0);
  });
});
