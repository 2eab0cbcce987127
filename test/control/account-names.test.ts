import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import type { ControlError } from "../../src/control-api/contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import type { AwsSsoCacheSource } from "../../src/core/role.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { ssoSource } from "../sso/sso-fixture.js";
import { keysSource } from "../support/roles.js";

const corp = ssoSource();
const cache: AwsSsoCacheSource = {
  type: "aws_sso_cache",
  name: "cli",
  session: { ssoSession: "corp" },
  stsRegion: "eu-west-1",
};
const byDefault = { lease: { by: "default" } } as const;

let services: FakeServices;

beforeEach(async () => {
  services = await fakeControlServices([corp, cache, keysSource("plain")], []);
  services.center.accounts = [
    { accountId: "100000000001", accountName: "Data Platform" },
    { accountId: "100000000002", accountName: "Twice" },
    { accountId: "100000000003", accountName: "twice" },
    { accountId: "100000000004", accountName: "R&D: a/b" },
    { accountId: "100000000005", accountName: "prod" },
    { accountId: "100000000006", accountName: "prod" },
  ];
  services.center.rolesOfEach = ["Developer", "ReadOnly"];
  services.center.decision = "approved";
  await (await services.sso.logins.start(corp, "device")).running.done;
});

async function call(operation: string, body: object): Promise<Record<string, unknown> & { error?: ControlError }> {
  const response = await request(createControlApp(services)).post(`/v1/${operation}`).send(body);
  return response.body as Record<string, unknown> & { error?: ControlError };
}

const listings = (): number => services.center.calls.filter((action) => action === "ListAccounts").length;

describe("SOURCE:ACCOUNT/ROLE with an account's name", () => {
  it.each([
    ["as it is spelled", "corp:Data Platform/Developer", "corp:100000000001/Developer"],
    ["in another case, the role too", "corp:data platform/DEVELOPER", "corp:100000000001/Developer"],
    ["with colons and slashes in it", "corp:r&d: A/B/ReadOnly", "corp:100000000004/ReadOnly"],
    ["that differs from another in its case only", "corp:Twice/ReadOnly", "corp:100000000002/ReadOnly"],
  ])("is taken %s, and kept with its id", async (_, typed, kept) => {
    expect(await call("use", { ...byDefault, role: typed })).toMatchObject({ new: { role: kept } });
    expect(await call("lease-show", byDefault)).toMatchObject({ role: kept });
  });

  it("is taken by every operation that takes a role", async () => {
    const role = "corp:data platform/ReadOnly";
    const kept = "corp:100000000001/ReadOnly";
    const child = { role, pid: 4711 };
    expect(await call("warm", { role })).toMatchObject({ role: kept });
    expect(await call("refresh", { role })).toMatchObject({ refreshed: [{ role: kept }] });
    expect(await call("lease-create", { name: "ide", role })).toMatchObject({ lease: { role: kept } });
    expect(await call("lease-child", child)).toMatchObject({ lease: { role: kept } });
    const once = (await call("lease-access", { pinnedRole: role })) as unknown as LeaseAccess;
    const twice = (await call("lease-access", { pinnedRole: kept })) as unknown as LeaseAccess;
    expect([once.lease.role, once.lease.id]).toEqual([kept, twice.lease.id]);
    expect(await call("whoami", { role })).toMatchObject({ role: kept });
    const lambda = { function: "orders", via: role, mode: "assume" };
    expect((await call("lambda-role", lambda)).error?.code).not.toBe("RoleUnknown");
    expect(listings()).toBe(1);
  });

  it("that several have is refused with the choices", async () => {
    const { error } = await call("use", { ...byDefault, role: "corp:prod/ReadOnly" });
    expect(error).toMatchObject({
      code: "UsageInvalid",
      hint: "corp:100000000005/ReadOnly or corp:100000000006/ReadOnly",
    });
    expect((await call("use", { ...byDefault, role: "corp:TWICE/ReadOnly" })).error?.hint).toContain("100000000003");
    expect(await call("lease-show", byDefault)).toMatchObject({ role: null });
  });

  it("that does not exist is refused with the nearest, and a new account is found", async () => {
    const { error } = await call("warm", { role: "corp:Data Platfrom/ReadOnly" });
    expect(error).toMatchObject({ code: "RoleUnknown", hint: "brokerctl sso roles corp" });
    expect(error?.message).toContain("did you mean Data Platform?");
    services.center.accounts = [...services.center.accounts, { accountId: "100000000009", accountName: "New" }];
    await services.clock.advance(10_000);
    expect(await call("warm", { role: "corp:new/ReadOnly" })).toMatchObject({ role: "corp:100000000009/ReadOnly" });
    for (let typo = 0; typo < 5; typo++) await call("warm", { role: "corp:missing/ReadOnly" });
    expect(listings()).toBe(2);
  });

  it("of which the account has no such role is for AWS to refuse", async () => {
    expect((await call("warm", { role: "corp:data platform/Nope" })).error).toMatchObject({ code: "AssumeRoleDenied" });
  });

  it("without a login names the command", async () => {
    await services.sso.logout(corp);
    const { error } = await call("warm", { role: "corp:data platform/ReadOnly" });
    expect(error).toMatchObject({ code: "LoginRequired", hint: "brokerctl login corp" });
  });

  it("is not asked for where the account is given by id, and says what a source of another type takes", async () => {
    await call("warm", { role: "corp:100000000001/ReadOnly" });
    expect(listings()).toBe(0);
    expect((await call("warm", { role: "cli:Data Platform/ReadOnly" })).error).toMatchObject({
      code: "RoleUnknown",
      hint: "cli:111111111111/ROLE",
    });
    expect((await call("warm", { role: "plain:x/y" })).error?.message).toContain("plain is no source of type sso");
    expect((await call("warm", { role: "corp:/ReadOnly" })).error?.message).toContain("an account's id or name");
  });
});
