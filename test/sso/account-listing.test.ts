import { beforeEach, describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { type SsoFixture, ssoFixture, ssoSource } from "./sso-fixture.js";

const corp = ssoSource();
const { signal } = new AbortController();
let fixture: SsoFixture;

beforeEach(async () => {
  fixture = ssoFixture();
  fixture.center.accounts = Array.from({ length: 60 }, (_, index) => ({
    accountId: String(100_000_000_000 + index),
    accountName: `Team ${index}`,
  }));
  fixture.center.rolesOfEach = ["Admin", "Power", "Read", "Billing", "Developer"];
  await fixture.logIn();
});

async function ticking<T>(work: Promise<T>): Promise<T> {
  const progress = { isDone: false };
  const end = (): void => void (progress.isDone = true);
  void work.then(end, end);
  for (let turn = 0; turn < 2000 && !progress.isDone; turn++) await fixture.clock.advance(50);
  return work;
}

describe("a listing", () => {
  it("goes through every page of accounts and roles", async () => {
    fixture.center.pageSize = 2;
    const accounts = await ticking(fixture.sso.listing.accounts(corp, { signal }));
    expect(accounts).toHaveLength(60);
    expect(await ticking(fixture.sso.listing.roles(corp, accounts[0]!.accountId, { signal }))).toHaveLength(5);
  });

  it("of 60 accounts keeps below 20 calls a second, however many are asked for at once", async () => {
    const accounts = await fixture.sso.listing.accounts(corp, { signal });
    const all = accounts.map(({ accountId }) => fixture.sso.listing.roles(corp, accountId, { signal }));
    expect((await ticking(Promise.all(all))).flat()).toHaveLength(300);
    const { portalTimes } = fixture.center;
    const busiest = Math.max(...portalTimes.map((at) => portalTimes.filter((t) => t >= at && t < at + 1000).length));
    expect(busiest).toBeLessThanOrEqual(20);
    expect(fixture.clock.now() - Date.parse("2026-01-01T00:00:00Z")).toBeLessThan(6000);
  });

  it("asks again, later each time, when the portal says too many", async () => {
    fixture.center.throttled = 4;
    expect(await ticking(fixture.sso.listing.accounts(corp, { signal }))).toHaveLength(60);
    const [first, ...more] = fixture.center.portalTimes;
    expect(more.slice(0, 4).map((at) => at - first!)).toEqual([250, 750, 1750, 3750]);
  });

  it("gives up where the portal stays away", async () => {
    fixture.center.portalDown = true;
    const listing = fixture.sso.listing.accounts(corp, { signal });
    expect((await brokerErrorOf(() => ticking(listing))).code).toBe("AwsUnreachable");
  });

  it("is remembered for those who can do with an old one, and forgotten with its login", async () => {
    const { listing } = fixture.sso;
    const [first] = await ticking(listing.accounts(corp, { signal }));
    await ticking(listing.roles(corp, first!.accountId, { signal }));
    const asked = fixture.center.calls.length;
    const recent = { signal, maxAgeMs: 60_000 };
    await fixture.clock.advance(50_000);
    expect(await listing.accounts(corp, recent)).toHaveLength(60);
    expect(await listing.roles(corp, first!.accountId, recent)).toHaveLength(5);
    expect(listing.known(corp)).toHaveLength(5);
    expect(fixture.center.calls).toHaveLength(asked);
    await fixture.clock.advance(60_000);
    await ticking(listing.accounts(corp, recent));
    expect(fixture.center.calls.length).toBeGreaterThan(asked);
    await ticking(fixture.sso.logout(corp));
    expect(listing.known(corp)).toEqual([]);
  });

  it("is forgotten with the lock, and when another user logs in", async () => {
    const { listing } = fixture.sso;
    const list = async (): Promise<void> => {
      const [first] = await ticking(listing.accounts(corp, { signal }));
      await ticking(listing.roles(corp, first!.accountId, { signal }));
      expect(listing.known(corp)).toHaveLength(5);
    };
    await list();
    await fixture.sso.lock();
    expect(listing.known(corp)).toEqual([]);
    await list();
    await ticking(fixture.logIn());
    expect(listing.known(corp)).toEqual([]);
  });

  it("without a login says which command to run", async () => {
    await fixture.sso.logout(corp);
    const error = await brokerErrorOf(() => fixture.sso.listing.accounts(corp, { signal }));
    expect(error).toMatchObject({ code: "LoginRequired", hint: "brokerctl login corp" });
  });
});
