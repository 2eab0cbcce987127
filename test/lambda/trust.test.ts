import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TrustTerms } from "../../src/core/deployed-function.js";
import { BrokerError } from "../../src/core/errors.js";
import { lambdaRole } from "../../src/lambda/lambda-role.js";
import { applyTrust, readTrust, type TrustOptions, undoTrust } from "../../src/lambda/trust.js";
import type { Via } from "../../src/lambda/via.js";
import { ACCOUNT, type AwsFixture, annSigns } from "../aws/aws-fixture.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { keysSource, sessionRole } from "../support/roles.js";
import {
  DEV_ROLE,
  devRole,
  FUNCTION_ROLE,
  SERVICE_ONLY,
  startLambdaFixture,
  viaDev,
  viaSession,
} from "./lambda-fixture.js";

const SSO_NAME = "AWSReservedSSO_Developer_0123456789abcdef";
const ssoRole = (path: string, name = SSO_NAME): string =>
  `arn:aws:iam::${ACCOUNT}:role/aws-reserved/sso.amazonaws.com/${path}${name}`;
const OTHER_FUNCTION_ROLE = "arn:aws:iam::999999999999:role/service-role/orders-role";

let fixture: AwsFixture;
let clock: FakeClock;
beforeEach(async () => {
  clock = new FakeClock();
  fixture = await startLambdaFixture(
    {},
    { roles: [{ arn: ssoRole("eu-west-1/") }, { arn: OTHER_FUNCTION_ROLE, trustPolicy: SERVICE_ONLY }] },
  );
});
afterEach(() => fixture.fake.close());

function options(via: Via, roleArn = FUNCTION_ROLE, terms: TrustTerms = {}): TrustOptions {
  const { sts, iamRoles } = fixture;
  return { sts, iamRoles, clock, via, roleArn, sessionName: "orders", user: "ann.b", ...terms };
}

/** What the endpoint would do for a lease on the function's role. */
async function assume({ role, signer }: Via): Promise<string> {
  const made = lambdaRole(
    {
      ...{
        name: "l",
        workload: { kind: "function", name: "orders", arn: "a" },
        roleArn: FUNCTION_ROLE,
        via: role.name,
      },
      ...{ mode: "assume", region: "eu-west-1" },
    },
    role,
  );
  return (await fixture.sts.assumeRole(signer, made.assume!, made.stsRegion)).assumedRoleArn;
}

const trustPolicy = (): unknown => JSON.parse(fixture.fake.role(FUNCTION_ROLE)?.trustPolicy ?? "");

