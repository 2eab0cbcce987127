import { afterEach, describe, expect, it } from "vitest";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import type { LeaseScope } from "../../src/core/lease-scope.js";
import type { Principal } from "../fakes/fake-aws/principals.js";
import { get, type HttpAnswer, InProcessBroker } from "../support/in-process-broker.js";
import { type SsoBroker, startSsoBroker } from "../support/sso-broker.js";

const MINUTE = 60_000;
const READ_ONLY_ACCESS = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const S3 = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] });

let broker: InProcessBroker;
let sso: SsoBroker | undefined;
afterEach(async () => {
  await (sso ?? broker).close();
  sso = undefined;
});

const leaseOn = (role: string, scope: LeaseScope, name = "agent"): Promise<LeaseAccess> =>
  broker.call("lease-create", { name, role, scope });
const whoHas = ({ body }: HttpAnswer): Principal => broker.aws.whoIs(body["AccessKeyId"] ?? "")!;
const calls = (action: string): number => broker.aws.calls.filter((call) => call.action === action).length;

/** A client that asks every `everyMs`, as SDKs do within their last minutes. */
async function askFor(
  url: string,
  { forMs, everyMs }: { readonly forMs: number; readonly everyMs: number },
): Promise<void> {
  for (let passed = 0; passed < forMs; passed += everyMs) {
    const { status, body } = await get(url);
    expect(status).toBe(200);
    expect(Date.parse(body["Expiration"] ?? "")).toBeGreaterThan(broker.clock.now());
    await broker.clock.advance(everyMs);
  }
}

describe("a lease on a role that we assume", () => {
  it("gives what its scope leaves of the role, beside one that gives all of it", async () => {
    broker = await InProcessBroker.ready();
    const narrow = await leaseOn("dev", { readOnly: true });
    const wide = await broker.call("lease-access", { pinnedRole: "dev" });

    const [narrowed, whole] = [whoHas(await get(narrow.leaseUrl)), whoHas(await get(wide.leaseUrl))];

    expect(broker.aws.calls.map(({ params }) => params["PolicyArns.member.1.arn"])).toEqual([
      READ_ONLY_ACCESS,
      undefined,
    ]);
    expect([narrowed.restrictions?.length, whole.restrictions]).toEqual([1, undefined]);
    expect(narrowed.accessKeyId).not.toBe(whole.accessKeyId);
    await get(narrow.leaseUrl);
    await get(wide.leaseUrl);
    expect(calls("AssumeRole")).toBe(2);
  });

  it("tells how it is narrowed, and is on record as that", async () => {
    broker = await InProcessBroker.ready();
    await leaseOn("dev", { policy: S3, sessionSeconds: 60 });
    await get((await broker.call("lease-access", { lease: { by: "name", name: "agent" } })).leaseUrl);

    expect(await broker.call("lease-show", { lease: { by: "name", name: "agent" } })).toMatchObject({
      role: "dev",
      scope: { policy: S3, sessionSeconds: 60 },
      narrowedBy: [`GetScopedCredentials with an inline policy of ${S3.length} characters for 1m`],
    });
    const { roles } = await broker.call("status", {});
    expect(roles.map(({ name }) => name)).toEqual(["dev", "prod", "chained"]);
    const { holders } = await broker.call("lease-revoke", { lease: { by: "name", name: "agent" } });
    // Nothing earlier than the end of what was served.
    expect(holders.map(({ role, until }) => [role, until])).toEqual([["dev", broker.clock.now() + MINUTE]]);
  });

  it("has keys of a minute from memory, one call of AWS for each set and none when no client asks", async () => {
    broker = await InProcessBroker.ready();
    const { leaseUrl } = await leaseOn("dev", { sessionSeconds: 60 });

    await askFor(leaseUrl, { forMs: 120 * MINUTE, everyMs: 5000 });

    // At the earliest 36 s after the last one, at the latest by the sweep after that.
    expect(calls("GetScopedCredentials")).toBeGreaterThanOrEqual(120);
    expect(calls("GetScopedCredentials")).toBeLessThanOrEqual((120 * 60) / 36 + 1);
    expect(calls("AssumeRole")).toBeLessThanOrEqual(6);
    const [busy, assumed] = [calls("GetScopedCredentials"), calls("AssumeRole")];
    await broker.clock.advance(8 * 60 * MINUTE);
    // Some more until the role counts as idle; 480 and more if it never did.
    expect(calls("GetScopedCredentials") - busy).toBeLessThanOrEqual(20);
    expect(calls("AssumeRole")).toBe(assumed);
    expect((await get(leaseUrl)).status).toBe(200);
  });

  it("that was revoked has nothing that AWS takes after a minute", async () => {
    broker = await InProcessBroker.ready();
    const { leaseUrl, lease } = await leaseOn("dev", { sessionSeconds: 60 });
    const served = whoHas(await get(leaseUrl));

    await broker.call("lease-revoke", { lease: { by: "id", id: lease.id } });

    expect((await get(leaseUrl)).body["code"]).toBe("LeaseEnded");
    await broker.clock.advance(MINUTE);
    expect(served.expiration).toBeLessThanOrEqual(broker.clock.now());
  });

  it("goes on with its scope and its credentials after a restart", async () => {
    broker = await InProcessBroker.ready();
    const { leaseUrl } = await leaseOn("dev", { readOnly: true });
    const before = whoHas(await get(leaseUrl));

    await broker.stop();
    await broker.start();

    expect(whoHas(await get(leaseUrl)).accessKeyId).toBe(before.accessKeyId);
    expect(calls("AssumeRole")).toBe(1);
  });

  it("that cannot be narrowed so is refused before AWS is asked, with why", async () => {
    broker = await InProcessBroker.ready();

    await expect(leaseOn("dev", { sessionSeconds: 7200 })).rejects.toMatchObject({ code: "ScopeRefused" });
    await expect(leaseOn("dev", { services: ["s4"] })).rejects.toMatchObject({ code: "UsageInvalid" });
    expect(broker.aws.calls).toEqual([]);
  });
});

