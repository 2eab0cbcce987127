import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { decideInBrowser } from "../../fakes/fake-identity-center/decide-in-browser.js";
import { CLI_2_23, debianRoot } from "../../support/debian-root.js";
import { arnsIn } from "../outcomes.js";
import type { Conversation } from "./conversation.js";
import { DEV_ARN, RealClientsFixture, succeeded } from "./real-clients-fixture.js";
import type { SsoHome } from "./sso-home.js";

const INSTALL_LIMIT_MS = 10 * 60_000;
const AUTHORIZE_URL = /^(https:\S+\/authorize\?\S+)$/m;
const USER_CODE = /^([A-Z]{4}-[A-Z]{4})$/m;

let fixture: RealClientsFixture;
let home: SsoHome;
beforeAll(async () => {
  debianRoot(CLI_2_23);
  fixture = await RealClientsFixture.start();
}, INSTALL_LIMIT_MS);
afterAll(() => fixture.close());
beforeEach(() => {
  home = fixture.home();
  fixture.center.settings.accessTokenSeconds = 3600;
  fixture.center.settings.roleSessionSeconds = 300;
});

const aws = (...args: readonly string[]): Conversation => fixture.cli2_23(home, args);
const login = (...more: readonly string[]): Conversation =>
  aws("sso", "login", "--no-browser", "--profile", "dev", ...more);
const whoAmI = (): Conversation => aws("sts", "get-caller-identity", "--profile", "dev");

/** What the browser is sent back to, after its user decided on the page that the CLI names. */
async function decided(running: Conversation, decision: "approve" | "deny"): Promise<string> {
  const url = new URL(await running.printed(AUTHORIZE_URL));
  // The browser is this test, which does not trust the fixture's authority: the same page over plain http.
  const page = fixture.center.url + url.pathname + url.search;
  return (await decideInBrowser(page, decision)).location ?? "";
}

/** The authorization code flow of a client that is not ours. */
describe("AWS CLI 2.23", () => {
  it("is what it is called", async () => {
    expect((await succeeded(aws("--version"))).stdout).toContain(`aws-cli/${CLI_2_23.version} `);
  });

  it("logs in with PKCE by the browser, is who it then says, and logs out", async () => {
    const running = login();
    await fetch(await decided(running, "approve"));
    await succeeded(running);
    expect(fixture.center.lastOf("RegisterClient").params).toMatchObject({
      grantTypes: ["authorization_code", "refresh_token"],
      redirectUris: ["http://127.0.0.1/oauth/callback"],
    });
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({
      status: 200,
      params: {
        grantType: "authorization_code",
        redirectUri: expect.stringMatching(/:\d+\/oauth\/callback$/) as string,
      },
    });

    expect(arnsIn(await succeeded(whoAmI()))).toEqual([expect.stringMatching(DEV_ARN)]);

    await succeeded(aws("sso", "logout"));
    expect(fixture.center.lastOf("Logout")).toMatchObject({ status: 200 });
    expect((await whoAmI().ended).code).not.toBe(0);
  });

  it("renews what it got by PKCE", async () => {
    fixture.center.settings.accessTokenSeconds = 600;
    const running = login();
    await fetch(await decided(running, "approve"));
    await succeeded(running);
    const first = home.token();

    await succeeded(whoAmI());

    expect(home.token().refreshToken).not.toBe(first.refreshToken);
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({
      status: 200,
      params: { grantType: "refresh_token", refreshToken: first.refreshToken },
    });
  });

  it("is told that its user says no", async () => {
    const running = login();
    const location = await decided(running, "deny");
    expect(location).toContain("error=access_denied");

    await fetch(location);

    expect((await running.ended).code).not.toBe(0);
    expect(home.tokens()).toEqual([]);
  });

  it("refuses a callback with another state", async () => {
    const running = login();
    const before = fixture.center.countOf("CreateToken");
    const location = new URL(await decided(running, "approve"));
    location.searchParams.set("state", "another");

    await fetch(location);

    expect((await running.ended).code).not.toBe(0);
    expect(fixture.center.countOf("CreateToken")).toBe(before);
  });

  it("logs in with a code where it is told to", async () => {
    const running = login("--use-device-code");
    fixture.center.approve(await running.printed(USER_CODE));
    await succeeded(running);

    expect(arnsIn(await succeeded(whoAmI()))).toEqual([expect.stringMatching(DEV_ARN)]);
  });
});