describe("a role that trusts Lambda alone", () => {
  test("lets via in after apply, and no longer after undo", async () => {
    const via = await viaDev(fixture);
    expect(await brokerErrorOf(() => assume(via))).toMatchObject({ code: "AssumeRoleDenied" });

    expect(await applyTrust(options(via))).toMatchObject({ isPresent: true, changed: true, principal: DEV_ROLE });
    expect(await assume(via)).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/orders-role/orders`);

    expect(await undoTrust(options(via))).toMatchObject({ isPresent: false, changed: true });
    expect(await brokerErrorOf(() => assume(via))).toMatchObject({ code: "AssumeRoleDenied" });
    expect(trustPolicy()).toEqual(JSON.parse(SERVICE_ONLY));
  });

  test("is only read by show, which prints the statement that apply adds", async () => {
    const via = await viaDev(fixture);
    const shown = await readTrust(options(via));
    expect(shown).toMatchObject({ roleArn: FUNCTION_ROLE, isPresent: false, changed: false, notes: [] });
    expect(fixture.fake.countOf("UpdateAssumeRolePolicy")).toBe(0);

    await applyTrust(options(via));

    expect(trustPolicy()).toMatchObject({ Statement: [{}, JSON.parse(shown.statement)] });
    expect(await readTrust(options(via))).toMatchObject({ isPresent: true, statement: shown.statement });
  });

  test("is written once, however often it is said", async () => {
    const via = await viaDev(fixture);
    await applyTrust(options(via));

    expect(await applyTrust(options(via))).toMatchObject({ isPresent: true, changed: false });
    await undoTrust(options(via));
    expect(await undoTrust(options(via))).toMatchObject({ isPresent: false, changed: false });

    expect(fixture.fake.countOf("UpdateAssumeRolePolicy")).toBe(2);
  });
});

describe("who is let in", () => {
  test("a user is named as GetCallerIdentity names it", async () => {
    const via = { role: sessionRole(keysSource(), "me"), signer: annSigns };

    expect(await applyTrust(options(via))).toMatchObject({ principal: `arn:aws:iam::${ACCOUNT}:user/ann` });
    await expect(assume(via)).resolves.toBeDefined();
  });

  test("a permission set's role is named with the path that IAM tells", async () => {
    const via = viaSession(fixture, ssoRole("eu-west-1/"));

    expect(await applyTrust(options(via))).toMatchObject({ principal: ssoRole("eu-west-1/") });
    await expect(assume(via)).resolves.toBeDefined();
  });

  test.each([
    ["with the region in its path", ssoRole("eu-west-1/"), true],
    ["without", ssoRole(""), true],
    ["another permission set", ssoRole("eu-west-1/", "AWSReservedSSO_Admin_0123456789abcdef"), false],
    ["the same one, assigned anew", ssoRole("eu-west-1/", `${SSO_NAME}0`), false],
    ["a name that ends alike", ssoRole("eu-west-1/", `X${SSO_NAME}`), false],
    ["a role of that name that is not Identity Center's", `arn:aws:iam::${ACCOUNT}:role/${SSO_NAME}`, false],
    ["the same name in another account", ssoRole("").replace(ACCOUNT, "999999999999"), false],
  ])("where IAM may not be asked, a condition lets in %s: %s (%s)", async (_name, arn, isLetIn) => {
    const via = viaSession(fixture, ssoRole("eu-west-1/"));
    fixture.fake.faults.set("GetRole", { kind: "deny", times: 1 });

    const { principal, statement, notes } = await applyTrust(options(via));

    expect(principal).toBe(`arn:aws:iam::${ACCOUNT}:root`);
    expect(statement).toContain("aws:PrincipalArn");
    expect(notes.join()).toContain("sts:AssumeRole");
    const outcome = await assume(viaSession(fixture, arn)).then(
      () => true,
      () => false,
    );
    expect(outcome).toBe(isLetIn);
  });

  test.each([
    [`arn:aws:iam::${ACCOUNT}:role/plain`, true],
    [`arn:aws:iam::${ACCOUNT}:role/a/b/plain`, true],
    [`arn:aws:iam::${ACCOUNT}:role/notplain`, false],
    [`arn:aws:iam::${ACCOUNT}:role/plain/other`, false],
    [`arn:aws:iam::${ACCOUNT}:user/plain`, false],
  ])("the condition for a role `plain` of whatever path: %s is let in: %s", async (arn, isLetIn) => {
    const via = viaSession(fixture, `arn:aws:iam::${ACCOUNT}:role/deep/plain`);
    await applyTrust(options(via));

    const outcome = await assume(viaSession(fixture, arn)).then(
      () => true,
      () => false,
    );

    expect(outcome).toBe(isLetIn);
  });

  test.each([
    ["a federated user", `arn:aws:sts::${ACCOUNT}:federated-user/bob`],
    ["something else", "arn:aws:sts::aws:self"],
  ])("%s cannot be named, and is refused before anything is read", async (_name, arn) => {
    const sts = { ...fixture.sts, getCallerIdentity: async () => ({ account: ACCOUNT, arn, userId: "x" }) };
    const via = { role: sessionRole(keysSource(), "odd"), signer: annSigns };

    expect(await brokerErrorOf(() => applyTrust({ ...options(via), sts }))).toMatchObject({ code: "UsageInvalid" });
    expect(fixture.fake.calls).toHaveLength(0);
  });

  test("a root user is refused: its ARN would let in the whole account, and no root may assume a role", async () => {
    const arn = `arn:aws-cn:iam::${ACCOUNT}:root`;
    const sts = { ...fixture.sts, getCallerIdentity: async () => ({ account: ACCOUNT, arn, userId: ACCOUNT }) };
    const via = { role: sessionRole(keysSource(), "root"), signer: annSigns };

    for (const action of [readTrust, applyTrust, undoTrust]) {
      expect(await brokerErrorOf(() => action({ ...options(via), sts }))).toMatchObject({ code: "UsageInvalid" });
    }
    expect(fixture.fake.calls).toHaveLength(0);
  });
});

describe("a trust policy that may not be touched", () => {
  test("of another account is never looked up by name here, where another role has it", async () => {
    const via = await viaDev(fixture);

    const shown = await readTrust(options(via, OTHER_FUNCTION_ROLE));
    const error = await brokerErrorOf(() => applyTrust(options(via, OTHER_FUNCTION_ROLE)));

    expect(shown).toMatchObject({ isPresent: false, principal: DEV_ROLE });
    expect(shown.notes.join()).toContain("cannot be told");
    expect(shown.notes.join()).toContain("sts:AssumeRole");
    expect(error).toMatchObject({ code: "AccessDenied" });
    expect(trustPolicy()).toEqual(JSON.parse(SERVICE_ONLY));
    expect(fixture.fake.countOf("GetRole")).toBe(0);
  });

  test("of a role that has only the name in common is neither read nor written", async () => {
    const via = await viaDev(fixture);
    const namesake = `arn:aws:iam::${ACCOUNT}:role/other/orders-role`;

    for (const action of [readTrust, applyTrust, undoTrust]) {
      expect(await brokerErrorOf(() => action(options(via, namesake)))).toMatchObject({ code: "Conflict" });
    }
    expect(fixture.fake.countOf("UpdateAssumeRolePolicy")).toBe(0);
  });

  test("that IAM does not tell leaves the statement to be printed, for an administrator", async () => {
    const via = await viaDev(fixture);
    fixture.fake.faults.set("GetRole", { kind: "deny" });

    const shown = await readTrust(options(via));

    expect(shown.statement).toContain(DEV_ROLE);
    expect(shown.isPresent).toBe(false);
    expect(shown.notes.join()).toContain("iam:GetRole");
    expect(await brokerErrorOf(() => applyTrust(options(via)))).toMatchObject({ code: "AccessDenied" });
  });

  test("that may not be written names the action, and nothing changed", async () => {
    const via = await viaDev(fixture);
    fixture.fake.faults.set("UpdateAssumeRolePolicy", { kind: "deny" });

    const error = await brokerErrorOf(() => applyTrust(options(via)));

    expect(error).toMatchObject({ code: "AccessDenied" });
    expect(error.message).toContain("iam:UpdateAssumeRolePolicy");
    expect(trustPolicy()).toEqual(JSON.parse(SERVICE_ONLY));
  });

  test("of a role that was deleted is told as such", async () => {
    fixture.fake.removeRole(FUNCTION_ROLE);

    expect(await brokerErrorOf(async () => readTrust(options(await viaDev(fixture))))).toMatchObject({
      code: "NotFound",
    });
  });
});

describe("a trust policy that was written", () => {
  /** IAM that shows the former trust policy `times` more. */
  function slowIam(times: number): TrustOptions["iamRoles"] {
    let left = -1;
    const { iamRoles } = fixture;
    return {
      getRole: async (...args) => {
        const role = await iamRoles.getRole(...args);
        return left-- > 0 ? { ...role, trustPolicy: SERVICE_ONLY } : role;
      },
      attachedPolicies: (...args) => iamRoles.attachedPolicies(...args),
      inlinePolicies: (...args) => iamRoles.inlinePolicies(...args),
      managedPolicy: (...args) => iamRoles.managedPolicy(...args),
      simulate: (...args) => iamRoles.simulate(...args),
      createRole: (...args) => iamRoles.createRole(...args),
      attachPolicy: (...args) => iamRoles.attachPolicy(...args),
      putInlinePolicy: (...args) => iamRoles.putInlinePolicy(...args),
      updateTrustPolicy: async (...args) => {
        await iamRoles.updateTrustPolicy(...args);
        left = times;
      },
    };
  }

  async function finish<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false };
    const done = (): void => void (state.isDone = true);
    work.then(done, done);
    while (!state.isDone) await clock.advance(1000);
    return work;
  }

  test("is read back, a few times if IAM shows the former one", async () => {
    const report = await finish(applyTrust({ ...options(await viaDev(fixture)), iamRoles: slowIam(3) }));

    expect(report).toMatchObject({ isPresent: true, changed: true });
    expect(report.notes.join()).toContain("some seconds");
  });

  test("is told when the change does not show, as when another user wrote too", async () => {
    const report = await finish(applyTrust({ ...options(await viaDev(fixture)), iamRoles: slowIam(1000) }));

    expect(report).toMatchObject({ isPresent: false, changed: true });
    expect(report.notes.join()).toContain("does not show");
  });
});

test("a change that IAM took and then does not let us read is told as made", async () => {
  const { iamRoles } = fixture;
  let written = false;
  const blinded: TrustOptions["iamRoles"] = {
    getRole: async (...args) => {
      if (written) throw new BrokerError("AwsUnreachable", "iam.amazonaws.com cannot be reached");
      return iamRoles.getRole(...args);
    },
    attachedPolicies: (...args) => iamRoles.attachedPolicies(...args),
    inlinePolicies: (...args) => iamRoles.inlinePolicies(...args),
    managedPolicy: (...args) => iamRoles.managedPolicy(...args),
    simulate: (...args) => iamRoles.simulate(...args),
    createRole: (...args) => iamRoles.createRole(...args),
    attachPolicy: (...args) => iamRoles.attachPolicy(...args),
    putInlinePolicy: (...args) => iamRoles.putInlinePolicy(...args),
    updateTrustPolicy: async (...args) => {
      await iamRoles.updateTrustPolicy(...args);
      written = true;
    },
  };

  const report = await applyTrust({ ...options(await viaDev(fixture)), iamRoles: blinded });

  expect(report).toMatchObject({ isPresent: true, changed: true });
  expect(report.notes.join()).toContain("cannot be reached");
});

describe("a statement with terms", () => {
  const aws = { clock: { now: () => clock.now() } };

  beforeEach(async () => {
    await fixture.fake.close();
    fixture = await startLambdaFixture({}, aws);
  });

  test("lets in until its end, says when that is, and is renewed", async () => {
    const terms = options(await viaDev(fixture), FUNCTION_ROLE, { seconds: 1800 });
    const { until } = await applyTrust(terms);
    expect(until).toBe(clock.now() + 1_800_000);
    await expect(assume(terms.via)).resolves.toBeDefined();

    await clock.advance(1_799_000);
    await expect(assume(terms.via)).resolves.toBeDefined();
    await clock.advance(1000);
    expect(await brokerErrorOf(() => assume(terms.via))).toMatchObject({ code: "AssumeRoleDenied" });
    const ended = await readTrust(options(terms.via));
    expect(ended).toMatchObject({ isPresent: false, until });
    expect(ended.notes.join()).toContain("ended at");

    expect(await applyTrust(terms)).toMatchObject({ isPresent: true, changed: true });
    await expect(assume(terms.via)).resolves.toBeDefined();
    await clock.advance(60_000);
    expect(await undoTrust(options(terms.via))).toMatchObject({ isPresent: false, changed: true });
    expect(trustPolicy()).toEqual(JSON.parse(SERVICE_ONLY));
  });

  test("is found again by who asks without them, and removed", async () => {
    const via = await viaDev(fixture);
    const { statement } = await applyTrust(options(via, FUNCTION_ROLE, { seconds: 60, ownSession: true }));

    expect(await readTrust(options(via))).toMatchObject({ isPresent: true, statement });
    expect(await undoTrust(options(via))).toMatchObject({ isPresent: false, changed: true, statement });
    expect(trustPolicy()).toEqual(JSON.parse(SERVICE_ONLY));
  });

  test("lets in sessions that are called as the function's are, and no other", async () => {
    const via = await viaDev(fixture);
    await applyTrust(options(via, FUNCTION_ROLE, { ownSession: true }));
    await expect(assume(via)).resolves.toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/orders-role/orders`);

    await undoTrust(options(via));
    await applyTrust({ ...options(via, FUNCTION_ROLE, { ownSession: true }), sessionName: "billing" });
    expect(await brokerErrorOf(() => assume(via))).toMatchObject({ code: "AssumeRoleDenied" });
  });

  test("is shown as it would be, where one on other terms stands", async () => {
    const via = await viaDev(fixture);
    await applyTrust(options(via));

    const shown = await readTrust(options(via, FUNCTION_ROLE, { seconds: 60 }));

    expect(shown.isPresent).toBe(false);
    expect(shown.statement).toContain("DateLessThan");
    expect(shown.notes.join()).toContain("other terms");
  });
});

