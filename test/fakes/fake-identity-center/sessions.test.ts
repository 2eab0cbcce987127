import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../support/fake-clock.js";
import { type FakeIdentityCenter, startFakeIdentityCenter } from "./fake-identity-center.js";
import { organization } from "./organization.js";
import { RawClient, type RawTokens } from "./raw-client.js";

const clock = new FakeClock();
let center: FakeIdentityCenter;
let client: RawClient;
beforeEach(async () => {
  center = await startFakeIdentityCenter({ clock, users: { ann: organization(1, 1), bob: organization(2, 1) } });
  client = new RawClient(center);
});
afterEach(() => center.close());

async function isAccepted({ accessToken }: RawTokens): Promise<boolean> {
  const { status } = await client.portal("/assignment/accounts", accessToken);
  expect([200, 401]).toContain(status);
  return status === 200;
}

async function refreshed({ refreshToken }: RawTokens): Promise<RawTokens> {
  const { status, body } = await client.refresh(refreshToken);
  expect(status).toBe(200);
  return body as unknown as RawTokens;
}

describe("an access token", () => {
  test("ends by the clock, and its refresh token brings another", async () => {
    const first = await client.login();
    expect(await isAccepted(first)).toBe(true);

    await clock.advance(first.expiresIn * 1000);
    expect(await isAccepted(first)).toBe(false);
    const second = await refreshed(first);

    expect(second.accessToken).not.toBe(first.accessToken);
    expect(await isAccepted(second)).toBe(true);
  });

  test("never outlives its session", async () => {
    center.settings.sessionSeconds = 5400;
    const first = await client.login();
    await clock.advance(3_600_000);

    const second = await refreshed(first);

    expect(second.expiresIn).toBe(1800);
    await clock.advance(1_800_000);
    expect(await isAccepted(second)).toBe(false);
    expect(await client.refresh(second.refreshToken)).toMatchObject({ status: 400, error: "InvalidGrantException" });
  });

  test("of a legacy client, without scopes, lives as long as the session and cannot be renewed", async () => {
    const tokens = await client.login({ scopes: [] });

    expect(tokens).toMatchObject({ expiresIn: 8 * 3600, refreshToken: null });
    expect(await isAccepted(tokens)).toBe(true);
  });

  test("of a client that did not register for renewal has no refresh token", async () => {
    const tokens = await client.login({ grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"] });

    expect(tokens.refreshToken).toBeNull();
  });

  test("without the scope of the portal is refused there", async () => {
    expect(await isAccepted(await client.login({ scopes: ["openid"] }))).toBe(false);
  });

  test("can be made to end before its time, which renewal survives", async () => {
    const first = await client.login();

    center.expireAccessTokens();

    expect(await isAccepted(first)).toBe(false);
    expect(await isAccepted(await refreshed(first))).toBe(true);
  });
});

describe("a refresh token", () => {
  test("that was rotated is dead, and its use harms no session", async () => {
    const first = await client.login();
    const second = await refreshed(first);
    expect(second.refreshToken).not.toBe(first.refreshToken);

    expect(await client.refresh(first.refreshToken)).toMatchObject({
      status: 400,
      error: "InvalidGrantException",
      body: { error: "invalid_grant" },
    });

    expect(await isAccepted(await refreshed(second))).toBe(true);
  });

  test("stays the same where rotation is off", async () => {
    center.settings.rotation = "same";
    const first = await client.login();

    const second = await refreshed(first);

    expect(second.refreshToken).toBe(first.refreshToken);
    expect((await refreshed(second)).refreshToken).toBe(first.refreshToken);
  });

  test("may not be followed by another: the session then ends with the access token", async () => {
    center.settings.rotation = "omit";
    const first = await client.login();

    const second = await refreshed(first);

    expect(second).toMatchObject({ refreshToken: null, expiresIn: 3600 });
    expect(await client.refresh(first.refreshToken)).toMatchObject({ error: "InvalidGrantException" });
  });

  test("is its own client's only", async () => {
    const tokens = await client.login();
    await client.register();

    expect(await client.refresh(tokens.refreshToken)).toMatchObject({ error: "InvalidGrantException" });
    expect(await client.refresh("never")).toMatchObject({ error: "InvalidGrantException" });
  });

  test("can be revoked, which access tokens survive", async () => {
    const tokens = await client.login();

    center.revokeRefreshTokens();

    expect(await client.refresh(tokens.refreshToken)).toMatchObject({ error: "InvalidGrantException" });
    expect(await isAccepted(tokens)).toBe(true);
  });
});

describe("a session", () => {
  test("ends with Logout, renewals too; then Logout is refused", async () => {
    const tokens = await client.login();

    expect((await client.portal("/logout", tokens.accessToken, "POST")).status).toBe(200);

    expect(await isAccepted(tokens)).toBe(false);
    expect(await client.refresh(tokens.refreshToken)).toMatchObject({ error: "InvalidGrantException" });
    expect((await client.portal("/logout", tokens.accessToken, "POST")).status).toBe(401);
  });

  test("is ended by an administrator: one user's, or all", async () => {
    const anns = await client.login();
    await client.register();
    const { body } = await client.startDevice();
    center.approve(String(body["userCode"]), "bob");
    const bobs = (await client.poll(body["deviceCode"])).body as unknown as RawTokens;

    center.endSessions("ann");
    expect([await isAccepted(anns), await isAccepted(bobs)]).toEqual([false, true]);

    center.endSessions();
    expect(await isAccepted(bobs)).toBe(false);
  });
});
