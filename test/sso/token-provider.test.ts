import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { sessionOf } from "../../src/core/sso-session.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { type SsoRoom, ssoRoom, ssoSource } from "./sso-room.js";

const MINUTE = 60_000;
const corp = ssoSource();
const session = sessionOf(corp);
let room: SsoRoom;

beforeEach(async () => {
  room = ssoRoom();
  await room.logIn();
  room.center.grants.length = 0;
});

async function current(): Promise<string | undefined> {
  return (await room.sso.tokens.current(session))?.accessToken.reveal();
}

describe("an access token", () => {
  it("is renewed behind, 15 minutes before its end, and served meanwhile", async () => {
    const first = await current();
    await room.clock.advance(44 * MINUTE);
    expect(await current()).toBe(first);
    expect(room.center.grants).toEqual([]);
    await room.clock.advance(2 * MINUTE);
    expect(await current()).toBe(first);
    await settle();
    expect(await current()).not.toBe(first);
    expect(room.center.grants).toHaveLength(1);
  });

  it("is renewed by the sweep though nobody asks for it", async () => {
    const first = await current();
    await room.clock.advance(46 * MINUTE);
    await room.sso.sweep();
    await settle();
    expect(room.center.grants).toHaveLength(1);
    expect(await current()).not.toBe(first);
  });

  it("that has ended is renewed once, however many wait for it", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    const tokens = await Promise.all(Array.from({ length: 200 }, () => current()));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toBeDefined();
    expect(room.center.grants).toHaveLength(1);
  });

  it("is not used before the refresh token that came with it is durable", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    room.secrets.gate = new Promise((resolve) => (open = resolve));
    let isUsed = false;
    const waiting = current().then((token) => {
      isUsed = true;
      return token;
    });
    await settle();
    expect(room.center.grants).toHaveLength(1);
    expect(isUsed).toBe(false);
    open();
    expect(await waiting).toBeDefined();
  });

  it("renewed onto a full disk is kept, written at the next chance, and not renewed twice", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    room.secrets.failure = new BrokerError("StoreUnavailable", "no space left on device");
    expect((await brokerErrorOf(current)).code).toBe("StoreUnavailable");
    expect((await brokerErrorOf(current)).code).toBe("StoreUnavailable");
    room.secrets.failure = undefined;
    expect(await current()).toBeDefined();
    expect(room.center.grants).toHaveLength(1);
    // The next renewal works: the rotated refresh token was not lost.
    await room.clock.advance(2 * 60 * MINUTE);
    expect(await current()).toBeDefined();
  });

  it("of a session without another refresh token lasts to its end", async () => {
    room.center.rotation = "omit";
    await room.clock.advance(46 * MINUTE);
    await room.sso.sweep();
    await settle();
    expect(await current()).toBeDefined();
    await room.clock.advance(61 * MINUTE);
    expect(await current()).toBeUndefined();
    expect(await room.secrets.keys("sso-token:")).toEqual([]);
    expect(room.center.grants).toHaveLength(1);
  });

  it("outlives a restart", async () => {
    const first = await current();
    const again = ssoRoom();
    for (const key of await room.secrets.keys("sso-")) await again.secrets.put(key, (await room.secrets.get(key))!);
    expect((await again.sso.tokens.current(session))?.accessToken.reveal()).toBe(first);
  });
});

