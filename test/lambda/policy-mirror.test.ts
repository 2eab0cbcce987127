import { afterEach, describe, expect, test } from "vitest";
import { lambdaRole } from "../../src/lambda/lambda-role.js";
import { mirrorPolicies } from "../../src/lambda/policy-mirror.js";
import type { SessionPolicy } from "../../src/lambda/session-policy.js";
import { ACCOUNT, type AwsFixture, annSigns } from "../aws/aws-fixture.js";
import type { FakeRole } from "../fakes/fake-aws/principals.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { keysSource, sessionRole } from "../support/roles.js";
import { FUNCTION_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

let fixture: AwsFixture;
afterEach(() => fixture.fake.close());

async function mirror(functionRole: Partial<FakeRole>, functionRoleArn = FUNCTION_ROLE): Promise<SessionPolicy> {
  fixture = await startLambdaFixture(functionRole, { pageSize: 3 });
  return mirrorPolicies({ iamRoles: fixture.iamRoles, via: await viaDev(fixture), functionRoleArn });
}

const managed = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `arn:aws:iam::${ACCOUNT}:policy/orders/p${index}`);
const inline = (action: string): string =>
  JSON.stringify(
    { Version: "2012-10-17", Statement: [{ Sid: "S", Effect: "Allow", Action: action, Resource: "*" }] },
    null,
    2,
  );

describe("the session that a function's policies narrow", () => {
  test("is asked of STS with exactly those policies, in via's name and the function's", async () => {
    const policies = await mirror({ attached: managed(10), inline: { one: inline("s3:Get*"), two: inline("sqs:*") } });
    const via = await viaDev(fixture);
    const role = lambdaRole(
      {
        ...{ name: "lambda:orders@dev+session-policy", workload: { kind: "function", name: "orders", arn: "arn" } },
        ...{ roleArn: FUNCTION_ROLE, via: "dev", mode: "session-policy", region: "eu-west-1" },
        ...policies,
      },
      via.role,
    );

    const { assumedRoleArn } = await fixture.sts.assumeRole(annSigns, role.assume!, role.stsRegion);

    expect(assumedRoleArn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/dev/orders`);
    const { params } = fixture.fake.lastOf("AssumeRole");
    expect(params["Policy"]).toBe(
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},' +
        '{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}',
    );
    expect(Object.keys(params).filter((name) => name.startsWith("PolicyArns"))).toHaveLength(10);
    for (const [index, arn] of managed(10).entries()) expect(params[`PolicyArns.member.${index + 1}.arn`]).toBe(arn);
  });

  test("of a role without policies may do nothing", async () => {
    expect((await mirror({})).policy).toContain('"Effect":"Deny","Action":"*","Resource":"*"');
  });
});

describe("a mirror of a role's policies", () => {
  test.each<[string, Partial<FakeRole>, string]>([
    ["for eleven managed policies, on four pages", { attached: managed(11) }, "p10"],
    ["for an inline policy that is too big", { inline: { huge: inline("x".repeat(2100)) } }, "huge"],
    ["for a permissions boundary", { permissionsBoundaryArn: managed(1)[0]! }, "p0"],
  ])("is refused by name %s", async (_name, role, says) => {
    const error = await brokerErrorOf(() => mirror(role));

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    expect(error.message).toContain(says);
  });

  test("is refused for a via that nothing can narrow, before IAM is asked", async () => {
    fixture = await startLambdaFixture();
    const via = { role: sessionRole(keysSource(), "bare"), signer: annSigns };
    const { iamRoles } = fixture;

    expect(await brokerErrorOf(() => mirrorPolicies({ iamRoles, via, functionRoleArn: FUNCTION_ROLE }))).toMatchObject({
      code: "PolicyUnfit",
    });
    expect(fixture.fake.calls).toHaveLength(0);
  });

  test("is refused for a role of another account, where IAM would answer with one of via's own that has the same name", async () => {
    const error = await brokerErrorOf(() => mirror({}, "arn:aws:iam::999999999999:role/service-role/orders-role"));

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    expect(error.message).toContain("999999999999");
    expect(fixture.fake.countOf("GetRole")).toBe(0);
  });

  test("is refused for a role that is no longer the one the function names", async () => {
    expect(await brokerErrorOf(() => mirror({}, `arn:aws:iam::${ACCOUNT}:role/other/orders-role`))).toMatchObject({
      code: "Conflict",
    });
  });

  test("is refused for a role that was deleted", async () => {
    const error = await brokerErrorOf(() => mirror({}, `arn:aws:iam::${ACCOUNT}:role/gone`));

    expect(error).toMatchObject({ code: "NotFound" });
    expect(error.message).toContain(`role was deleted: arn:aws:iam::${ACCOUNT}:role/gone`);
  });

  test.each(["GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy"])(
    "without permission for %s: a part of the policies is not all of them",
    async (action) => {
      fixture = await startLambdaFixture({ attached: managed(1), inline: { one: inline("a:b") } });
      const via = await viaDev(fixture);
      fixture.fake.faults.set(action, { kind: "deny" });

      const error = await brokerErrorOf(() =>
        mirrorPolicies({ iamRoles: fixture.iamRoles, via, functionRoleArn: FUNCTION_ROLE }),
      );

      expect(error).toMatchObject({ code: "AccessDenied" });
      expect(error.message).toContain(`iam:${action}`);
      expect(error.hint).toContain("iam:GetRolePolicy");
    },
  );
});
