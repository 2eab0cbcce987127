import { afterEach, describe, expect, it } from "vitest";
import { type HandOver, handOver } from "../../../src/cli/browser/hand-over.js";
import { Secret } from "../../../src/core/secret.js";
import { FakePeers } from "../../fakes/fake-peers.js";
import { CANARY } from "../../support/canaries.js";
import { exchange } from "../../support/raw-http.js";

const TARGET = `https://signin.example/federation?SigninToken=${CANARY}`;
const pages: HandOver[] = [];
const peers = new FakePeers();

async function start(): Promise<HandOver & { readonly port: number; readonly path: string }> {
  const page = await handOver(new Secret(TARGET), peers);
  pages.push(page);
  const { port, pathname: path } = new URL(page.url);
  return { ...page, port: Number(port), path };
}

afterEach(async () => {
  peers.verdict = { kind: "own", peer: { uid: 1000, inode: 1 } };
  for (const page of pages.splice(0)) await page.close();
});

const get = (url: string): Promise<Response> => fetch(url, { redirect: "manual" });

describe("the page that hands a browser over", () => {
  it("leads one browser there, without a referrer, and no second one", async () => {
    const { url, taken } = await start();
    expect(url).not.toContain(CANARY);
    const answer = await get(url);
    expect([answer.status, answer.headers.get("location")]).toEqual([302, TARGET]);
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    await taken;
    expect((await get(url)).status).toBe(404);
  });

  it("gives it to one of two that ask at once", async () => {
    const { url } = await start();
    const statuses = (await Promise.all([get(url), get(url)])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([302, 404]);
  });

  it("answers nothing to another user's program, tells of it, and still waits for the browser", async () => {
    const { url, refused } = await start();
    peers.verdict = { kind: "other", peer: { uid: 1001, inode: 2 } };
    const answer = await get(url);
    expect([answer.status, answer.headers.get("location"), refused()]).toEqual([404, null, 1]);
    for (const kind of ["half-closed", "gone", "late"] as const) {
      peers.verdict = { kind };
      expect((await get(url)).status).toBe(404);
    }
    peers.verdict = { kind: "own", peer: { uid: 1000, inode: 3 } };
    expect((await get(url)).status).toBe(302);
  });

  it("gives it to the first who asks where the system does not tell users apart", async () => {
    peers.verdict = { kind: "not-checked" };
    expect((await get((await start()).url)).status).toBe(302);
  });

  it.each<[string, (path: string, port: number) => string]>([
    ["another path", (_, port) => `GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`],
    ["another method", (path, port) => `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 0\r\n\r\n`],
    ["a rebound name", (path, port) => `GET ${path} HTTP/1.1\r\nHost: evil.example:${port}\r\n\r\n`],
    ["a query behind it", (path, port) => `GET ${path}?x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`],
  ])("is not found with %s, and is not spent by it", async (_, request) => {
    const { url, port, path } = await start();
    const { status, text } = await exchange(port, request(path, port));
    expect(status).toBe(404);
    expect(text).not.toContain(CANARY);
    expect((await get(url)).status).toBe(302);
  });
});
