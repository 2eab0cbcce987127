import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { DeployRoleWish } from "../../src/core/deploy-role.js";
import { makeDeployRole, planDeployRole } from "../../src/lambda/deploy-role.js";
import type { Via } from "../../src/lambda/via.js";
import { ACCOUNT, type AwsFixture, annSigns } from "../aws/aws-fixture.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { keysSource, sessionRole } from "../support/roles.js";
import { DEV_ROLE, startLambdaFixture, viaDev, viaSession } from "./lambda-fixture.js";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/deploy`;
const POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess";
let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startLambdaFixture();
});
afterEach(() => fixture.fake.close());

const options = (via: Via, wish: Partial<DeployRoleWish> = {}): Parameters<typeof planDeployRole>[0] => ({
  ...{ sts: fixture.sts, iamRoles: fixture.iamRoles, via },
  wish: { roleName: "deploy", policyArns: [], managedRoles: [], ...wish },
});

async function assume(via: Via, externalId?: string): Promise<string> {
  const parameters = {
    roleArn: ROLE,
    roleSessionName: "ann",
    durationSeconds: 900,
    ...(externalId !== undefined && { externalId }),
  };
  return (await fixture.sts.assumeRole(via.signer, parameters, "eu-west-1")).assumedRoleArn;
}

describe("the template of a role for deploying", () => {
  it("is CloudFormation that lets in the caller alone, by the external id", async () => {
    const { template, externalId, principal, outcome } = await planDeployRole(options(await viaDev(fixture)));
    expect([principal, outcome, fixture.fake.role(ROLE)]).toEqual([DEV_ROLE, "planned", undefined]);
    const document = parse(template.replace("!GetAtt ", "")) as {
      Resources: { DeployRole: { Type: string; Properties: Record<string, unknown> } };
    };
    expect(document.Resources.DeployRole).toMatchObject({
      Type: "AWS::IAM::Role",
      Properties: {
        RoleName: "deploy",
        ManagedPolicyArns: [POWER_USER],
        AssumeRolePolicyDocument: {
          Statement: [
            {
              ...{ Effect: "Allow", Principal: { AWS: DEV_ROLE }, Action: "sts:AssumeRole" },
              Condition: { StringEquals: { "sts:ExternalId": externalId } },
            },
          ],
        },
      },
    });
    expect(document.Resources.DeployRole.Properties).not.toHaveProperty("Policies");
  });

  it("gives roles of the names that are said, and says what that means", async () => {
    const via = await viaDev(fixture);
    const { template, notes } = await planDeployRole(options(via, { managedRoles: ["orders-*"] }));
    expect(template).toContain(`arn:aws:iam::${ACCOUNT}:role/orders-*`);
    expect(template).toContain("iam:PassRole");
    expect(notes.join()).toContain("can give a role called orders-* any permission");
  });

  it("is the same each time, and another one for another caller", async () => {
    const via = await viaDev(fixture);
    expect(await planDeployRole(options(via))).toEqual(await planDeployRole(options(via)));
    const user: Via = { role: sessionRole(keysSource(), "me"), signer: annSigns };
    const other = await planDeployRole(options(user));
    expect(other.externalId).not.toBe((await planDeployRole(options(via))).externalId);
    expect(other).toMatchObject({
      principal: expect.stringMatching(/:user\/ann$/) as string,
      signer: { source: keysSource().name },
    });
  });
});

describe("a role for deploying of a session whose role IAM does not tell", () => {
  it("lets in the account's roles of that name, and says which", async () => {
    const name = "AWSReservedSSO_Developer_0123456789abcdef";
    const via = viaSession(fixture, `arn:aws:iam::${ACCOUNT}:role/${name}`);
    const { principal, letsIn, notes } = await planDeployRole(options(via));
    expect(principal).toBe(`arn:aws:iam::${ACCOUNT}:root`);
    expect(letsIn.every((arn) => arn.endsWith(`/${name}`))).toBe(true);
    expect(notes.join()).toContain("the caller's own policies must also allow sts:AssumeRole");
  });
});

describe("a role for deploying that is made", () => {
  it("lets the caller in with the external id, and not without it; a second time changes nothing", async () => {
    const via = await viaDev(fixture);
    const wish = { managedRoles: ["orders-*"] };
    const { externalId, outcome } = await makeDeployRole(options(via, wish));
    expect(outcome).toBe("made");
    expect(fixture.fake.role(ROLE)).toMatchObject({ attached: [POWER_USER] });
    expect(Object.keys(fixture.fake.role(ROLE)?.inline ?? {})).toEqual(["Roles"]);
    expect(await assume(via, externalId)).toContain("assumed-role/deploy/ann");
    expect(await brokerErrorOf(() => assume(via))).toMatchObject({ code: "AssumeRoleDenied" });
    expect(await makeDeployRole(options(via, wish))).toMatchObject({ outcome: "present", externalId });
  });

  it("is given what it lacks where the first try stopped half-way", async () => {
    const via = await viaDev(fixture);
    fixture.fake.faults.set("AttachRolePolicy", { kind: "deny", times: 1 });
    expect(await brokerErrorOf(() => makeDeployRole(options(via)))).toMatchObject({ code: "AccessDenied" });
    expect(await makeDeployRole(options(via))).toMatchObject({ outcome: "present" });
    expect(fixture.fake.role(ROLE)?.attached).toEqual([POWER_USER]);
  });

  it("never is another one that has the name", async () => {
    const via = await viaDev(fixture);
    await makeDeployRole(options(via));
    const other = viaSession(fixture, DEV_ROLE);
    await fixture.iamRoles.updateTrustPolicy(
      via.signer,
      { roleName: "deploy", document: '{"Version":"2012-10-17","Statement":[]}' },
      "eu-west-1",
    );
    expect(await brokerErrorOf(() => makeDeployRole(options(other)))).toMatchObject({ code: "Conflict" });
  });
});
