import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLI_2_9, debianRoot } from "../../support/debian-root.js";
import { arnsIn } from "../outcomes.js";
import { type Conversation } from "./conversation.js";
import { DEV_ARN, RealClientsFixture, succeeded, TARGET } from "./real-clients-fixture.js";
import type { SsoHome } from "./sso-home.js";

const INSTALL_LIMIT_MS = 10 * 60_000;
const USER_CODE = /^([A-Z]{4}-[A-Z]{4})$/m;

let fixture: RealClientsFixture;
let home: SsoHome;
beforeAll(async () => {
  debianRoot(CLI_2_9);
  fixture = await RealClientsFixture.start();
}, INSTALL_LIMIT_MS);
afterAll(() => fixture.close());
beforeEach(() => {
  home = fixture.home();
  fixture.center.faults.clear();
  fixture.center.settings.accessTokenSeconds = 3600;
  // The CLI keeps role credentials in a file of its own; these are too short for that, so each call asks the portal.
  fixture.center.settings.roleSessionSeconds = 300;
});

const aws = (...args: readonly string[]): Conversation => fixture.cli2_9(home, args);
const whoAmI = (profile = "dev"): Conversation => aws("sts", "get-caller-identity", "--profile", profile);

async function login(profile = "dev"): Promise<void> {
  const running = aws("sso", "login", "--no-browser", "--profile", profile);
  fixture.center.approve(await running.printed(USER_CODE));
  await succeeded(running);
}

/** The device flow of a client that is not ours, at AWS's own host names. */
describe("AWS CLI 2.9", () => {
  it("is what it is called", async () => {
    expect((await succeeded(aws("--version"))).stdout).toContain(`aws-cli/${CLI_2_9.version} `);
  });

  it("logs in with a code, is who it then says, and logs out", async () => {
    await login();
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({ status: 200, region: "eu-west-1" });
    expect(home.token().refreshToken).toBeDefined();

    expect(arnsIn(await succeeded(whoAmI()))).toEqual([expect.stringMatching(DEV_ARN)]);
    expect(fixture.aws.lastOf("GetCallerIdentity").userAgent).toContain("aws-cli/2.9.19");

    await succeeded(aws("sso", "logout"));
    expect(fixture.center.lastOf("Logout")).toMatchObject({ status: 200, region: "eu-west-1" });
    const refused = await whoAmI().ended;
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("SSO Token");
  });

  it("logs in to a profile without session, whose token has no renewal", async () => {
    await login("legacy");

    expect(home.token().refreshToken).toBeUndefined();
    expect(arnsIn(await succeeded(whoAmI("legacy")))).toEqual([expect.stringMatching(DEV_ARN)]);
  });

  it("needs no code where it was approved before", async () => {
    fixture.center.settings.preAuthorized = true;

    const { stdout } = await succeeded(aws("sso", "login", "--no-browser", "--profile", "dev"));

    fixture.center.settings.preAuthorized = false;
    expect(stdout).not.toMatch(USER_CODE);
    expect(home.token().accessToken).toBeTruthy();
  });

  it("understands that it is too fast, and that its user says no", async () => {
    fixture.center.faults.set("CreateToken", { kind: "refuse", code: "SlowDownException", times: 1 });
    await login();

    const running = aws("sso", "login", "--no-browser", "--profile", "dev");
    fixture.center.deny(await running.printed(USER_CODE));
    const { code, stderr } = await running.ended;

    expect(code).not.toBe(0);
    expect(stderr).toContain("AccessDenied");
  });

  it("renews its token with a refresh token that changes each time, until that is revoked", async () => {
    // Under 15 min the CLI renews before each call.
    fixture.center.settings.accessTokenSeconds = 600;
    await login();
    const first = home.token();

    await succeeded(whoAmI());
    const second = home.token();
    await succeeded(whoAmI());
    const third = home.token();
    expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({
      status: 200,
      params: { grantType: "refresh_token", refreshToken: second.refreshToken },
    });

    fixture.center.endSessions();
    expect((await whoAmI().ended).code).not.toBe(0);
    expect(fixture.center.lastOf("CreateToken")).toMatchObject({ status: 400 });
  });

  it("lists all accounts and roles over their pages", async () => {
    await login();
    const list = async (...args: readonly string[]): Promise<Record<string, unknown[]>> => {
      const options = ["--access-token", home.token().accessToken, "--region", "eu-west-1", "--output", "json"];
      return JSON.parse((await succeeded(aws("sso", ...args, ...options))).stdout) as Record<string, unknown[]>;
    };
    const before = fixture.center.countOf("ListAccounts");

    expect((await list("list-accounts"))["accountList"]).toHaveLength(60);
    expect(fixture.center.countOf("ListAccounts") - before).toBe(3);
    const { accountId } = TARGET;
    expect((await list("list-account-roles", "--account-id", accountId))["roleList"]).toHaveLength(5);
  });

  it("is told that a role is not its user's", async () => {
    await login();

    const { code, stderr } = await whoAmI("denied").ended;

    expect(code).not.toBe(0);
    expect(stderr).toContain("ForbiddenException");
    expect(stderr).toContain("No access");
  });
});