describe("a role that a template makes", () => {
  test.each<[string, Record<string, string>, object | undefined]>([
    [
      "CloudFormation",
      { "aws:cloudformation:stack-name": "orders-dev", "aws:cloudformation:logical-id": "OrdersRole" },
      { tool: "CloudFormation", stack: "orders-dev", logicalId: "OrdersRole" },
    ],
    ["SAM", { "lambda:createdBy": "SAM" }, { tool: "SAM" }],
    ["Terraform, by what people write", { ManagedBy: "terraform" }, { tool: "Terraform" }],
    ["nothing that its tags tell", { team: "orders" }, undefined],
  ])("by %s is told as such", async (_name, tags, owner) => {
    fixture.fake.setRole({ arn: FUNCTION_ROLE, trustPolicy: SERVICE_ONLY, tags });
    const via = await viaDev(fixture);

    expect((await readTrust(options(via))).owner).toEqual(owner);
    expect((await applyTrust(options(via))).owner).toEqual(owner);
  });
});

test("after undo it is said that credentials of before live on", async () => {
  const via = await viaDev(fixture);
  await applyTrust(options(via));

  expect((await undoTrust(options(via))).notes.join()).toContain("an hour at most");
});

test("a via with a session policy of its own is told that it must allow the call", async () => {
  const assume = { roleArn: DEV_ROLE, roleSessionName: "a", durationSeconds: 3600, policy: "{}" };
  const via = { ...(await viaDev(fixture)), role: devRole({ assume }) };

  expect((await readTrust(options(via))).notes.join()).toContain("role dev");
});
