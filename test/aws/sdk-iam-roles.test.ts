import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SdkIamRoles } from "../../src/aws/sdk-iam-roles.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { ACCOUNT, type AwsFixture, annSigns, assuming, REGION, startAwsFixture } from "./aws-fixture.js";

const ARN = `arn:aws:iam::${ACCOUNT}:role/service-role/deep/orders-role`;
const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/boundary`;
const SERVICE_ONLY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
});
const ANN_TOO = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/ann` }, Action: "sts:AssumeRole" }],
});
/** Whatever percent-encoding may get wrong. */
const AWKWARD = '{"Resource":"a+b%20c\'(d)*!~ä/${aws:username}"}';

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture({
    pageSize: 2,
    roles: [
      {
        arn: ARN,
        trustPolicy: SERVICE_ONLY,
        attached: ["a", "b", "c", "d", "e"].map((name) => `arn:aws:iam::aws:policy/${name}`),
        inline: { first: AWKWARD, second: "{}", third: "{}" },
      },
      { arn: `arn:aws:iam::${ACCOUNT}:role/bounded`, trustPolicy: SERVICE_ONLY, permissionsBoundaryArn: BOUNDARY },
      { arn: "arn:aws:iam::999999999999:role/foreign", trustPolicy: SERVICE_ONLY },
    ],
  });
});
afterEach(() => fixture.fake.close());

describe("a role of IAM", () => {
  test("is found by its name and told with its path and trust policy", async () => {
    expect(await fixture.iamRoles.getRole(annSigns, "orders-role", REGION)).toEqual({
      roleName: "orders-role",
      tags: {},
      arn: ARN,
      trustPolicy: SERVICE_ONLY,
    });
  });

  test("tells its permissions boundary", async () => {
    expect(await fixture.iamRoles.getRole(annSigns, "bounded", REGION)).toMatchObject({
      permissionsBoundaryArn: BOUNDARY,
    });
  });

  test("gives its policies page by page, all of them, decoded", async () => {
    const attached = await fixture.iamRoles.attachedPolicies(annSigns, "orders-role", REGION);
    const inline = await fixture.iamRoles.inlinePolicies(annSigns, "orders-role", REGION);

    expect(attached.map(({ policyName }) => policyName)).toEqual(["a", "b", "c", "d", "e"]);
    expect(attached[4]).toEqual({ policyName: "e", policyArn: "arn:aws:iam::aws:policy/e" });
    expect(inline).toEqual([
      { policyName: "first", document: AWKWARD },
      { policyName: "second", document: "{}" },
      { policyName: "third", document: "{}" },
    ]);
    expect(fixture.fake.countOf("ListAttachedRolePolicies")).toBe(3);
    expect(fixture.fake.countOf("ListRolePolicies")).toBe(2);
  });

  test("without policies gives empty lists", async () => {
    expect(await fixture.iamRoles.attachedPolicies(annSigns, "bounded", REGION)).toEqual([]);
    expect(await fixture.iamRoles.inlinePolicies(annSigns, "bounded", REGION)).toEqual([]);
  });

  test.each(["gone", "foreign"])("%s does not exist in the caller's account", async (name) => {
    const error = await brokerErrorOf(() => fixture.iamRoles.getRole(annSigns, name, REGION));

    expect(error).toMatchObject({ code: "NotFound" });
    expect(error.message).toContain(name);
  });

  test.each<[string, (fixture: AwsFixture) => Promise<unknown>]>([
    ["GetRole", ({ iamRoles }) => iamRoles.getRole(annSigns, "orders-role", REGION)],
    ["ListAttachedRolePolicies", ({ iamRoles }) => iamRoles.attachedPolicies(annSigns, "orders-role", REGION)],
    ["ListRolePolicies", ({ iamRoles }) => iamRoles.inlinePolicies(annSigns, "orders-role", REGION)],
    ["GetRolePolicy", ({ iamRoles }) => iamRoles.inlinePolicies(annSigns, "orders-role", REGION)],
    [
      "UpdateAssumeRolePolicy",
      ({ iamRoles }) =>
        iamRoles.updateTrustPolicy(annSigns, { roleName: "orders-role", document: SERVICE_ONLY }, REGION),
    ],
  ])("whose %s is denied says which action a policy must allow", async (action, call) => {
    fixture.fake.faults.set(action, { kind: "deny" });

    const error = await brokerErrorOf(() => call(fixture));

    expect(error).toMatchObject({ code: "AccessDenied" });
    expect(error.message).toContain(`iam:${action}`);
  });

  test("whose list is said to go on without a marker is refused: a part must not pass for all", async () => {
    const answer = (): never =>
      ({ output: { AttachedPolicies: [], IsTruncated: true }, host: "iam", clockSkewMs: 0 }) as never;
    const lying = new SdkIamRoles({ caller: { call: async () => answer() } as never });

    expect(await brokerErrorOf(() => lying.attachedPolicies(annSigns, "orders-role", REGION))).toMatchObject({
      code: "AwsUnreachable",
    });
  });

  test("whose answers are cut off or empty is not believed", async () => {
    for (const lie of ["empty", "truncated", "html", "json"] as const) {
      fixture.fake.faults.set("*", { kind: "lie", lie });
      for (const call of [
        () => fixture.iamRoles.getRole(annSigns, "orders-role", REGION),
        () => fixture.iamRoles.attachedPolicies(annSigns, "orders-role", REGION),
      ]) {
        expect(await brokerErrorOf(call), lie).toMatchObject({ code: "AwsUnreachable" });
      }
    }
  });
});

