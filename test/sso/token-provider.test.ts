import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { sessionOf } from "../../src/core/sso-session.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { type SsoFixture, ssoFixture, ssoSource } from "./sso-fixture.js";

const MINUTE = 60_000;
const corp = ssoSource();
const session = sessionOf(corp);
let fixture: SsoFixture;

beforeEach(async () => {
  fixture = ssoFixture();
  await fixture.logIn();
  fixture.center.grants.length = 0;
});

async function current(): Promise<string | undefined> {
  return (await fixture.sso.tokens.current(session))?.accessToken.reveal();
}

describe("an access token", () => {
  it("is renewed behind, 15 minutes before its end, and served meanwhile", async () => {
    const first = await current();
    await fixture.clock.advance(45 * MINUTE - 1);
    expect(await current()).toBe(first);
    expect(fixture.center.grants).toEqual([]);
    await fixture.clock.advance(1);
    expect(await current()).toBe(first);
    await settle();
    expect(await current()).not.toBe(first);
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("of a short life is renewed at its last quarter", async () => {
    fixture.center.accessLifeMs = 8 * MINUTE;
    await fixture.logIn();
    fixture.center.grants.length = 0;
    await fixture.clock.advance(6 * MINUTE - 1);
    await current();
    await settle();
    expect(fixture.center.grants).toEqual([]);
    await fixture.clock.advance(1);
    await current();
    await settle();
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("is served up to the moment at which it ends", async () => {
    const first = await current();
    fixture.center.next.push(...Array.from({ length: 9 }, () => new BrokerError("AwsUnreachable", "no route")));
    await fixture.clock.advance(60 * MINUTE - 1);
    expect(await current()).toBe(first);
    await settle();
    await fixture.clock.advance(1);
    expect((await brokerErrorOf(current)).code).toBe("AwsUnreachable");
  });

  it("whose renewal failed before a suspend is renewed at once after it", async () => {
    fixture.center.next.push(...Array.from({ length: 3 }, () => new BrokerError("AwsUnreachable", "no route")));
    await fixture.clock.advance(61 * MINUTE);
    for (let ask = 0; ask < 2; ask++) expect((await brokerErrorOf(current)).code).toBe("AwsUnreachable");
    expect(fixture.center.grants).toHaveLength(1);

    fixture.center.next.length = 0;
    fixture.sso.tokens.forgetPauses();
    expect(await current()).toBeDefined();
  });

  it("that the portal refuses is dropped only where it is still the one that is held", async () => {
    const refused = (await fixture.sso.tokens.current(session))!;
    await fixture.logIn();
    await fixture.sso.tokens.dropRefused(session, refused);
    expect(await current()).toBeDefined();
    await fixture.sso.tokens.replaceRefused(session, refused);
    expect(fixture.center.grants.filter(({ kind }) => kind === "refresh")).toEqual([]);

    await fixture.sso.tokens.dropRefused(session, (await fixture.sso.tokens.current(session))!);
    expect(await current()).toBeUndefined();
  });

  it("is renewed by the sweep though no client asks for it", async () => {
    const first = await current();
    await fixture.clock.advance(46 * MINUTE);
    await fixture.sso.sweep();
    await settle();
    expect(fixture.center.grants).toHaveLength(1);
    expect(await current()).not.toBe(first);
  });

  it("that has ended is renewed once, however many wait for it", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    const tokens = await Promise.all(Array.from({ length: 200 }, () => current()));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toBeDefined();
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("is not used before the refresh token that came with it is durable", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    fixture.secrets.gate = new Promise((resolve) => (open = resolve));
    let isUsed = false;
    const waiting = current().then((token) => {
      isUsed = true;
      return token;
    });
    await settle();
    expect(fixture.center.grants).toHaveLength(1);
    expect(isUsed).toBe(false);
    open();
    expect(await waiting).toBeDefined();
  });

  it("renewed onto a full disk is kept, written at the next chance, and not renewed twice", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    fixture.secrets.failure = new BrokerError("StoreUnavailable", "no space left on device");
    expect((await brokerErrorOf(current)).code).toBe("StoreUnavailable");
    expect((await brokerErrorOf(current)).code).toBe("StoreUnavailable");
    fixture.secrets.failure = undefined;
    expect(await current()).toBeDefined();
    expect(fixture.center.grants).toHaveLength(1);
    // The next renewal works: the rotated refresh token was not lost.
    await fixture.clock.advance(2 * 60 * MINUTE);
    expect(await current()).toBeDefined();
  });

  it("of a session without another refresh token lasts to its end", async () => {
    fixture.center.rotation = "omit";
    await fixture.clock.advance(46 * MINUTE);
    await fixture.sso.sweep();
    await settle();
    expect(await current()).toBeDefined();
    await fixture.clock.advance(61 * MINUTE);
    expect(await current()).toBeUndefined();
    expect(await fixture.secrets.keys("sso-token:")).toEqual([]);
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("outlives a restart", async () => {
    const first = await current();
    const again = ssoFixture();
    for (const key of await fixture.secrets.keys("sso-"))
      await again.secrets.put(key, (await fixture.secrets.get(key))!);
    expect((await again.sso.tokens.current(session))?.accessToken.reveal()).toBe(first);
  });
});

describe("a renewal", () => {
  it("that is refused means login required at once, and no client asks again", async () => {
    fixture.center.revokeRefreshToken();
    await fixture.clock.advance(46 * MINUTE);
    await fixture.sso.sweep();
    await settle();
    expect(await fixture.sso.tokens.readiness(session)).toEqual({ isLoggedIn: false, expiresAt: undefined });
    for (let sweep = 0; sweep < 10; sweep++) {
      await fixture.clock.advance(15_000);
      await fixture.sso.sweep();
      expect(await current()).toBeUndefined();
    }
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("that is refused for its client means that the next login registers another one", async () => {
    fixture.center.next.push({ outcome: "invalid_client", message: "Invalid client" });
    await fixture.clock.advance(46 * MINUTE);
    await fixture.sso.sweep();
    await settle();
    expect(await current()).toBeUndefined();
    await fixture.logIn();
    expect(fixture.center.registered).toHaveLength(2);
    expect(await current()).toBeDefined();
  });

  it("with a client whose registration has ended is not tried", async () => {
    await fixture.clock.advance(fixture.center.registrationLifeMs + MINUTE);
    expect(await fixture.sso.tokens.readiness(session)).toMatchObject({ isLoggedIn: false });
    expect(await current()).toBeUndefined();
    expect(fixture.center.grants).toEqual([]);
  });

  it("that cannot reach Identity Center keeps what is valid, and is tried again later, not at once", async () => {
    const first = await current();
    await fixture.clock.advance(46 * MINUTE);
    for (let failure = 0; failure < 6; failure++)
      fixture.center.next.push(new BrokerError("AwsUnreachable", "no route"));
    for (let ask = 0; ask < 50; ask++) expect(await current()).toBe(first);
    await settle();
    expect(fixture.center.grants).toHaveLength(1);
    await fixture.clock.advance(13 * MINUTE);
    expect(await current()).toBe(first);
    await settle();
    await fixture.clock.advance(2 * MINUTE);
    expect((await brokerErrorOf(current)).code).toBe("AwsUnreachable");
    expect((await fixture.sso.tokens.readiness(session)).isLoggedIn).toBe(true);
    fixture.center.next.length = 0;
    await fixture.clock.advance(61_000);
    expect(await current()).toBeDefined();
  });

  it("under way when the user logs out leaves nothing behind", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    fixture.center.gate = new Promise((resolve) => (open = resolve));
    const renewal = current();
    await settle();
    const out = fixture.sso.logout(corp);
    open();
    await renewal;
    expect(await out).toMatchObject({ wasLoggedIn: true, problem: undefined });
    expect(await fixture.secrets.keys("sso-token:")).toEqual([]);
  });

  it("while the store is locked keeps nothing in memory", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    fixture.center.gate = new Promise((resolve) => (open = resolve));
    const renewal = brokerErrorOf(current);
    await settle();
    fixture.secrets.locked = true;
    const locking = fixture.sso.lock();
    open();
    await locking;
    expect((await renewal).code).toBe("StoreLocked");
    expect((await brokerErrorOf(() => fixture.sso.tokens.readiness(session))).code).toBe("StoreLocked");
  });
});

describe("before a lock or a stop", () => {
  it("a renewal under way is stored", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    fixture.center.gate = new Promise((resolve) => (open = resolve));
    const renewal = current();
    await settle();
    const locking = fixture.sso.lock().then(() => (fixture.secrets.locked = true));
    await settle();
    open();
    await locking;
    const renewed = await renewal;
    fixture.secrets.locked = false;
    expect(await current()).toBe(renewed);
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("a token that the full disk did not take is tried once more", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    fixture.secrets.failure = new BrokerError("StoreUnavailable", "no space left on device");
    await brokerErrorOf(current);
    fixture.secrets.failure = undefined;
    await fixture.sso.lock();
    expect(await current()).toBeDefined();
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("an Identity Center that does not answer is waited for 1.5 s, no longer", async () => {
    await fixture.clock.advance(2 * 60 * MINUTE);
    fixture.center.gate = new Promise(() => undefined);
    void current();
    await settle();
    let isLocked = false;
    const locking = fixture.sso.lock().then(() => (isLocked = true));
    await fixture.clock.advance(1499);
    expect(isLocked).toBe(false);
    await fixture.clock.advance(1);
    await locking;
  });
});

describe("a logout", () => {
  it("tells Identity Center, and names every source that shared the login", async () => {
    fixture = ssoFixture([corp, ssoSource("corp-too")]);
    await fixture.logIn();
    expect(await fixture.sso.logout(corp)).toEqual({
      wasLoggedIn: true,
      sources: ["corp", "corp-too"],
      problem: undefined,
    });
    expect(fixture.center.calls).toContain("Logout");
    expect(await current()).toBeUndefined();
  });

  it("drops the token though Identity Center cannot be told, and says so", async () => {
    fixture.center.portalDown = true;
    expect((await fixture.sso.logout(corp)).problem).toBeDefined();
    expect(await current()).toBeUndefined();
  });

  it("without a login makes no call", async () => {
    await fixture.sso.logout(corp);
    fixture.center.calls.length = 0;
    expect(await fixture.sso.logout(corp)).toMatchObject({ wasLoggedIn: false });
    expect(fixture.center.calls).toEqual([]);
  });
});
