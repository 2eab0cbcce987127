import { describe, expect, it } from "vitest";
import { checkedScope, servicesPolicy } from "../../src/core/checked-scope.js";
import { describeScope, isReadOnly, isWithin, type LeaseScope, narrowerScope } from "../../src/core/lease-scope.js";
import { actionsOf, POLICY_SERVICES, READ_ONLY_SERVICES } from "../../src/core/policy-services.js";
import { narrowedName, scopeDigest } from "../../src/core/scope-digest.js";
import { brokerErrorOf } from "../support/broker-error-of.js";

const READ_ONLY: LeaseScope = { readOnly: true };
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
});
const AUDIT = "arn:aws:iam::aws:policy/SecurityAudit";
const BILLING = "arn:aws:iam::aws:policy/job-function/Billing";

async function refused(act: () => unknown): Promise<string> {
  const { code, message } = await brokerErrorOf(async () => act());
  return `${code}: ${message}`;
}

describe("a scope", () => {
  it.each<readonly [LeaseScope, string]>([
    [READ_ONLY, "read-only"],
    [{ services: ["s3:read", "sqs:read"] }, "read-only s3, sqs"],
    [{ services: ["dynamodb:read", "s3"] }, "dynamodb (read-only), s3"],
    [
      { policyArns: [AUDIT, BILLING, "arn:aws:iam::111111111111:policy/own"] },
      "SecurityAudit + Billing + arn:aws:iam::111111111111:policy/own",
    ],
    [{ policy: POLICY, sessionSeconds: 90 }, `a policy of ${POLICY.length} characters; keys of 1m30s`],
  ])("%j is told in words", (scope, words) => {
    expect(describeScope(scope)).toBe(words);
  });

  it("is the same one whatever the order and the repeats of its lists", () => {
    const one = checkedScope({ services: ["s3", "ec2:read", "s3"], policyArns: [BILLING, AUDIT] })!;
    const other = checkedScope({ policyArns: [AUDIT, BILLING, AUDIT], services: ["ec2:read", "s3:read", "s3"] })!;

    expect(scopeDigest(one)).toBe(scopeDigest(other));
    expect(one.services).toEqual(["ec2:read", "s3"]);
  });

  it("has keys of its own for each text that goes to AWS's record, and needs no other yes", () => {
    const one = { ...READ_ONLY, description: "credbroker: lease a" };
    const other = { ...READ_ONLY, description: "credbroker: lease b" };

    expect(scopeDigest(one)).toBe(scopeDigest(other));
    expect(narrowedName("dev", one)).not.toBe(narrowedName("dev", other));
  });

  it("is read-only of each of its services where it is read-only", () => {
    expect(checkedScope({ readOnly: true, services: ["s3", "sqs:read"] })).toEqual({
      services: ["s3:read", "sqs:read"],
    });
    expect(isReadOnly({ services: ["s3:read"] })).toBe(true);
    expect(isReadOnly({ services: ["s3:read", "sqs"] })).toBe(false);
    expect(isReadOnly({ policy: POLICY })).toBe(false);
  });

  it("of nothing is none", () => {
    expect(checkedScope(undefined)).toBeUndefined();
    expect(checkedScope({})).toBeUndefined();
    expect(checkedScope({ description: "why" })).toBeUndefined();
  });

  it("has a policy without its white space, and a description that STS takes, the same each time", () => {
    const scope = checkedScope({ policy: JSON.stringify(JSON.parse(POLICY), null, 4), description: "für\n4711" })!;

    expect(scope.policy).toBe(POLICY);
    expect(scope.description).toBe("credbroker: f?r?4711");
    expect(checkedScope(scope)).toEqual(scope);
    expect(checkedScope({ ...READ_ONLY, description: "x".repeat(500) })?.description).toHaveLength(256);
  });
});

describe("what no role could be narrowed by", () => {
  it.each<readonly [string, LeaseScope]>([
    ["--service does not know s4: did you mean s3?", { services: ["s4"] }],
    ["--service takes NAME or NAME:read, not 's3:write'", { services: ["s3:write"] }],
    ["--service does not know *", { services: ["*"] }],
    ["--policy-arn takes the ARN of a managed policy, not 'ReadOnlyAccess'", { policyArns: ["ReadOnlyAccess"] }],
    [
      "11 managed policies are more than the 10 that STS takes",
      { policyArns: Array.from({ length: 11 }, () => AUDIT) },
    ],
    ["the policy of --policy is not valid JSON", { policy: "{" }],
    ["the policy of --policy must be a map with Version (a text) and Statement (a list or map)", { policy: "[]" }],
    ["--session-for must be 1m to 12h", { sessionSeconds: 59 }],
    ["--session-for must be 1m to 12h", { sessionSeconds: 43_201 }],
  ])("is refused before AWS is asked: %s", async (message, wanted) => {
    expect(await refused(() => checkedScope(wanted))).toBe(`UsageInvalid: ${message}`);
  });

  it("is told with its size where STS would find it too long", async () => {
    const long = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "x".repeat(2000) }],
    });

    expect(await refused(() => checkedScope({ policy: long }))).toContain(`is too long: ${long.length} characters`);
    expect(await refused(() => checkedScope({ services: POLICY_SERVICES.map((one) => `${one}:read`) }))).toMatch(
      /a policy for \d+ services is too long: \d{4} characters .*AWS takes 2048/,
    );
  });
});

