import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listenForCallback } from "../../src/http/callback-listener.js";
import { SystemClock } from "../../src/system/clock.js";
import { memoryLogger } from "../support/memory-logger.js";

const PATH = "/oauth/callback";
let close = async (): Promise<void> => undefined;
let seen: string[] = [];
const done = { status: 200, html: "<p>done</p>" };

async function listening(decided = async (): Promise<typeof done> => done): Promise<number> {
  seen = [];
  const decide = (parameters: URLSearchParams): Promise<typeof done> => {
    seen.push(parameters.toString());
    return decided();
  };
  const listener = await listenForCallback(
    { path: PATH, decide },
    { clock: new SystemClock(), logger: memoryLogger() },
  );
  close = listener.close;
  return listener.port;
}

/** The request as it stands, byte for byte. */
function raw(port: number, text: string, host = "127.0.0.1"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host }, () => socket.write(text));
    let answer = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
    socket.once("error", reject).once("close", () => resolve(answer));
  });
}

function get(port: number, target: string, host = `127.0.0.1:${port}`, method = "GET"): Promise<string> {
  return raw(port, `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, "127.0.0.1", () => resolve(socket)).on("error", () => undefined);
  });
}

afterEach(() => close());

describe("the listener for a browser that comes back", () => {
  it("hands the parameters on, and answers a page in which nothing runs", async () => {
    const port = await listening();
    const answer = await get(port, `${PATH}?code=a%20b&state=c`);
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(answer).toContain("<p>done</p>");
    expect(answer).toMatch(/content-security-policy: default-src 'none'/i);
    expect(answer).toMatch(/cache-control: no-store/i);
    expect(answer).toMatch(/referrer-policy: no-referrer/i);
    expect(answer).not.toMatch(/access-control/i);
    expect(seen).toEqual(["code=a+b&state=c"]);
  });

  it.each([
    ["another host", 403, "evil.example", `${PATH}?code=1`, "GET"],
    ["the host without a port", 403, "127.0.0.1", `${PATH}?code=1`, "GET"],
    ["localhost, which was not registered", 403, "localhost:PORT", `${PATH}?code=1`, "GET"],
    ["another port", 403, "127.0.0.1:1", `${PATH}?code=1`, "GET"],
    ["a POST", 405, "127.0.0.1:PORT", `${PATH}?code=1`, "POST"],
    ["a HEAD", 405, "127.0.0.1:PORT", `${PATH}?code=1`, "HEAD"],
    ["another path", 404, "127.0.0.1:PORT", "/", "GET"],
    ["a path below", 404, "127.0.0.1:PORT", `${PATH}/?code=1`, "GET"],
    ["a path that only begins so", 404, "127.0.0.1:PORT", `${PATH}x?code=1`, "GET"],
    ["an encoded path", 404, "127.0.0.1:PORT", "/oauth%2Fcallback?code=1", "GET"],
    ["dot segments", 404, "127.0.0.1:PORT", `/x/..${PATH}?code=1`, "GET"],
    ["an absolute target", 404, "127.0.0.1:PORT", `http://127.0.0.1:PORT${PATH}?code=1`, "GET"],
  ])("refuses %s", async (_, status, host, target, method) => {
    const port = await listening();
    const withPort = (text: string): string => text.replace("PORT", String(port));
    expect(await get(port, withPort(target), withPort(host), method)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(seen).toEqual([]);
  });

  it("refuses two hosts and none", async () => {
    const port = await listening();
    const ours = `Host: 127.0.0.1:${port}\r\n`;
    expect(await raw(port, `GET ${PATH} HTTP/1.1\r\n${ours}${ours}\r\n`)).toMatch(/^HTTP\/1.1 (400|403)/);
    expect(await raw(port, `GET ${PATH} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1.1 403/);
    expect(seen).toEqual([]);
  });

  it("takes a path without parameters for one without any, and refuses a body before it is asked", async () => {
    const port = await listening();
    expect(await get(port, PATH)).toMatch(/^HTTP\/1.1 200/);
    const body = `Host: 127.0.0.1:${port}\r\nContent-Length: 1\r\n\r\nx`;
    expect(await raw(port, `GET ${PATH} HTTP/1.1\r\n${body}`)).toMatch(/^HTTP\/1.1 403 [^]*a request with a body/);
    expect(seen).toEqual([""]);
  });

  it("answers that the login failed where what is decided fails, and not why", async () => {
    const port = await listening(() => Promise.reject(new Error("the token is secret")));
    const answer = await get(port, `${PATH}?code=1`);
    expect(answer).toMatch(/^HTTP\/1.1 500 [^]*see your terminal\n/);
    expect(answer).not.toContain("secret");
  });

  it("holds 32 connections at most", async () => {
    const port = await listening();
    const idle = await Promise.all(Array.from({ length: 32 }, () => connected(port)));
    const answerOr = (): Promise<string> => get(port, PATH).catch(() => "cut");
    expect(await answerOr()).not.toMatch(/HTTP/);
    idle[0]!.destroy();
    await expect.poll(answerOr).toMatch(/^HTTP\/1.1 200/);
    for (const socket of idle) socket.destroy();
  });

  it("is there on 127.0.0.1 only, and not at all once it is closed", async () => {
    const port = await listening();
    await expect(raw(port, "", "::1")).rejects.toThrow();
    await close();
    await expect(get(port, PATH)).rejects.toThrow();
  });
});
