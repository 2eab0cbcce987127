import { beforeEach, describe, expect, it } from "vitest";
import { sessionOf } from "../../src/core/sso-session.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { type SsoRoom, ssoRoom, ssoSource } from "./sso-room.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SOON = 7 * DAY;

let room: SsoRoom;

beforeEach(async () => {
  room = ssoRoom();
  await room.logIn();
});

/** Every step a sweep, as the daemon would, so that the token stays renewed. */
async function pass(ms: number): Promise<void> {
  await room.clock.advance(ms);
  await room.sso.sweep();
  await settle();
}

const clientKeys = (): Promise<readonly string[]> => room.secrets.keys("sso-client:");
const warnings = (): readonly unknown[] => room.log.filter(({ level }) => level === "warn").map(({ fields }) => fields);

describe("the daily check of client registrations", () => {
  it("keeps those that live, and says nothing of them", async () => {
    await pass(room.center.registrationLifeMs - SOON - 1);
    await room.sso.checkRegistrations();
    expect(await clientKeys()).toHaveLength(1);
    expect(warnings()).toEqual([]);
    expect(await room.sso.endingLogins()).toEqual([]);
  });

  it("deletes those that have ended, of sources that are no more in the config too", async () => {
    await room.logIn(ssoSource("gone", { startUrl: "https://gone.awsapps.com/start" }));
    expect(await clientKeys()).toHaveLength(2);
    await pass(room.center.registrationLifeMs - 1);
    await room.logIn();
    await room.sso.checkRegistrations();
    expect(await clientKeys()).toHaveLength(2);
    await pass(1);
    await room.sso.checkRegistrations();
    const [kept, ...others] = await clientKeys();
    expect(others).toEqual([]);
    expect((await room.secrets.get(kept!))?.reveal()).toContain(`client-${room.center.registered.length}`);
  });

  it("warns seven days before a login can be renewed no more, with all sources that share it", async () => {
    const shared = ssoRoom([ssoSource("corp"), ssoSource("corp-too"), ssoSource("other", { ssoRegion: "us-east-1" })]);
    await shared.logIn();
    const renewableUntil = shared.clock.now() + shared.center.registrationLifeMs;
    await shared.clock.advance(shared.center.registrationLifeMs - SOON);
    await shared.sso.sweep();
    await settle();
    expect(await shared.sso.endingLogins()).toEqual([{ sources: ["corp", "corp-too"], renewableUntil }]);
    await shared.sso.checkRegistrations();
    expect(shared.log.filter(({ level }) => level === "warn").map(({ fields }) => fields)).toEqual([
      { session: "https://corp.awsapps.com/start", renewableUntil },
    ]);
  });

  it("has nothing to warn of once the login that it asks for is done: that one has a registration of its own", async () => {
    await pass(room.center.registrationLifeMs - SOON);
    expect(await room.sso.endingLogins()).toHaveLength(1);
    await room.logIn();
    expect(await room.sso.endingLogins()).toEqual([]);
    await pass(SOON + MINUTE);
    expect(await room.sso.tokens.readiness(sessionOf(ssoSource()))).toMatchObject({ isLoggedIn: true });
  });

  it("warns while the last token lives, and not of a login that is required as it is", async () => {
    await pass(room.center.registrationLifeMs - MINUTE);
    await pass(2 * MINUTE);
    expect(await room.sso.endingLogins()).toHaveLength(1);
    await room.clock.advance(DAY);
    expect(await room.sso.endingLogins()).toEqual([]);
    await room.sso.logout(ssoSource());
    await room.sso.checkRegistrations();
    expect(await room.sso.endingLogins()).toEqual([]);
  });

  it("is refused while the store is locked, and deletes nothing", async () => {
    await pass(room.center.registrationLifeMs);
    room.secrets.locked = true;
    expect((await brokerErrorOf(() => room.sso.checkRegistrations())).code).toBe("StoreLocked");
    expect((await brokerErrorOf(() => room.sso.endingLogins())).code).toBe("StoreLocked");
    room.secrets.locked = false;
    expect(await clientKeys()).toHaveLength(1);
  });
});