describe("a lease that is narrowed while a program uses it", () => {
  it("gives what is left with the next fetch, by a session policy; what was given before is told until its end", async () => {
    broker = await InProcessBroker.ready();
    const { leaseUrl, lease } = await broker.call("lease-create", { name: "agent", role: "dev" });
    const before = whoHas(await get(leaseUrl));
    expect(before.restrictions).toBeUndefined();

    const { holders } = await broker.call("lease-narrow", { lease: { by: "id", id: lease.id }, scope: { policy: S3 } });

    expect(holders.map(({ role, until }) => [role, until])).toEqual([["dev", before.expiration]]);
    const after = whoHas(await get(leaseUrl));
    expect(broker.aws.lastOf("AssumeRole").params["Policy"]).toBe(S3);
    expect([after.restrictions?.length, after.accessKeyId === before.accessKeyId]).toEqual([1, false]);
  });

  it("is that after a restart, on the same URL", async () => {
    broker = await InProcessBroker.ready();
    const { leaseUrl, lease } = await broker.call("lease-create", { name: "agent", role: "dev" });
    await get(leaseUrl);
    await broker.call("lease-narrow", { lease: { by: "id", id: lease.id }, scope: { readOnly: true } });

    await broker.stop();
    await broker.start();

    expect(whoHas(await get(leaseUrl)).restrictions).toHaveLength(1);
  });
});

describe("a lease on a role of Identity Center", () => {
  it("is narrowed too: the same identity, an inline policy, its end", async () => {
    sso = await startSsoBroker();
    broker = sso.broker;
    await sso.logIn();
    const { leaseUrl } = await leaseOn("dev", { readOnly: true, description: "ticket 4711" });
    const wide = await broker.call("lease-access", { pinnedRole: "dev" });

    const [narrow, whole] = [whoHas(await get(leaseUrl)), whoHas(await get(wide.leaseUrl))];

    expect([narrow.arn, narrow.expiration]).toEqual([whole.arn, whole.expiration]);
    expect(narrow.layers).toBe(1);
    const { params } = broker.aws.lastOf("GetScopedCredentials");
    expect(params["Policy"]!.length).toBeLessThanOrEqual(2048);
    expect(params["ScopedSessionDescription"]).toBe("credbroker: ticket 4711");
    await expect(leaseOn("dev", { policyArns: [READ_ONLY_ACCESS] }, "other")).rejects.toMatchObject({
      code: "ScopeRefused",
    });
  });

  it("is renewed with its role, once for each, over a day of work", async () => {
    sso = await startSsoBroker();
    broker = sso.broker;
    await sso.logIn();
    const { leaseUrl } = await leaseOn("dev", { services: ["s3:read"] });

    await askFor(leaseUrl, { forMs: 6 * 60 * MINUTE, everyMs: 2 * MINUTE });

    // An hour each, renewed 26 min before its end.
    expect(calls("GetScopedCredentials")).toBeLessThanOrEqual((6 * 60) / 30);
  });
});
