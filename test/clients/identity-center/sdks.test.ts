import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Outcome } from "../../support/broker.js";
import { inVenv } from "../../support/venv.js";
import { BOTO3, JAVASCRIPT } from "../aws-clients.js";
import { arnsIn } from "../outcomes.js";
import { DEV_ARN, RealClientsFixture, succeeded } from "./real-clients-fixture.js";
import type { SsoHome } from "./sso-home.js";

const PROGRAMS = resolve("test/clients/identity-center/programs");
const USER_CODE = /^([A-Z]{4}-[A-Z]{4})$/m;
/** Under these, boto3 (15 min) and JavaScript (5 min) renew a token before they use it. */
const SOON_SECONDS = 200;

let fixture: RealClientsFixture;
let home: SsoHome;
beforeAll(async () => {
  fixture = await RealClientsFixture.start();
});
afterAll(() => fixture.close());
beforeEach(() => {
  home = fixture.home();
  fixture.center.faults.clear();
  fixture.center.settings.accessTokenSeconds = 3600;
});

/** A device login with botocore's client, which leaves its token where all SDKs look for it. */
async function login(): Promise<void> {
  const running = fixture.sdk(home, [inVenv("python"), resolve(PROGRAMS, "device_login.py")]);
  fixture.center.approve(await running.printed(USER_CODE));
  await succeeded(running);
}

describe.each([BOTO3, JAVASCRIPT])("$name", ({ identity }) => {
  const whoAmI = (profile = "dev"): Promise<Outcome> => fixture.sdk(home, identity, profile).ended;

  it("is whom its role credentials speak for, by the token of a login", async () => {
    await login();
    const before = fixture.center.countOf("CreateToken");

    const outcome = await whoAmI();

    expect(outcome).toMatchObject({ code: 0 });
    expect(arnsIn(outcome)).toEqual([expect.stringMatching(DEV_ARN)]);
    expect(fixture.center.lastOf("GetRoleCredentials").accessToken).toBe(home.token().accessToken);
    expect(fixture.center.countOf("CreateToken")).toBe(before);
  });

  it("renews its token, and keeps the refresh token that came with it", async () => {
    fixture.center.settings.accessTokenSeconds = SOON_SECONDS;
    await login();
    const tokens = [home.token()];
    for (let round = 0; round < 2; round++) {
      expect(await whoAmI()).toMatchObject({ code: 0 });
      tokens.push(home.token());
    }

    expect(new Set(tokens.map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({
      status: 200,
      params: { grantType: "refresh_token", refreshToken: tokens[1]?.refreshToken },
    });
    expect(fixture.center.lastOf("GetRoleCredentials").accessToken).toBe(tokens[2]?.accessToken);
  });

  it("uses a token to its end when its renewal is refused, and then asks for a login", async () => {
    fixture.center.settings.accessTokenSeconds = SOON_SECONDS;
    await login();

    fixture.center.revokeRefreshTokens();
    expect(await whoAmI()).toMatchObject({ code: 0 });
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({ status: 400 });

    fixture.center.expireAccessTokens();
    const refused = await whoAmI();
    expect(refused.code).not.toBe(0);
    expect(fixture.center.lastOf("GetRoleCredentials")).toMatchObject({ status: 401 });
  });

  it("is told that a role is not its user's", async () => {
    await login();

    const { code, stderr } = await whoAmI("denied");

    expect(code).not.toBe(0);
    expect(stderr).toContain("No access");
    expect(fixture.center.lastOf("GetRoleCredentials")).toMatchObject({ status: 403 });
  });

  it("asks again when it is throttled", async () => {
    await login();
    fixture.center.faults.set("GetRoleCredentials", { kind: "throttle", times: 1 });
    const before = fixture.center.countOf("GetRoleCredentials");

    expect(await whoAmI()).toMatchObject({ code: 0 });

    expect(fixture.center.countOf("GetRoleCredentials") - before).toBe(2);
  });
});
