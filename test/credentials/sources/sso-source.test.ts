import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../../src/core/errors.js";
import type { Role } from "../../../src/core/role.js";
import { CredentialsRegistry } from "../../../src/credentials/credentials-registry.js";
import { SsoSourceProvider } from "../../../src/credentials/sources/sso-source.js";
import { type SsoFixture, ssoFixture, ssoSource } from "../../sso/sso-fixture.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { settle } from "../../support/fake-clock.js";
import { memoryLogger } from "../../support/memory-logger.js";
import { sessionRole } from "../../support/roles.js";

const corp = ssoSource();
const roles = Array.from({ length: 50 }, (_, index): Role => {
  const accountId = String(100_000_000_000 + index);
  const name = `role-${index}`;
  const origin = { kind: "source", source: corp } as const;
  return { name, origin, sso: { accountId, roleName: "Developer" }, stsRegion: "eu-west-1", digest: name };
});
let fixture: SsoFixture;
let provider: SsoSourceProvider;
let registry: CredentialsRegistry;

beforeEach(() => {
  fixture = ssoFixture();
  const { portal, tokens, withToken } = fixture.sso;
  provider = new SsoSourceProvider({ portal, tokens, withToken, clock: fixture.clock });
  registry = new CredentialsRegistry({
    retrieveUpstream: (role) => provider.retrieve(corp, role),
    clock: fixture.clock,
    logger: memoryLogger(),
    random: () => 0,
    onChange: () => undefined,
  });
  registry.configure(roles, 8 * 3_600_000);
});

function callsOf(action: string): number {
  return fixture.center.calls.filter((call) => call.startsWith(action)).length;
}

describe("a role of an sso source", () => {
  it("is served with the login's token, and knows its account", async () => {
    await fixture.logIn();
    const { credentials } = await provider.retrieve(corp, roles[0]!);
    expect(credentials.accountId).toBe("100000000000");
    expect(fixture.center.calls.at(-1)).toBe("GetRoleCredentials 100000000000/Developer");
  });

  it("without a login answers which command to run, and makes no call", async () => {
    const error = await brokerErrorOf(() => provider.retrieve(corp, roles[0]!));
    expect(error).toMatchObject({ code: "LoginRequired", hint: "brokerctl login corp" });
    expect(fixture.center.calls).toEqual([]);
  });

  it("that names no account and permission set is refused before the portal is asked", async () => {
    await fixture.logIn();
    const bare = sessionRole(corp, "bare");
    expect(await brokerErrorOf(() => provider.retrieve(corp, bare))).toMatchObject({ code: "ConfigInvalid" });
    expect(callsOf("GetRoleCredentials")).toBe(0);
  });

  it("that is not assigned is denied, and the login stays", async () => {
    await fixture.logIn();
    const role = { ...roles[0]!, sso: { accountId: "100000000000", roleName: "Admin" } };
    expect(await brokerErrorOf(() => provider.retrieve(corp, role))).toMatchObject({
      code: "AssumeRoleDenied",
      hint: "brokerctl sso roles corp",
    });
    expect((await provider.readiness(corp)).needs).toBeUndefined();
  });

  it("whose token is refused before its end gets a renewed one", async () => {
    await fixture.logIn();
    fixture.center.expireAccessTokens();
    await provider.retrieve(corp, roles[0]!);
    expect(callsOf("GetRoleCredentials")).toBe(2);
  });

  it("whose renewed token is refused too needs a login", async () => {
    await fixture.logIn();
    fixture.center.getRoleCredentials = async () => {
      throw new BrokerError("LoginRequired", "no");
    };
    expect((await brokerErrorOf(() => provider.retrieve(corp, roles[0]!))).hint).toBe("brokerctl login corp");
    expect((await provider.readiness(corp)).needs).toBe("LoginRequired");
  });

  it("says when the login ends", async () => {
    await fixture.logIn();
    expect(await provider.readiness(corp)).toMatchObject({
      needs: undefined,
      expiresAt: fixture.clock.now() + 3_600_000,
    });
  });
});

describe("an ended session", () => {
  it("costs each of 50 roles at most one call, whatever client asks, and tells 200 clients at once", async () => {
    await fixture.logIn();
    fixture.center.endSession();
    fixture.center.grants.length = 0;
    const asks = Array.from({ length: 200 }, (_, index) =>
      brokerErrorOf(() => registry.retrieve(`role-${index % 50}`)),
    );
    for (let turn = 0; turn < 5; turn++) await fixture.clock.advance(900);
    const codes = new Set((await Promise.all(asks)).map(({ code }) => code));
    expect([...codes].every((code) => ["LoginRequired", "CredentialsPending"].includes(code))).toBe(true);
    expect(callsOf("GetRoleCredentials")).toBeLessThanOrEqual(50);
    expect(fixture.center.grants).toHaveLength(1);
    const calls = fixture.center.calls.length;
    const again = await Promise.all(roles.map(({ name }) => brokerErrorOf(() => registry.retrieve(name))));
    expect(new Set(again.map(({ code }) => code))).toEqual(new Set(["LoginRequired"]));
    expect(fixture.center.calls).toHaveLength(calls);
  });

  it("is over with one login: every role that waited is fetched, at the portal's pace", async () => {
    await Promise.all(roles.map(({ name }) => brokerErrorOf(() => registry.retrieve(name))));
    await fixture.logIn();
    registry.wake("corp");
    await fixture.clock.advance(4000);
    expect(registry.snapshot().every(({ held }) => held)).toBe(true);
    expect(callsOf("GetRoleCredentials")).toBe(50);
    const { portalTimes } = fixture.center;
    const busiest = Math.max(...portalTimes.map((at) => portalTimes.filter((t) => t >= at && t < at + 1000).length));
    expect(busiest).toBeLessThanOrEqual(20);
  });

  it("keeps serving role credentials that are valid", async () => {
    await fixture.logIn();
    fixture.center.roleLifeMs = 8 * 3_600_000;
    const held = await registry.retrieve("role-0");
    fixture.center.endSession();
    await fixture.clock.advance(2 * 3_600_000);
    expect(await registry.retrieve("role-0")).toEqual(held);
    await settle();
    expect((await provider.readiness(corp)).needs).toBeUndefined();
    await brokerErrorOf(() => registry.refresh("role-1"));
    expect((await provider.readiness(corp)).needs).toBe("LoginRequired");
    expect(await registry.retrieve("role-0")).toEqual(held);
  });
});