describe("a holder's scope", () => {
  const own = checkedScope({ services: ["s3", "sqs:read"], policyArns: [AUDIT, BILLING], sessionSeconds: 600 })!;

  it.each<readonly [string, LeaseScope | undefined, LeaseScope]>([
    ["nothing", undefined, own],
    ["fewer services", { services: ["s3:read"] }, { ...own, services: ["s3:read"] }],
    ["less of one", { policyArns: [AUDIT] }, { ...own, policyArns: [AUDIT] }],
    ["shorter keys", { sessionSeconds: 60 }, { ...own, sessionSeconds: 60 }],
    ["a policy besides", { policy: POLICY }, { ...own, policy: POLICY }],
    ["reading", READ_ONLY, { ...own, services: ["s3:read", "sqs:read"] }],
  ])("with %s is what is left by both", (_, wanted, both) => {
    expect(narrowerScope(own, wanted)).toEqual(both);
    expect(isWithin(both, own)).toBe(true);
  });

  it.each<readonly [string, LeaseScope]>([
    ["--service", { services: ["s3", "sqs"] }],
    ["--service", { services: ["ec2"] }],
    ["--policy-arn", { policyArns: [AUDIT, "arn:aws:iam::aws:policy/AdministratorAccess"] }],
    ["--session-for", { sessionSeconds: 3600 }],
  ])("does not grow by %s", async (flag, wanted) => {
    expect(await refused(() => narrowerScope(own, wanted))).toMatch(
      new RegExp(`^ScopeRefused: .*${flag} would widen it$`),
    );
    expect(isWithin(wanted, own)).toBe(false);
  });

  it("keeps its policy: another one cannot be compared with it", async () => {
    const other = POLICY.replace("s3:*", "s3:Get*");

    expect(await refused(() => narrowerScope({ policy: POLICY }, { policy: other }))).toContain(
      "--policy would widen it",
    );
    expect(narrowerScope({ policy: POLICY }, { policy: POLICY })).toEqual({ policy: POLICY });
  });

  it("of reading makes services of it be read", () => {
    expect(narrowerScope(READ_ONLY, { services: ["s3"] })).toEqual({ services: ["s3:read"] });
    expect(isWithin({ services: ["s3"] }, READ_ONLY)).toBe(false);
    expect(isWithin(undefined, READ_ONLY)).toBe(false);
    expect(isWithin(READ_ONLY, undefined)).toBe(true);
  });
});

describe("the table of services", () => {
  it("gives a policy for --read-only alone that STS takes, also with the action that narrows it again", () => {
    const read = READ_ONLY_SERVICES.map((service) => `${service}:read`);

    expect(servicesPolicy(read, ["sts:GetScopedCredentials"]).length).toBeLessThanOrEqual(2048);
    expect(READ_ONLY_SERVICES.length).toBeGreaterThan(30);
  });

  it.each(POLICY_SERVICES)("has nothing for %s:read that writes, decrypts or gives other credentials", (service) => {
    const actions = actionsOf(`${service}:read`);

    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) {
      expect(action).toMatch(
        new RegExp(
          `^${service}:(?:BatchCheck|BatchGet|AdminGet|AdminList|Describe|Filter|Get|List|Lookup|Search|Select|View)\\*$|^[\\w-]+:(?:${EXACT})$`,
        ),
      );
      for (const secret of GIVE_MORE) expect(isLike(action, secret)).toBe(false);
    }
  });

  it("gives all of a service by its bare name", () => {
    expect(actionsOf("s3")).toEqual(["s3:*"]);
  });
});

/** Whole names: each was looked up, and none changes anything but what a query itself is. */
const EXACT =
  "StartQuery|StopQuery|GetItem|Query|Scan|GET|GetResourcePolicy|GitPull|ESHttpGet|ESHttpHead|Search|GetAccessKeyInfo|GetCallerIdentity";
const GIVE_MORE = [
  ...["secretsmanager:GetSecretValue", "secretsmanager:GetRandomPassword", "kms:Decrypt", "kms:GenerateDataKey"],
  ...["sts:GetSessionToken", "sts:GetFederationToken", "sts:AssumeRole", "sts:GetServiceBearerToken"],
  ...["redshift:GetClusterCredentials", "redshift:GetClusterCredentialsWithIAM", "rds-db:connect"],
  ...["ecs:ExecuteCommand", "lambda:InvokeFunction", "iam:PassRole"],
];

function isLike(pattern: string, action: string): boolean {
  return pattern.endsWith("*") ? action.startsWith(pattern.slice(0, -1)) : pattern === action;
}