describe("writing a trust policy", () => {
  const write = (document: string): Promise<void> =>
    fixture.iamRoles.updateTrustPolicy(annSigns, { roleName: "orders-role", document }, REGION);

  test("decides who may assume the role", async () => {
    const assumed = (): Promise<unknown> => fixture.sts.assumeRole(annSigns, assuming(ARN), REGION);
    expect(await brokerErrorOf(assumed)).toMatchObject({ code: "AssumeRoleDenied" });

    await write(ANN_TOO);

    expect(await fixture.iamRoles.getRole(annSigns, "orders-role", REGION)).toMatchObject({ trustPolicy: ANN_TOO });
    await expect(assumed()).resolves.toBeDefined();
  });

  test("that names a user who does not exist is a conflict, in words", async () => {
    const error = await brokerErrorOf(() => write(ANN_TOO.replace("user/ann", "user/missing")));

    expect(error).toMatchObject({ code: "Conflict" });
    expect(error.message).toContain("missing");
    expect(error.hint).toContain("still exists");
  });

  test("that is too long is a conflict that names the quota", async () => {
    const long = JSON.parse(ANN_TOO) as { Statement: object[] };
    const statements = Array.from({ length: 30 }, () => long.Statement[0]);

    const error = await brokerErrorOf(() => write(JSON.stringify({ ...long, Statement: statements })));

    expect(error).toMatchObject({ code: "Conflict" });
    expect(error.message).toContain("quota");
  });

  test.each(["UnmodifiableEntity", "ConcurrentModification"])(
    "that IAM answers with %s is a conflict",
    async (code) => {
      fixture.fake.faults.set("UpdateAssumeRolePolicy", { kind: "refuse", code, message: "no", status: 409 });

      expect(await brokerErrorOf(() => write(ANN_TOO))).toMatchObject({ code: "Conflict" });
    },
  );
});

test("STS's verdict that a session policy is too large when packed says what to do about a function's", async () => {
  fixture.fake.faults.set("AssumeRole", {
    kind: "refuse",
    code: "PackedPolicyTooLarge",
    message: "Packed policy consumes 112% of allotted space, please use smaller policy.",
  });

  const error = await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(ARN), REGION));

  expect(error).toMatchObject({ code: "ConfigInvalid" });
  expect(error.message).toContain("112%");
  expect(error.hint).toContain("--mode assume");
});
