import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AwsCaller } from "../../src/aws/aws-caller.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { Connections } from "../../src/aws/connections.js";
import { SdkIam } from "../../src/aws/sdk-iam.js";
import type { Sts } from "../../src/aws/sts.js";
import { BrokerError } from "../../src/core/errors.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { type AwsFixture, ann, annSigns, assuming, MFA_SERIAL, REGION, ROLE, startAwsFixture } from "./aws-fixture.js";

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture();
});
afterEach(() => fixture.fake.close());

describe("rotating a long-term key", () => {
  test("creates a key that works, and deletes the old one signed by the new", async () => {
    const created = await fixture.iam.createAccessKey(annSigns, REGION);
    const identity = await fixture.iam.awaitAccessKey(created, REGION);
    await fixture.iam.deleteAccessKey(created, ann.accessKeyId, REGION);

    expect(created).toMatchObject({ userName: "ann" });
    expect(created.secretAccessKey.reveal()).toContain(CANARY);
    expect(identity.arn).toBe("arn:aws:iam::111111111111:user/ann");
    expect(await fixture.iam.listAccessKeys(created, REGION)).toEqual([
      { accessKeyId: created.accessKeyId, status: "Active", createdAt: Date.UTC(2026, 0, 1) },
    ]);
    expect(await brokerErrorOf(() => fixture.sts.getCallerIdentity(annSigns, REGION))).toMatchObject({
      signer: "refused",
    });
  });

  test("a third key is a conflict that says what AWS says", async () => {
    await fixture.iam.createAccessKey(annSigns, REGION);

    const error = await brokerErrorOf(() => fixture.iam.createAccessKey(annSigns, REGION));

    expect(error).toMatchObject({ code: "Conflict" });
    expect(error.message).toContain("quota");
  });

  test("deleting a key that is gone counts as done", async () => {
    const created = await fixture.iam.createAccessKey(annSigns, REGION);
    await fixture.iam.deleteAccessKey(annSigns, created.accessKeyId, REGION);

    await expect(fixture.iam.deleteAccessKey(annSigns, created.accessKeyId, REGION)).resolves.toBeUndefined();
  });

  test("a key is created once, whatever happens to the answer", async () => {
    fixture.fake.faults.set("CreateAccessKey", { kind: "reset" });

    expect(await brokerErrorOf(() => fixture.iam.createAccessKey(annSigns, REGION))).toMatchObject({
      code: "AwsUnreachable",
    });

    expect(fixture.fake.countOf("CreateAccessKey")).toBe(1);
  });

  test("an incomplete answer is not believed", async () => {
    fixture.fake.faults.set("CreateAccessKey", { kind: "lie", lie: "no-secret" });
    fixture.fake.faults.set("ListAccessKeys", { kind: "lie", lie: "html" });

    for (const call of [fixture.iam.createAccessKey(annSigns, REGION), fixture.iam.listAccessKeys(annSigns, REGION)]) {
      expect(await brokerErrorOf(() => call)).toMatchObject({ code: "AwsUnreachable" });
    }
  });

  test("an MFA session may do it; one without MFA, or a role, is denied", async () => {
    fixture.fake.allowMfaCodes("123456");
    const mfa = { durationSeconds: 3600, serialNumber: MFA_SERIAL, tokenCode: "123456" };
    const withMfa = await fixture.sts.getSessionToken(annSigns, mfa, REGION);
    const without = await fixture.sts.getSessionToken(annSigns, { durationSeconds: 3600 }, REGION);
    const { credentials: role } = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    await expect(fixture.iam.listAccessKeys(withMfa, REGION)).resolves.toHaveLength(1);
    for (const signer of [without, role]) {
      const error = await brokerErrorOf(() => fixture.iam.listAccessKeys(signer, REGION));
      expect(error).toMatchObject({ code: "AssumeRoleDenied" });
      expect(error.hint).toContain("ListAccessKeys");
    }
  });
});

describe("waiting for a new key to be known everywhere", () => {
  const refusal = new BrokerError("AssumeRoleDenied", "not known yet", { signer: "refused" });

  /** An STS that refuses with `error` until it was asked `times`. */
  function waiting(error: BrokerError, times: number): { iam: SdkIam; clock: FakeClock; asked: () => number } {
    const clock = new FakeClock();
    const environment = awsEnvironment({});
    const options = { environment, connections: new Connections(environment), clock, logger: memoryLogger() };
    let asked = 0;
    const getCallerIdentity: Sts["getCallerIdentity"] = async () => {
      if (++asked <= times) throw error;
      return { account: ann.account, arn: "arn:aws:iam::111111111111:user/ann", userId: "AIDAANN" };
    };
    const sts = { ...fixture.sts, getCallerIdentity };
    return { iam: new SdkIam({ caller: new AwsCaller(options), sts, clock }), clock, asked: () => asked };
  }

  test.each([
    ["refused", refusal],
    ["out of reach", new BrokerError("AwsUnreachable", "no network")],
  ])("asks every second while it is %s", async (_name, error) => {
    const { iam, clock, asked } = waiting(error, 3);
    const accepted = iam.awaitAccessKey(annSigns, REGION);

    await clock.advance(2999);
    expect(asked()).toBe(3);
    await clock.advance(1);

    expect(await accepted).toMatchObject({ account: ann.account });
  });

  test("gives up after 30 s with the last refusal", async () => {
    const { iam, clock, asked } = waiting(refusal, 1000);
    const failed = brokerErrorOf(() => iam.awaitAccessKey(annSigns, REGION));

    await clock.advance(30_000);

    expect(await failed).toBe(refusal);
    expect(asked()).toBe(31);
  });

  test("does not wait for a refusal that time will not fix", async () => {
    const { iam, asked } = waiting(new BrokerError("AssumeRoleDenied", "denied"), 1000);

    expect(await brokerErrorOf(() => iam.awaitAccessKey(annSigns, REGION))).toMatchObject({ code: "AssumeRoleDenied" });
    expect(asked()).toBe(1);
  });
});
