import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANARY } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { type FakeAws, startFakeAws } from "../fake-aws/fake-aws.js";
import { type FakeIdentityCenter, startFakeIdentityCenter } from "./fake-identity-center.js";
import { organization, ssoRoleArn } from "./organization.js";
import { RawClient } from "./raw-client.js";

const clock = new FakeClock();
let aws: FakeAws;
let center: FakeIdentityCenter;
let client: RawClient;
let token: string;
beforeEach(async () => {
  aws = await startFakeAws({ users: [], clock });
  center = await startFakeIdentityCenter({ clock, aws, users: { ann: organization(60, 5) } });
  client = new RawClient(center);
  token = (await client.login()).accessToken;
});
afterEach(async () => {
  await center.close();
  await aws.close();
});

const first = organization(60, 5)[0]!;
const roleOf = (account: string, role: string): string =>
  `/federation/credentials?account_id=${account}&role_name=${role}`;

/** Items and number of pages. */
async function all(path: string, list: string): Promise<{ items: Record<string, string>[]; pages: number }> {
  const items: Record<string, string>[] = [];
  let next: string | null = "";
  let pages = 0;
  while (next !== null) {
    const paged: string =
      next === "" ? path : `${path}${path.includes("?") ? "&" : "?"}next_token=${encodeURIComponent(next)}`;
    const { status, body } = await client.portal(paged, token);
    expect(status).toBe(200);
    const page = body as unknown as Record<string, Record<string, string>[]> & { nextToken: string | null };
    items.push(...(page[list] ?? []));
    next = page.nextToken;
    pages++;
  }
  return { items, pages };
}

describe("the lists", () => {
  test("have every account once, over several pages", async () => {
    const { items, pages } = await all("/assignment/accounts", "accountList");

    expect(pages).toBe(3);
    expect(new Set(items.map(({ accountId }) => accountId)).size).toBe(60);
    expect(items[0]).toEqual({
      accountId: first.accountId,
      accountName: "Team 01 Development",
      emailAddress: first.emailAddress,
    });
  });

  test("have every role of an account, in pages of the size that was asked for", async () => {
    const path = `/assignment/roles?account_id=${first.accountId}&max_result=2`;

    const { items, pages } = await all(path, "roleList");

    expect(pages).toBe(3);
    expect(items).toEqual(first.roles.map((roleName) => ({ roleName, accountId: first.accountId })));
  });

  test.each([
    ["a page size of none", "/assignment/accounts?max_result=0"],
    ["too large a page", "/assignment/accounts?max_result=101"],
    ["a page token that never was", "/assignment/accounts?next_token=x"],
    ["roles of no account", "/assignment/roles"],
    ["roles of what is no account", "/assignment/roles?account_id=1"],
  ])("refuse %s", async (_name, target) => {
    expect(await client.portal(target, token)).toMatchObject({ status: 400, error: "InvalidRequestException" });
  });

  test("refuse the page token of another list", async () => {
    const { body } = await client.portal("/assignment/accounts", token);
    const next = encodeURIComponent(String(body["nextToken"]));

    const answer = await client.portal(`/assignment/roles?account_id=${first.accountId}&next_token=${next}`, token);

    expect(answer).toMatchObject({ status: 400, error: "InvalidRequestException" });
  });
});

describe("GetRoleCredentials", () => {
  test("gives credentials with an end in milliseconds, which sign at AWS as that role", async () => {
    const { status, body } = await client.portal(roleOf(first.accountId, "ReadOnlyAccess"), token);

    expect(status).toBe(200);
    const credentials = (body as unknown as { roleCredentials: Record<string, unknown> }).roleCredentials;
    expect(credentials).toMatchObject({ expiration: clock.now() + 3_600_000 });
    expect(credentials["secretAccessKey"]).toContain(CANARY);
    expect(aws.whoIs(String(credentials["accessKeyId"]))).toMatchObject({
      kind: "role",
      account: first.accountId,
      roleArn: ssoRoleArn(first.accountId, "ReadOnlyAccess", "eu-west-1"),
      arn: expect.stringMatching(/assumed-role\/AWSReservedSSO_ReadOnlyAccess_[0-9a-f]{16}\/ann$/) as string,
    });
  });

  test("gives other credentials with each call, which outlive the session", async () => {
    const ask = (): Promise<unknown> => client.portal(roleOf(first.accountId, "Billing"), token);
    expect(await ask()).not.toEqual(await ask());

    center.endSessions();

    expect(await ask()).toMatchObject({ status: 401 });
  });

  test.each([
    ["a role that is not assigned", roleOf(first.accountId, "Root"), 403, "ForbiddenException"],
    ["an account that is not assigned", roleOf("999999999999", "Billing"), 403, "ForbiddenException"],
    ["no role", `/federation/credentials?account_id=${first.accountId}`, 400, "InvalidRequestException"],
    ["no account", "/federation/credentials?role_name=Billing", 400, "InvalidRequestException"],
  ])("refuses %s", async (_name, target, status, error) => {
    expect(await client.portal(target, token)).toMatchObject({ status, error });
  });
});

describe("the bearer token", () => {
  test("is needed by every call, and must be one that was given", async () => {
    const targets = ["/assignment/accounts", `/assignment/roles?account_id=${first.accountId}`, roleOf("1", "x")];
    for (const given of [undefined, "", `${token}x`]) {
      for (const target of targets) {
        expect(await client.portal(target, given)).toMatchObject({
          status: 401,
          error: "UnauthorizedException",
          body: { message: "Session token not found or invalid" },
        });
      }
      expect((await client.portal("/logout", given, "POST")).status).toBe(401);
    }
  });
});

describe("the rate limit", () => {
  test("refuses the twenty-first call of a second, and forgets with time", async () => {
    center.settings.callsPerSecond = 20;
    center.settings.retryAfterSeconds = 3;
    const calls = await Promise.all(Array.from({ length: 25 }, () => client.portal("/assignment/accounts", token)));
    expect(calls.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(calls.filter(({ error }) => error === "TooManyRequestsException")).toHaveLength(5);

    await clock.advance(1000);

    expect((await client.portal("/assignment/accounts", token)).status).toBe(200);
  });

  test("is the portal's alone", async () => {
    center.settings.callsPerSecond = 0;

    expect((await client.register()).status).toBe(200);
    expect((await client.portal("/assignment/accounts", token)).status).toBe(429);
  });
});
