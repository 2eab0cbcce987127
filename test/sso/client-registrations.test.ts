import { beforeEach, describe, expect, it } from "vitest";
import { sessionOf } from "../../src/core/sso-session.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { type SsoFixture, ssoFixture, ssoSource } from "./sso-fixture.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SOON = 7 * DAY;

let fixture: SsoFixture;

beforeEach(async () => {
  fixture = ssoFixture();
  await fixture.logIn();
});

/** Every step a sweep, as the daemon would, so that the token stays renewed. */
async function pass(ms: number): Promise<void> {
  await fixture.clock.advance(ms);
  await fixture.sso.sweep();
  await settle();
}

const clientKeys = (): Promise<readonly string[]> => fixture.secrets.keys("sso-client:");
const warnings = (): readonly unknown[] =>
  fixture.log.filter(({ level }) => level === "warn").map(({ fields }) => fields);

describe("the daily check of client registrations", () => {
  it("keeps those that live, and says nothing of them", async () => {
    await pass(fixture.center.registrationLifeMs - SOON - 1);
    await fixture.sso.checkRegistrations();
    expect(await clientKeys()).toHaveLength(1);
    expect(warnings()).toEqual([]);
    expect(await fixture.sso.endingLogins()).toEqual([]);
  });

  it("deletes those that have ended, of sources that are no more in the config too", async () => {
    await fixture.logIn(ssoSource("gone", { startUrl: "https://gone.awsapps.com/start" }));
    expect(await clientKeys()).toHaveLength(2);
    await pass(fixture.center.registrationLifeMs - 1);
    await fixture.logIn();
    await fixture.sso.checkRegistrations();
    expect(await clientKeys()).toHaveLength(2);
    await pass(1);
    await fixture.sso.checkRegistrations();
    const [kept, ...others] = await clientKeys();
    expect(others).toEqual([]);
    expect((await fixture.secrets.get(kept!))?.reveal()).toContain(`client-${fixture.center.registered.length}`);
  });

  it("warns seven days before a login can be renewed no more, with all sources that share it", async () => {
    const shared = ssoFixture([
      ssoSource("corp"),
      ssoSource("corp-too"),
      ssoSource("other", { ssoRegion: "us-east-1" }),
    ]);
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
    await pass(fixture.center.registrationLifeMs - SOON);
    expect(await fixture.sso.endingLogins()).toHaveLength(1);
    await fixture.logIn();
    expect(await fixture.sso.endingLogins()).toEqual([]);
    await pass(SOON + MINUTE);
    expect(await fixture.sso.tokens.readiness(sessionOf(ssoSource()))).toMatchObject({ isLoggedIn: true });
  });

  it("warns while the last token lives, and not of a login that is required as it is", async () => {
    await pass(fixture.center.registrationLifeMs - MINUTE);
    await pass(2 * MINUTE);
    expect(await fixture.sso.endingLogins()).toHaveLength(1);
    await fixture.clock.advance(DAY);
    expect(await fixture.sso.endingLogins()).toEqual([]);
    await fixture.sso.logout(ssoSource());
    await fixture.sso.checkRegistrations();
    expect(await fixture.sso.endingLogins()).toEqual([]);
  });

  it("is refused while the store is locked, and deletes nothing", async () => {
    await pass(fixture.center.registrationLifeMs);
    fixture.secrets.locked = true;
    expect((await brokerErrorOf(() => fixture.sso.checkRegistrations())).code).toBe("StoreLocked");
    expect((await brokerErrorOf(() => fixture.sso.endingLogins())).code).toBe("StoreLocked");
    fixture.secrets.locked = false;
    expect(await clientKeys()).toHaveLength(1);
  });
});