describe("a renewal", () => {
  it("that is refused means login required at once, and nobody asks again", async () => {
    room.center.revokeRefreshToken();
    await room.clock.advance(46 * MINUTE);
    await room.sso.sweep();
    await settle();
    expect(await room.sso.tokens.readiness(session)).toEqual({ isLoggedIn: false, expiresAt: undefined });
    for (let sweep = 0; sweep < 10; sweep++) {
      await room.clock.advance(15_000);
      await room.sso.sweep();
      expect(await current()).toBeUndefined();
    }
    expect(room.center.grants).toHaveLength(1);
  });

  it("with a client whose registration has ended is not tried", async () => {
    await room.clock.advance(room.center.registrationLifeMs + MINUTE);
    expect(await room.sso.tokens.readiness(session)).toMatchObject({ isLoggedIn: false });
    expect(await current()).toBeUndefined();
    expect(room.center.grants).toEqual([]);
  });

  it("that cannot reach Identity Center keeps what is valid, and is tried again later, not at once", async () => {
    const first = await current();
    await room.clock.advance(46 * MINUTE);
    for (let failure = 0; failure < 6; failure++) room.center.next.push(new BrokerError("AwsUnreachable", "no route"));
    for (let ask = 0; ask < 50; ask++) expect(await current()).toBe(first);
    await settle();
    expect(room.center.grants).toHaveLength(1);
    await room.clock.advance(13 * MINUTE);
    expect(await current()).toBe(first);
    await settle();
    await room.clock.advance(2 * MINUTE);
    expect((await brokerErrorOf(current)).code).toBe("AwsUnreachable");
    expect((await room.sso.tokens.readiness(session)).isLoggedIn).toBe(true);
    room.center.next.length = 0;
    await room.clock.advance(61_000);
    expect(await current()).toBeDefined();
  });

  it("under way when somebody logs out leaves nothing behind", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    room.center.gate = new Promise((resolve) => (open = resolve));
    const renewal = current();
    await settle();
    const out = room.sso.logout(corp);
    open();
    await renewal;
    expect(await out).toMatchObject({ wasLoggedIn: true, problem: undefined });
    expect(await room.secrets.keys("sso-token:")).toEqual([]);
  });

  it("while the store is locked keeps nothing in memory", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    room.center.gate = new Promise((resolve) => (open = resolve));
    const renewal = brokerErrorOf(current);
    await settle();
    room.secrets.locked = true;
    const locking = room.sso.lock();
    open();
    await locking;
    expect((await renewal).code).toBe("StoreLocked");
    expect((await brokerErrorOf(() => room.sso.tokens.readiness(session))).code).toBe("StoreLocked");
  });
});

describe("before a lock or a stop", () => {
  it("a renewal under way is stored", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    let open = (): void => undefined;
    room.center.gate = new Promise((resolve) => (open = resolve));
    const renewal = current();
    await settle();
    const locking = room.sso.lock().then(() => (room.secrets.locked = true));
    await settle();
    open();
    await locking;
    const renewed = await renewal;
    room.secrets.locked = false;
    expect(await current()).toBe(renewed);
    expect(room.center.grants).toHaveLength(1);
  });

  it("a token that the full disk did not take is tried once more", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    room.secrets.failure = new BrokerError("StoreUnavailable", "no space left on device");
    await brokerErrorOf(current);
    room.secrets.failure = undefined;
    await room.sso.lock();
    expect(await current()).toBeDefined();
    expect(room.center.grants).toHaveLength(1);
  });

  it("an Identity Center that does not answer is waited for 1.5 s, no longer", async () => {
    await room.clock.advance(2 * 60 * MINUTE);
    room.center.gate = new Promise(() => undefined);
    void current();
    await settle();
    let isLocked = false;
    const locking = room.sso.lock().then(() => (isLocked = true));
    await room.clock.advance(1499);
    expect(isLocked).toBe(false);
    await room.clock.advance(1);
    await locking;
  });
});

describe("a logout", () => {
  it("tells Identity Center, and names every source that shared the login", async () => {
    room = ssoRoom([corp, ssoSource("corp-too")]);
    await room.logIn();
    expect(await room.sso.logout(corp)).toEqual({
      wasLoggedIn: true,
      sources: ["corp", "corp-too"],
      problem: undefined,
    });
    expect(room.center.calls).toContain("Logout");
    expect(await current()).toBeUndefined();
  });

  it("drops the token though Identity Center cannot be told, and says so", async () => {
    room.center.portalDown = true;
    expect((await room.sso.logout(corp)).problem).toBeDefined();
    expect(await current()).toBeUndefined();
  });

  it("without a login calls nobody", async () => {
    await room.sso.logout(corp);
    room.center.calls.length = 0;
    expect(await room.sso.logout(corp)).toMatchObject({ wasLoggedIn: false });
    expect(room.center.calls).toEqual([]);
  });
});
