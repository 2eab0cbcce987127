import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SsoAccount, SsoAccountRole } from "../../src/aws/sso.js";
import { isRecoverable } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { organization } from "../fakes/fake-identity-center/organization.js";
import type { SsoFault } from "../fakes/fake-identity-center/sso-faults.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { everythingIn, IdentityCenterFixture, REGION } from "./identity-center-fixture.js";

const accounts = organization(250, 5);
const first = accounts[0]!;
const ROLE = { accountId: first.accountId, roleName: "ReadOnlyAccess" };

let fixture: IdentityCenterFixture;
let token: Secret;
beforeEach(async () => {
  fixture = await IdentityCenterFixture.start({ users: { ann: accounts } });
  token = (await fixture.login()).accessToken;
});
afterEach(() => fixture.close());

const credentials = (role = ROLE): ReturnType<IdentityCenterFixture["ours"]["sso"]["getRoleCredentials"]> =>
  fixture.ours.sso.getRoleCredentials(token, role, REGION);

async function allAccounts(): Promise<SsoAccount[]> {
  const found: SsoAccount[] = [];
  let nextToken: string | undefined;
  do {
    const page = await fixture.ours.sso.listAccounts(token, nextToken === undefined ? {} : { nextToken }, REGION);
    found.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

describe("role credentials", () => {
  test("sign at AWS as the role that was asked for", async () => {
    const found = await credentials();

    expect(found).toMatchObject({ accountId: first.accountId, expiration: fixture.clock.now() + 3_600_000 });
    const identity = await fixture.ours.sts.getCallerIdentity(found, REGION);
    expect(identity.arn).toContain(":assumed-role/AWSReservedSSO_ReadOnlyAccess_");
    expect(identity.account).toBe(first.accountId);
  });

  test("of a role that is not assigned are denied, by account and role", async () => {
    const error = await brokerErrorOf(() => credentials({ ...ROLE, roleName: "Root" }));

    expect(error).toMatchObject({ code: "AssumeRoleDenied", signer: undefined });
    expect(error.message).toContain("role Root");
    expect(error.message).toContain(first.accountId);
    expect(error.hint).toContain("sso roles");
  });

  test.each(["ForbiddenException", "ResourceNotFoundException"])("%s is a denial", async (code) => {
    fixture.center.faults.set("GetRoleCredentials", { kind: "refuse", code });

    expect(await brokerErrorOf(() => credentials())).toMatchObject({ code: "AssumeRoleDenied" });
  });

  test("of what is no account are a matter of the config", async () => {
    const error = await brokerErrorOf(() => credentials({ ...ROLE, accountId: "1" }));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.hint).toContain("sso_account_id");
  });

  test.each([
    ["end before now", { expiration: 1 }],
    ["end in seconds", { expiration: Math.floor(Date.parse("2026-01-01T01:00:00Z") / 1000) }],
    ["no end", { expiration: null }],
    ["no key", { accessKeyId: null }],
    ["no secret", { secretAccessKey: "" }],
    ["no session token", { sessionToken: null }],
    ["a session token of two lines", { sessionToken: "a\nb" }],
  ])("with %s are not believed", async (_name, change) => {
    fixture.center.faults.set("GetRoleCredentials", {
      kind: "lie",
      body: ({ roleCredentials }) => ({ roleCredentials: { ...(roleCredentials as object), ...change } }),
    });

    const error = await brokerErrorOf(() => credentials());

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(everythingIn(error)).not.toContain(CANARY);
  });

  test("with an end far away are believed for twelve hours at most", async () => {
    fixture.center.settings.roleSessionSeconds = 900_000;

    expect((await credentials()).expiration).toBe(fixture.clock.now() + 43_200_000);
  });

  test("end by our clock where AWS's is another", async () => {
    await fixture.close();
    const ahead = 3_600_000;
    fixture = await IdentityCenterFixture.start({
      users: { ann: accounts },
      clock: { now: () => fixture.clock.now() + ahead },
    });
    token = (await fixture.login()).accessToken;

    expect((await credentials()).expiration).toBe(fixture.clock.now() + 3_600_000);
  });
});

describe("a token that is not accepted", () => {
  test.each<[string, () => unknown]>([
    ["because it has expired", () => fixture.center.expireAccessTokens()],
    ["because its session was ended", () => fixture.center.endSessions()],
    ["because it never was", () => (token = new Secret("never"))],
  ])("%s asks for a login", async (_name, happens) => {
    happens();

    for (const call of [credentials, allAccounts]) {
      const error = await brokerErrorOf(() => call());
      expect(error).toMatchObject({ code: "LoginRequired" });
      expect(error.hint).toBe("brokerctl login");
    }
  });
});

describe("the lists", () => {
  test("have all accounts, a hundred a page", async () => {
    const found = await allAccounts();

    expect(found).toHaveLength(250);
    expect(found[0]).toEqual({
      accountId: first.accountId,
      accountName: first.accountName,
      emailAddress: first.emailAddress,
    });
    expect(fixture.center.countOf("ListAccounts")).toBe(3);
  });

  test("have all roles of an account", async () => {
    const { items, nextToken } = await fixture.ours.sso.listAccountRoles(token, { accountId: first.accountId }, REGION);

    const wanted: SsoAccountRole[] = first.roles.map((roleName) => ({ accountId: first.accountId, roleName }));
    expect(items).toEqual(wanted);
    expect(nextToken).toBeUndefined();
  });

  test("of an account that is not assigned are denied", async () => {
    const error = await brokerErrorOf(() =>
      fixture.ours.sso.listAccountRoles(token, { accountId: "999999999999" }, REGION),
    );

    expect(error).toMatchObject({ code: "AssumeRoleDenied" });
    expect(error.message).toContain("999999999999");
  });

  test("that would never end are not followed", async () => {
    let nextToken: unknown;
    const again = (right: Record<string, unknown>): unknown => ({
      ...right,
      nextToken: (nextToken ??= right["nextToken"]),
    });
    fixture.center.faults.set("ListAccounts", { kind: "lie", body: again });

    expect(await brokerErrorOf(allAccounts)).toMatchObject({ code: "AwsUnreachable" });
    expect(fixture.center.countOf("ListAccounts")).toBe(2);
  });

  test("show names without what moves a terminal's cursor", async () => {
    const account = { accountId: "111111111111", accountName: "a\u001b[31mb\u202e", emailAddress: null };
    fixture.center.faults.set("ListAccounts", { kind: "lie", body: () => ({ accountList: [account] }) });

    expect(await allAccounts()).toEqual([{ accountId: "111111111111", accountName: "a[31mb" }]);
  });

  test.each([
    ["no list", {}],
    ["an account without id", { accountList: [{ accountName: "a" }] }],
    ["an id that is a path", { accountList: [{ accountId: "../../../etc" }] }],
  ])("with %s are not believed", async (_name, body) => {
    fixture.center.faults.set("ListAccounts", { kind: "lie", body: () => body });

    expect(await brokerErrorOf(allAccounts)).toMatchObject({ code: "AwsUnreachable" });
  });
});

describe("an upstream in trouble", () => {
  test.each<[string, SsoFault]>([
    ["unavailable", { kind: "unavailable" }],
    ["failing", { kind: "failing" }],
    ["silent", { kind: "drop" }],
    ["hidden behind a login page", { kind: "captive" }],
  ])("%s is recoverable and asked once", async (_name, fault) => {
    fixture.center.faults.set("GetRoleCredentials", fault);

    const error = await brokerErrorOf(() => credentials());

    expect(error).toMatchObject({ code: "AwsUnreachable", signer: undefined });
    expect(isRecoverable(error)).toBe(true);
    expect(fixture.center.countOf("GetRoleCredentials")).toBe(1);
  });

  test("throttling says how long it wants to be left alone", async () => {
    fixture.center.settings.callsPerSecond = 0;
    fixture.center.settings.retryAfterSeconds = 3;

    expect(await brokerErrorOf(() => credentials())).toMatchObject({ code: "AwsUnreachable", retryAfterMs: 3000 });
  });

  test("quoting the request gives no token away", async () => {
    fixture.center.faults.set("*", { kind: "echo" });

    for (const call of [credentials, allAccounts]) {
      expect(everythingIn(await brokerErrorOf(() => call()))).not.toContain(CANARY);
    }
  });
});

describe("logout", () => {
  test("ends the session, and a second one is none", async () => {
    await fixture.ours.sso.logout(token, REGION);

    expect(await brokerErrorOf(() => credentials())).toMatchObject({ code: "LoginRequired" });
    await fixture.ours.sso.logout(token, REGION);
  });

  test("that does not reach AWS says so", async () => {
    await fixture.center.down();

    expect(await brokerErrorOf(() => fixture.ours.sso.logout(token, REGION))).toMatchObject({ code: "AwsUnreachable" });
  });
});
