import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sessionOf } from "../../src/core/sso-session.js";
import { SCOPE, type SsoRoom, ssoRoom, ssoSource } from "./sso-room.js";

const PORTAL = "https://corp.awsapps.com/start";
const SPELLINGS = ["", "/", "#", "#/"].map((end) => PORTAL + end);
const sources = SPELLINGS.map((startUrl, index) => ssoSource(`corp${index}`, { startUrl }));
const [first = ssoSource()] = sources;

/** As versions before the canonical spelling named a session's entries. */
function formerId(startUrl: string): string {
  const content = JSON.stringify([startUrl, "eu-west-1", [SCOPE]]);
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}

/** What a login left under the id of one spelling. */
async function moveLogin(room: SsoRoom, startUrl: string): Promise<void> {
  for (const kind of ["sso-token:", "sso-client:device:"]) {
    const [key = ""] = await room.secrets.keys(kind);
    const value = await room.secrets.get(key);
    if (!value) throw new Error(`${kind} has no entry`);
    await room.secrets.delete(key);
    await room.secrets.put(kind + formerId(startUrl), value);
  }
}

describe("one portal in four spellings", () => {
  it("is one session, and one login serves every source", async () => {
    const room = ssoRoom(sources);
    await room.logIn(sources[2]);

    expect(new Set(sources.map((source) => sessionOf(source).id)).size).toBe(1);
    expect(room.woken).toEqual(sources.map(({ name }) => name));
    expect(await room.secrets.keys("sso-token:")).toHaveLength(1);
    expect((await room.sso.logout(first)).sources).toEqual(sources.map(({ name }) => name));
  });

  it("is known to Identity Center by its canonical spelling", () => {
    expect(new Set(sources.map((source) => sessionOf(source).startUrl))).toEqual(new Set([PORTAL]));
  });

  it("is another session than another portal, region or scope", () => {
    const others = [
      ssoSource("a", { startUrl: "https://other.awsapps.com/start" }),
      ssoSource("b", { ssoRegion: "us-east-1" }),
      ssoSource("c", { registrationScopes: [SCOPE, "codewhisperer:completions"] }),
    ];

    expect(new Set([first, ...others].map((source) => sessionOf(source).id)).size).toBe(4);
  });
});

describe("a login that an earlier version stored under one of the spellings", () => {
  it.each(SPELLINGS.slice(1))("is still in force for every source: %s", async (startUrl) => {
    const room = ssoRoom(sources);
    await room.logIn();
    const token = (await room.sso.tokens.current(sessionOf(first)))?.accessToken.reveal();
    await moveLogin(room, startUrl);

    for (const source of sources) {
      expect((await room.sso.tokens.current(sessionOf(source)))?.accessToken.reveal()).toBe(token);
    }
    expect(room.center.registered).toHaveLength(1);
  });

  it("keeps the id that it had where the spelling was the canonical one", () => {
    expect(sessionOf(first).id).toBe(formerId(PORTAL));
  });

  it("is renewed into the one entry, and leaves none behind", async () => {
    const room = ssoRoom(sources);
    await room.logIn();
    await moveLogin(room, `${PORTAL}#/`);
    await room.clock.advance(2 * 60 * 60_000);
    const renewed = await room.sso.tokens.current(sessionOf(first));

    expect(renewed?.expiresAt).toBeGreaterThan(room.clock.now());
    expect(await room.secrets.keys("sso-token:")).toEqual([`sso-token:${sessionOf(first).id}`]);
  });

  it("gives way to the one that was received last, where there are several", async () => {
    const room = ssoRoom(sources);
    await room.logIn();
    await moveLogin(room, `${PORTAL}/`);
    await room.clock.advance(60_000);
    const other = ssoRoom(sources);
    await other.clock.advance(60_000);
    await other.logIn();
    const [key = ""] = await other.secrets.keys("sso-token:");
    const later = await other.secrets.get(key);
    if (!later) throw new Error("no login");
    await room.secrets.put(`sso-token:${formerId(`${PORTAL}#`)}`, later);
    const { receivedAt } = JSON.parse(later.reveal()) as { receivedAt: number };

    expect((await room.sso.tokens.current(sessionOf(first)))?.receivedAt).toBe(receivedAt);
  });

  it("is gone after a logout, whatever it was stored under", async () => {
    const room = ssoRoom(sources);
    await room.logIn();
    await moveLogin(room, `${PORTAL}/`);

    expect((await room.sso.logout(first)).wasLoggedIn).toBe(true);
    expect(await room.secrets.keys("sso-token:")).toEqual([]);
  });
});
