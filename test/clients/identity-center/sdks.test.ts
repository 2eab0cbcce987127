import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Outcome } from "../../support/broker.js";
import { inVenv } from "../../support/venv.js";
import { BOTO3, JAVASCRIPT } from "../aws-clients.js";
import { arnsIn } from "../outcomes.js";
import { DEV_ARN, SsoBed, succeeded } from "./bed.js";
import type { SsoHome } from "./sso-home.js";

const PROGRAMS = resolve("test/clients/identity-center/programs");
const USER_CODE = /^([A-Z]{4}-[A-Z]{4})$/m;
/** Under these, boto3 (15 min) and JavaScript (5 min) renew a token before they use it (sdk-contract §16.3). */
const SOON_SECONDS = 200;

let bed: SsoBed;
let home: SsoHome;
beforeAll(async () => {
  bed = await SsoBed.start();
});
afterAll(() => bed.close());
beforeEach(() => {
  home = bed.home();
  bed.center.faults.clear();
  bed.center.settings.accessTokenSeconds = 3600;
});

/** A device login with botocore's client, which leaves its token where all SDKs look for it. */
async function login(): Promise<void> {
  const running = bed.sdk(home, [inVenv("python"), resolve(PROGRAMS, "device_login.py")]);
  bed.center.approve(await running.printed(USER_CODE));
  await succeeded(running);
}

describe.each([BOTO3, JAVASCRIPT])("$name", ({ identity }) => {
  const whoAmI = (profile = "dev"): Promise<Outcome> => bed.sdk(home, identity, profile).ended;

  it("is whom its role credentials speak for, by the token of a login", async () => {
    await login();
    const before = bed.center.countOf("CreateToken");

    const outcome = await whoAmI();

    expect(outcome).toMatchObject({ code: 0 });
    expect(arnsIn(outcome)).toEqual([expect.stringMatching(DEV_ARN)]);
    expect(bed.center.lastOf("GetRoleCredentials").accessToken).toBe(home.token().accessToken);
    expect(bed.center.countOf("CreateToken")).toBe(before);
  });

  it("renews its token, and keeps the refresh token that came with it", async () => {
    bed.center.settings.accessTokenSeconds = SOON_SECONDS;
    await login();
    const tokens = [home.token()];
    for (let round = 0; round < 2; round++) {
      expect(await whoAmI()).toMatchObject({ code: 0 });
      tokens.push(home.token());
    }

    expect(new Set(tokens.map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(bed.center.lastOf("CreateToken")).toMatchObject({
      status: 200,
      params: { grantType: "refresh_token", refreshToken: tokens[1]?.refreshToken },
    });
    expect(bed.center.lastOf("GetRoleCredentials").accessToken).toBe(tokens[2]?.accessToken);
  });

  it("uses a token to its end when its renewal is refused, and then asks for a login", async () => {
    bed.center.settings.accessTokenSeconds = SOON_SECONDS;
    await login();

    bed.center.revokeRefreshTokens();
    expect(await whoAmI()).toMatchObject({ code: 0 });
    expect(bed.center.lastOf("CreateToken")).toMatchObject({ status: 400 });

    bed.center.expireAccessTokens();
    const refused = await whoAmI();
    expect(refused.code).not.toBe(0);
    expect(bed.center.lastOf("GetRoleCredentials")).toMatchObject({ status: 401 });
  });

  it("is told that a role is not its user's", async () => {
    await login();

    const { code, stderr } = await whoAmI("denied");

    expect(code).not.toBe(0);
    expect(stderr).toContain("No access");
    expect(bed.center.lastOf("GetRoleCredentials")).toMatchObject({ status: 403 });
  });

  it("asks again when it is throttled", async () => {
    await login();
    bed.center.faults.set("GetRoleCredentials", { kind: "throttle", times: 1 });
    const before = bed.center.countOf("GetRoleCredentials");

    expect(await whoAmI()).toMatchObject({ code: 0 });

    expect(bed.center.countOf("GetRoleCredentials") - before).toBe(2);
  });
});
