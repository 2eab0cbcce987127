import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../src/audit/audit-event.js";
import type { PageEvent } from "../../src/control-api/page-contract.js";
import { Pages } from "../../src/ui/pages.js";
import { FakePeers } from "../fakes/fake-peers.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { ask, PageTab, partsOf, takeLink } from "../support/page-client.js";
import { exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

const MINUTE = 60_000;
const INDEX = "<!doctype html><title>credbroker</title>";

let clock: FakeClock;
let peers: FakePeers;
let pages: Pages;
let recorded: AuditEvent[];
let watching: Set<(lines: readonly string[]) => void>;
let asked: { readonly operation: string; readonly body: unknown }[];
let signals: AbortSignal[];
/** Until it resolves, what is asked is not answered. */
let answering: Promise<void>;

beforeEach(() => {
  const directory = join(tempDir("page"), "page");
  mkdirSync(directory);
  writeFileSync(join(directory, "index.html"), INDEX);
  writeFileSync(join(directory, "page.js"), "export {};");
  writeFileSync(join(directory, "page.css"), "body{}");
  writeFileSync(join(directory, "notes.txt"), "not of the page");
  clock = new FakeClock();
  peers = new FakePeers();
  recorded = [];
  watching = new Set();
  asked = [];
  signals = [];
  answering = Promise.resolve();
  pages = new Pages({
    ...{ directory, peers, clock, logger: memoryLogger([]) },
    audit: {
      record: (event) => void recorded.push(event),
      watch: (told) => {
        watching.add(told);
        return () => watching.delete(told);
      },
    },
    operations: {
      run: async (operation, body, { signal }) => {
        asked.push({ operation, body });
        signals.push(signal);
        await answering;
        return { done: operation };
      },
    },
  });
});

afterEach(async () => pages.stop());

async function openTab(): Promise<PageTab> {
  return PageTab.open((await pages.open([])).url);
}

/** Once the stream is open; the events are those until `until` holds. */
async function streaming(
  tab: PageTab,
  until: (events: readonly PageEvent[]) => boolean,
): Promise<{ readonly followed: Promise<readonly PageEvent[]> }> {
  let opened = (): void => undefined;
  const isOpen = new Promise<void>((resolve) => (opened = resolve));
  const followed = tab.follow(until, opened);
  await isOpen;
  return { followed };
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

describe("the page's files", () => {
  it("come with a policy without unsafe- and nothing from elsewhere, in no frame, with no cookie and no CORS header", async () => {
    const { port } = partsOf((await pages.open([])).url);

    for (const path of ["/", "/page.js", "/page.css"]) {
      const { status, headers } = await ask(port, { path, headers: { "Sec-Fetch-Site": "none" } });
      expect(status, path).toBe(200);
      const policy = headers["content-security-policy"] ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe-|https?:|\*|data:/);
      expect(headers).toMatchObject({
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "origin-agent-cluster": "?1",
        "cache-control": "no-store",
      });
      expect(
        Object.keys(headers).filter((name) => /^set-cookie$|^access-control-|^etag$|^x-powered-by$/.test(name)),
      ).toEqual([]);
    }
    expect((await ask(port, { path: "/" })).text).toBe(INDEX);
  });

  it.each([
    "/index.html",
    "/notes.txt",
    "/../package.json",
    "/%2e%2e/package.json",
    "/page.js?x",
    "//page.js",
    "/page.js/",
  ])("are those of the page: not %s", async (path) => {
    const { port } = partsOf((await pages.open([])).url);
    const { status, text } = await ask(port, { path });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain("not of the page");
  });

  it("that are not installed are said to be missing, and the next try looks again", async () => {
    const bare = new Pages({
      ...{ directory: "/nonexistent", peers, clock, logger: memoryLogger([]) },
      audit: { record: () => undefined, watch: () => () => undefined },
      operations: { run: async () => ({}) },
    });
    await expect(bare.open([])).rejects.toThrow("not installed whole");
    await expect(bare.open([])).rejects.toThrow("not installed whole");
    await bare.stop();
  });

  it("come to a browser that sends every cookie of this host, 40 KB of them", async () => {
    const { port } = partsOf((await pages.open([])).url);
    const { status } = await ask(port, { path: "/", headers: { Cookie: `other=${"x".repeat(40_000)}` } });
    expect(status).toBe(200);
  });
});

describe("a link", () => {
  it("is good once: who comes second is refused, also when both come at once", async () => {
    const { port, link } = partsOf((await pages.open([])).url);

    const answers = await Promise.all([takeLink(port, link), takeLink(port, link), takeLink(port, link)]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
    expect((await takeLink(port, link)).status).toBe(403);
    expect(recorded.filter(({ event }) => event === "page-opened")).toHaveLength(1);
    expect(recorded.filter(({ event, code }) => event === "refused" && code === "RequestRefused")).toHaveLength(3);
  });

  it("is dead after three minutes, and the port with it, where no browser came", async () => {
    const { url, expiresAt } = await pages.open([]);
    const { port, link } = partsOf(url);
    expect(expiresAt - clock.now()).toBe(3 * MINUTE);

    await clock.advance(3 * MINUTE - 1);
    expect(await isOpen(port)).toBe(true);
    await clock.advance(1);
    await settle();
    await expect.poll(() => isOpen(port)).toBe(false);

    const { port: next } = partsOf((await pages.open([])).url);
    expect((await takeLink(next, link)).status).toBe(403);
  });

  it("of 9 that are made at once the oldest is none any more", async () => {
    const links: { readonly port: number; readonly link: string }[] = [];
    for (let index = 0; index < 9; index++) links.push(partsOf((await pages.open([])).url));
    expect((await takeLink(links[0]!.port, links[0]!.link)).status).toBe(403);
    expect((await takeLink(links[1]!.port, links[1]!.link)).status).toBe(200);
  });

  it("gives no one a session by a part of it, by another one, twice in a header or in the path", async () => {
    const { port, link } = partsOf((await pages.open([])).url);
    for (const wrong of ["", link.slice(0, -1), `${link}a`, "x".repeat(43), `${link}, ${link}`]) {
      expect((await takeLink(port, wrong)).status).toBe(403);
    }
    expect((await ask(port, { method: "POST", path: `/session?${link}` })).status).toBe(403);
    expect((await ask(port, { path: "/session", headers: { "credbroker-link": link } })).status).toBe(404);
    expect((await takeLink(port, link)).status).toBe(200);
  });
});

describe("what is refused before a secret is looked at", () => {
  const own = (port: number) => `http://127.0.0.1:${port}`;
  const cases: readonly (readonly [string, (port: number) => Record<string, string>])[] = [
    ["of a foreign Origin", () => ({ Origin: "https://evil.example" })],
    ["of another port of this host", (port) => ({ Origin: own(port + 1) })],
    ["of this port under another name", (port) => ({ Origin: `http://localhost:${port}` })],
    ["of an opaque origin: a frame in a sandbox, a file", () => ({ Origin: "null" })],
    ["of a page of another site", () => ({ "Sec-Fetch-Site": "cross-site" })],
    ["of a page of another port, which is of the same site", () => ({ "Sec-Fetch-Site": "same-site" })],
    ["with a Referer of another page", () => ({ Referer: "https://evil.example/" })],
    ["with a Host that leads here: DNS rebinding", (port) => ({ Host: `evil.example:${port}` })],
    ["with the Host of another port", (port) => ({ Host: `127.0.0.1:${port + 1}` })],
    ["with the Host localhost", (port) => ({ Host: `localhost:${port}` })],
    ["through a proxy", () => ({ "X-Forwarded-For": "10.0.0.1" })],
    ["through a proxy that says Via", () => ({ Via: "1.1 proxy" })],
  ];

  it.each(cases)("is a request %s, with a good secret and with a good link", async (_what, headersFor) => {
    const tab = await openTab();
    const { link } = partsOf((await pages.open([])).url);
    const headers = { ...tab.headers, "Content-Type": "application/json", ...headersFor(tab.port) };

    expect((await ask(tab.port, { method: "POST", path: "/api/status", headers, body: "{}" })).status).toBe(403);
    expect((await ask(tab.port, { path: "/events", headers })).status).toBe(403);
    expect((await ask(tab.port, { path: "/", headers })).status).toBe(403);
    expect((await takeLink(tab.port, link, headersFor(tab.port))).status).toBe(403);
    expect(asked).toEqual([]);
    expect(recorded.filter(({ event }) => event === "refused")).toHaveLength(4);
    // It was not spent.
    expect((await takeLink(tab.port, link)).status).toBe(200);
  });

  it("is a request of another user, who has link and secret, and says who it was", async () => {
    const tab = await openTab();
    const { link } = partsOf((await pages.open([])).url);
    peers.verdict = { kind: "other", peer: { uid: 4711, inode: 1 } };

    const headers = { ...tab.headers, "Content-Type": "application/json" };
    expect((await ask(tab.port, { method: "POST", path: "/api/status", headers, body: "{}" })).status).toBe(403);
    expect((await takeLink(tab.port, link)).status).toBe(403);
    expect((await ask(tab.port, { path: "/", headers: {} })).status).toBe(403);
    expect(asked).toEqual([]);
    expect(recorded.findLast(({ event }) => event === "refused")).toMatchObject({ peer: { uid: 4711 } });
  });

  it("is a preflight, and every method but GET and POST", async () => {
    const { port } = await openTab();
    for (const method of ["OPTIONS", "PUT", "DELETE", "HEAD", "TRACE", "PATCH"]) {
      const { status, text } = await exchange(
        port,
        `${method} /api/status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
      );
      expect(status, method).toBe(403);
      expect(text.toLowerCase()).not.toContain("access-control");
    }
  });

  it("is an upgrade: there is no WebSocket", async () => {
    const { port } = await openTab();
    const head = `GET /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    expect((await exchange(port, head)).status).toBe(403);
  });
});

describe("what a tab asks", () => {
  it("is answered with its secret in the header, and refused without it, with a part of it, in the path or in a cookie", async () => {
    const tab = await openTab();
    expect(await tab.call("status", {})).toEqual({ done: "status" });

    const { port, secret } = tab;
    const without = { Origin: `http://127.0.0.1:${port}`, "Sec-Fetch-Site": "same-origin" };
    const type = { "Content-Type": "application/json" };
    for (const more of [
      {},
      { "credbroker-page": secret.slice(1) },
      { Cookie: `credbroker-page=${secret}` },
      { Authorization: secret },
    ]) {
      const headers = { ...without, ...type, ...more };
      expect((await ask(port, { method: "POST", path: "/api/status", headers, body: "{}" })).status).toBe(403);
      expect((await ask(port, { path: "/events", headers })).status).toBe(403);
    }
    expect(
      (await ask(port, { method: "POST", path: `/api/status?${secret}`, headers: { ...without, ...type }, body: "{}" }))
        .status,
    ).toBe(403);
    expect(asked).toHaveLength(1);
  });

  it("is of no use on a port that was opened later: each has its own", async () => {
    const tab = await openTab();
    await clock.advance(15 * MINUTE);
    await expect.poll(() => isOpen(tab.port)).toBe(false);
    const { port } = partsOf((await pages.open([])).url);
    const headers = { ...tab.headers, Origin: `http://127.0.0.1:${port}`, "Content-Type": "application/json" };
    expect((await ask(port, { method: "POST", path: "/api/status", headers, body: "{}" })).status).toBe(403);
    expect(asked).toEqual([]);
  });

  it("is JSON and said to be: a form, a text and what is too large never reach control", async () => {
    const tab = await openTab();
    const post = (type: string, body: string) =>
      ask(tab.port, { method: "POST", path: "/api/status", headers: { ...tab.headers, "Content-Type": type }, body });

    expect((await post("application/x-www-form-urlencoded", "a=b")).status).toBe(400);
    expect((await post("text/plain", "{}")).status).toBe(400);
    expect((await post("application/json", "{")).status).toBe(400);
    expect((await post("application/json", '"text"')).status).toBe(400);
    expect((await post("application/json", JSON.stringify({ text: "x".repeat(600_000) }))).status).toBe(400);
    expect(asked).toEqual([]);
  });

  it("is known to be waited for no more once its connection is closed", async () => {
    const tab = await openTab();
    answering = new Promise(() => undefined);
    const request = httpRequest({
      ...{ host: "127.0.0.1", port: tab.port, method: "POST", path: "/api/use", agent: false },
      headers: { ...tab.headers, "Content-Type": "application/json", "Content-Length": "2" },
    });
    request.on("error", () => undefined).end("{}");
    await expect.poll(() => signals.map(({ aborted }) => aborted)).toEqual([false]);
    request.destroy();
    await expect.poll(() => signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it("does not wait for a body that never comes: after four seconds the connection is closed", async () => {
    const tab = await openTab();
    const head = [
      "POST /api/status HTTP/1.1",
      `Host: 127.0.0.1:${tab.port}`,
      ...Object.entries(tab.headers).map(([name, value]) => `${name}: ${value}`),
      "Content-Type: application/json",
      "Content-Length: 100",
    ];
    await exchange(tab.port, `${head.join("\r\n")}\r\n\r\n{`);
    expect(asked).toEqual([]);
  });

  it("does not wait for headers that drip: 128 such connections are closed, and the page is answered again", async () => {
    const tab = await openTab();
    const dripping = Array.from({ length: 140 }, () => exchange(tab.port, "GET / HTTP/1.1\r\nHost: 127"));
    await Promise.all(dripping);
    expect(await tab.call("status", {})).toEqual({ done: "status" });
  });
});

describe("the port", () => {
  it("stays while a page's stream is open, and closes a quarter of an hour after the last", async () => {
    const tab = await openTab();
    let enough = false;
    const { followed } = await streaming(tab, () => enough);

    await clock.advance(24 * 60 * MINUTE);
    await settle();
    expect(await isOpen(tab.port)).toBe(true);
    enough = true;
    pages.changed();
    await clock.advance(1000);
    await followed;
    await expect.poll(() => recorded.length).toBeGreaterThan(0);
    await settle();

    expect(await isOpen(tab.port)).toBe(true);
    await expect
      .poll(async () => {
        await clock.advance(15 * MINUTE);
        await settle();
        return isOpen(tab.port);
      })
      .toBe(false);
    expect(watching.size).toBe(0);
  });

  it("is another one each time, on 127.0.0.1 alone", async () => {
    const { port } = partsOf((await pages.open([])).url);
    const isOnSix = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "::1", port });
      socket.once("connect", () => resolve((socket.destroy(), true)));
      socket.once("error", () => resolve(false));
    });
    expect(isOnSix).toBe(false);
  });

  it("is not bound anew for who was promised it while brokerd ends, and nothing is watched any more", async () => {
    const opening = pages.open([]);
    const refused = expect(opening).rejects.toMatchObject({ code: "DaemonUnreachable" });
    await pages.stop();
    await refused;
    await expect(pages.open([])).rejects.toMatchObject({ code: "DaemonUnreachable" });
    expect(watching.size).toBe(0);
  });

  it("tells its pages that brokerd ends, and is closed", async () => {
    const tab = await openTab();
    const { followed } = await streaming(tab, () => false);

    await pages.stop();

    expect((await followed).at(-1)).toEqual({ type: "end" });
    expect(await isOpen(tab.port)).toBe(false);
  });
});

describe("the events", () => {
  it("tell at once that there is something to ask for, then lines on record and changes, gathered for half a second", async () => {
    const tab = await openTab();
    const { followed } = await streaming(tab, (events) => events.filter(({ type }) => type === "changed").length === 3);
    const line = (n: number): string => JSON.stringify({ n, event: "fetch" });

    for (const told of watching) told([line(1)]);
    await clock.advance(0);
    for (let n = 2; n <= 200; n++) for (const told of watching) told([line(n)]);
    await clock.advance(499);
    await clock.advance(1);

    const events = await followed;
    expect(events[0]).toEqual({ type: "changed" });
    const batches = events.filter((event) => event.type === "audit");
    expect(batches.map(({ lines }) => lines.length)).toEqual([1, 199]);
  });

  it("tell every 15 s that the stream is alive", async () => {
    const tab = await openTab();
    const { followed } = await streaming(tab, (events) => events.some(({ type }) => type === "ping"));
    await clock.advance(15_000);
    expect((await followed).at(-1)).toEqual({ type: "ping" });
  });

  it("are told to 4 tabs, and the 5th is told that there are too many", async () => {
    const tab = await openTab();
    const ending: Promise<unknown>[] = [];
    for (let index = 0; index < 4; index++) {
      await new Promise<void>((resolve) => ending.push(tab.follow(() => false, resolve)));
    }
    const { status, json } = await ask(tab.port, { path: "/events", headers: tab.headers });
    expect(status).toBe(409);
    expect(json).toMatchObject({ error: { code: "Conflict", message: "too many pages are open: 4 at most" } });
    await pages.stop();
    await Promise.all(ending);
  });
});
