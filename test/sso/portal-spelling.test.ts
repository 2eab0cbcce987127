import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sessionOf } from "../../src/core/sso-session.js";
import { SCOPE, type SsoFixture, ssoFixture, ssoSource } from "./sso-fixture.js";

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
async function moveLogin(fixture: SsoFixture, startUrl: string): Promise<void> {
  for (const kind of ["sso-token:", "sso-client:device:"]) {
    const [key = ""] = await fixture.secrets.keys(kind);
    const value = await fixture.secrets.get(key);
    if (!value) throw new Error(`${kind} has no entry`);
    await fixture.secrets.delete(key);
    await fixture.secrets.put(kind + formerId(startUrl), value);
  }
}

describe("one portal in four spellings", () => {
  it("is one session, and one login serves every source", async () => {
    const fixture = ssoFixture(sources);
    await fixture.logIn(sources[2]);

    expect(new Set(sources.map((source) => sessionOf(source).id)).size).toBe(1);
    expect(fixture.woken).toEqual(sources.map(({ name }) => name));
    expect(await fixture.secrets.keys("sso-token:")).toHaveLength(1);
    expect((await fixture.sso.logout(first)).sources).toEqual(sources.map(({ name }) => name));
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
    const fixture = ssoFixture(sources);
    await fixture.logIn();
    const token = (await fixture.sso.tokens.current(sessionOf(first)))?.accessToken.reveal();
    await moveLogin(fixture, startUrl);

    for (const source of sources) {
      expect((await fixture.sso.tokens.current(sessionOf(source)))?.accessToken.reveal()).toBe(token);
    }
    expect(fixture.center.registered).toHaveLength(1);
  });

  it("keeps the id that it had where the spelling was the canonical one", () => {
    expect(sessionOf(first).id).toBe(formerId(PORTAL));
  });

  it("is renewed into the one entry, and leaves none behind", async () => {
    const fixture = ssoFixture(sources);
    await fixture.logIn();
    await moveLogin(fixture, `${PORTAL}#/`);
    await fixture.clock.advance(2 * 60 * 60_000);
    const renewed = await fixture.sso.tokens.current(sessionOf(first));

    expect(renewed?.expiresAt).toBeGreaterThan(fixture.clock.now());
    expect(await fixture.secrets.keys("sso-token:")).toEqual([`sso-token:${sessionOf(first).id}`]);
  });

  it("gives way to the one that was received last, where there are several", async () => {
    const fixture = ssoFixture(sources);
    await fixture.logIn();
    await moveLogin(fixture, `${PORTAL}/`);
    await fixture.clock.advance(60_000);
    const other = ssoFixture(sources);
    await other.clock.advance(60_000);
    await other.logIn();
    const [key = ""] = await other.secrets.keys("sso-token:");
    const later = await other.secrets.get(key);
    if (!later) throw new Error("no login");
    await fixture.secrets.put(`sso-token:${formerId(`${PORTAL}#`)}`, later);
    const { receivedAt } = JSON.parse(later.reveal()) as { receivedAt: number };

    expect((await fixture.sso.tokens.current(sessionOf(first)))?.receivedAt).toBe(receivedAt);
  });

  it("is gone after a logout, whatever it was stored under", async () => {
    const fixture = ssoFixture(sources);
    await fixture.logIn();
    await moveLogin(fixture, `${PORTAL}/`);

    expect((await fixture.sso.logout(first)).wasLoggedIn).toBe(true);
    expect(await fixture.secrets.keys("sso-token:")).toEqual([]);
  });
});
