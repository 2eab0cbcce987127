import { describe, expect, it } from "vitest";
import { checkedScope } from "../../src/core/checked-scope.js";
import type { LeaseScope } from "../../src/core/lease-scope.js";
import type { Role } from "../../src/core/role.js";
import { roleDigest } from "../../src/core/role-digest.js";
import { narrowRole } from "../../src/credentials/narrow-role.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { assume, keysSource, roleOn, sessionRole } from "../support/roles.js";

const READ_ONLY_ACCESS = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const AUDIT = "arn:aws:iam::aws:policy/SecurityAudit";
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
});

const assumed = roleOn(keysSource(), "dev", { region: "eu-central-1" });
const own = sessionRole(keysSource(), "plain");

/** What each call is told, without what the role says of itself. */
function callsFor(base: Role, scope: LeaseScope): readonly object[] {
  return narrowRole(base, checkedScope(scope)!).map(({ assume: parameters, scoped }) => {
    if (scoped) return { scoped };
    const { policy, policyArns, durationSeconds } = parameters!;
    return { ...(policy !== undefined && { policy }), ...(policyArns && { policyArns }), durationSeconds };
  });
}

const allowing = (...actions: readonly string[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] });

describe("a role that we assume", () => {
  it.each<readonly [string, LeaseScope, readonly object[]]>([
    ["read-only", { readOnly: true }, [{ policyArns: [READ_ONLY_ACCESS], durationSeconds: 3600 }]],
    ["managed policies", { policyArns: [AUDIT] }, [{ policyArns: [AUDIT], durationSeconds: 3600 }]],
    ["a policy", { policy: POLICY }, [{ policy: POLICY, durationSeconds: 3600 }]],
    ["services", { services: ["sqs:read"] }, [{ policy: allowing("sqs:Get*", "sqs:List*"), durationSeconds: 3600 }]],
    ["keys of 15 minutes", { sessionSeconds: 900 }, [{ durationSeconds: 900 }]],
    ["both", { policy: POLICY, sessionSeconds: 1200 }, [{ policy: POLICY, durationSeconds: 1200 }]],
  ])("is narrowed by its own AssumeRole: %s", (_, scope, calls) => {
    expect(callsFor(assumed, scope)).toEqual(calls);
  });

  it.each<readonly [string, LeaseScope, readonly object[]]>([
    ["keys of a minute", { sessionSeconds: 60 }, [{ scoped: { durationSeconds: 60 } }]],
    ["and a policy", { policy: POLICY, sessionSeconds: 60 }, [{ scoped: { policy: POLICY, durationSeconds: 60 } }]],
    [
      "and reading, which AssumeRole has the list for",
      { readOnly: true, sessionSeconds: 60 },
      [
        { policyArns: [READ_ONLY_ACCESS], policy: allowing("sts:GetScopedCredentials"), durationSeconds: 3600 },
        { scoped: { durationSeconds: 60 } },
      ],
    ],
  ])("has short keys by GetScopedCredentials on top: %s", (_, scope, calls) => {
    expect(callsFor(assumed, scope)).toEqual(calls);
  });

  it("is narrowed once more for each further restriction, since AWS adds session policies up", () => {
    expect(
      callsFor(assumed, { services: ["sqs:read"], policy: POLICY, policyArns: [AUDIT], sessionSeconds: 900 }),
    ).toEqual([
      { policyArns: [AUDIT], policy: allowing("sts:GetScopedCredentials"), durationSeconds: 3600 },
      { scoped: { policy: allowing("sqs:Get*", "sqs:List*", "sts:GetScopedCredentials") } },
      { scoped: { policy: POLICY, durationSeconds: 900 } },
    ]);
  });

  it("with policies of its own takes no more of them beside those", async () => {
    const restricted = roleOn(keysSource(), "dev", { assume: assume("dev", { policyArns: [AUDIT] }) });

    expect(callsFor(restricted, { policy: POLICY })).toEqual([{ scoped: { policy: POLICY } }]);
    expect(callsFor(restricted, { readOnly: true })).toMatchObject([
      { scoped: { policy: expect.stringContaining("s3:Get*") as string } },
    ]);
    const error = await brokerErrorOf(async () => narrowRole(restricted, { policyArns: [READ_ONLY_ACCESS] }));
    expect([error.code, error.message]).toEqual(["ScopeRefused", expect.stringContaining("would widen it")]);
  });

  it("has no keys that live longer than its own", async () => {
    const error = await brokerErrorOf(async () => narrowRole(assumed, { sessionSeconds: 7200 }));

    expect(error).toMatchObject({
      code: "ScopeRefused",
      message: "role dev cannot be narrowed to keys of 2h: its own live 1h",
    });
  });

  it("in another partition is read by that one's own list", () => {
    const china = roleOn(keysSource(), "dev", {
      assume: { ...assume("dev"), roleArn: "arn:aws-cn:iam::222222222222:role/dev" },
    });

    expect(callsFor(china, { readOnly: true })).toMatchObject([
      { policyArns: ["arn:aws-cn:iam::aws:policy/ReadOnlyAccess"] },
    ]);
  });
});

describe("a role whose credentials are its source's", () => {
  it("is narrowed by GetScopedCredentials", () => {
    expect(callsFor(own, { policy: POLICY })).toEqual([{ scoped: { policy: POLICY } }]);
    expect(callsFor(own, { sessionSeconds: 3600 })).toEqual([{ scoped: { durationSeconds: 3600 } }]);
    expect(callsFor(own, { services: ["s3"], description: "4711" })).toEqual([
      { scoped: { policy: allowing("s3:*"), description: "credbroker: 4711" } },
    ]);
    expect(callsFor(own, { readOnly: true })).toMatchObject([
      { scoped: { policy: expect.stringContaining("s3:List*") as string } },
    ]);
  });

  it("takes no managed policies, which is told with what does it", async () => {
    const error = await brokerErrorOf(async () => narrowRole(own, { policyArns: [AUDIT] }));

    expect([error.code, error.message]).toEqual(["ScopeRefused", expect.stringContaining("those of source ops-keys")]);
    expect(error.hint).toContain("--read-only");
  });
});

describe("a narrowed role", () => {
  it("keeps region, STS region and guard, and has a name and digest of its own", () => {
    const guarded = { ...assumed, guard: { reason: true, maxLeaseSeconds: 600 } };
    const roles = narrowRole(guarded, { readOnly: true, sessionSeconds: 60 });

    for (const role of roles) {
      expect(role).toMatchObject({ region: "eu-central-1", stsRegion: "eu-west-1", guard: guarded.guard });
      expect(role.digest).toBe(roleDigest(role));
      expect(role.narrowed).toMatchObject({ base: guarded, isServed: role === roles.at(-1) });
    }
    expect(new Set([guarded, ...roles].map(({ name }) => name)).size).toBe(3);
    expect(roles.at(-1)!.narrowed!.steps).toEqual([
      `AssumeRole with ${READ_ONLY_ACCESS}`,
      "GetScopedCredentials for 1m",
    ]);
  });

  it("is another one where its role is defined otherwise", () => {
    const moved = { ...own, stsRegion: "us-east-1", digest: "another" };
    const digestOf = (role: Role): string => narrowRole(role, { policy: POLICY })[0]!.digest;

    expect(digestOf(moved)).not.toBe(digestOf(own));
  });
});
