import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/core/secret.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import {
  ACCOUNT,
  type AwsFixture,
  ann,
  annSigns,
  assuming,
  CHAINED_ROLE,
  MFA_SERIAL,
  REGION,
  ROLE,
  startAwsFixture,
} from "./aws-fixture.js";

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture();
});
afterEach(() => fixture.fake.close());

describe("AssumeRole", () => {
  test("yields credentials that AWS accepts, with account and expiration", async () => {
    const before = Date.now();

    const assumed = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    expect(assumed.assumedRoleArn).toBe("arn:aws:sts::222222222222:assumed-role/prod/credbroker");
    expect(assumed.credentials).toMatchObject({ accountId: "222222222222" });
    expect(assumed.credentials.expiration).toBeGreaterThan(before + 3_590_000);
    expect(assumed.credentials.expiration).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(await fixture.sts.getCallerIdentity(assumed.credentials, REGION)).toMatchObject({
      account: "222222222222",
      arn: assumed.assumedRoleArn,
    });
  });

  test("sends every field of the config as it stands", async () => {
    const policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}';

    await fixture.sts.assumeRole(
      annSigns,
      assuming(ROLE, {
        roleSessionName: "ann@laptop",
        durationSeconds: 43_200,
        externalId: "a:b/c=d",
        sourceIdentity: "ann",
        tags: { team: "core & friends", "cost centre": "ä+1" },
        transitiveTagKeys: ["team"],
        policy,
        policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/SecurityAudit"],
      }),
      REGION,
    );

    expect(fixture.fake.lastOf("AssumeRole").params).toEqual({
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: ROLE,
      RoleSessionName: "ann@laptop",
      DurationSeconds: "43200",
      ExternalId: "a:b/c=d",
      SourceIdentity: "ann",
      "Tags.member.1.Key": "team",
      "Tags.member.1.Value": "core & friends",
      "Tags.member.2.Key": "cost centre",
      "Tags.member.2.Value": "ä+1",
      "TransitiveTagKeys.member.1": "team",
      Policy: policy,
      "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
      "PolicyArns.member.2.arn": "arn:aws:iam::aws:policy/SecurityAudit",
    });
  });

  test("sends nothing that was not asked for", async () => {
    await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    expect(Object.keys(fixture.fake.lastOf("AssumeRole").params).sort()).toEqual([
      "Action",
      "DurationSeconds",
      "RoleArn",
      "RoleSessionName",
      "Version",
    ]);
  });

  test("signs for the region it is called in, as the signer it is given", async () => {
    await fixture.sts.assumeRole(annSigns, assuming(ROLE), "ap-southeast-2");

    expect(fixture.fake.lastOf("AssumeRole")).toMatchObject({
      region: "ap-southeast-2",
      service: "sts",
      signer: { accessKeyId: ann.accessKeyId },
    });
    expect(fixture.fake.lastOf("AssumeRole").userAgent).toContain("app/credbroker");
  });

  test("chains: credentials of one role sign for the next", async () => {
    const first = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    const second = await fixture.sts.assumeRole(first.credentials, assuming(CHAINED_ROLE), REGION);

    expect(second.assumedRoleArn).toBe("arn:aws:sts::333333333333:assumed-role/deep/credbroker");
    expect(fixture.fake.lastOf("AssumeRole").signer).toMatchObject({ kind: "role", arn: first.assumedRoleArn });
  });

  test("keeps apart the signers of calls that run at the same time", async () => {
    const first = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);
    const hold = fixture.fake.faults.hold("GetCallerIdentity");

    const signers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? annSigns : first.credentials));
    const identities = Promise.all(signers.map((signer) => fixture.sts.getCallerIdentity(signer, REGION)));
    await hold.arrived(20);
    hold.release();

    const accounts = (await identities).map(({ account }) => account);
    expect(accounts).toEqual(signers.map((_, index) => (index % 2 === 0 ? ACCOUNT : "222222222222")));
  });

  test("gives secrets that do not print", async () => {
    const { credentials } = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    expect(credentials.secretAccessKey.reveal()).toContain(CANARY);
    expect(credentials.sessionToken.reveal()).toContain(CANARY);
    expect(JSON.stringify(credentials)).not.toContain(CANARY);
  });
});

describe("GetSessionToken", () => {
  test("without MFA yields a session of the user", async () => {
    const session = await fixture.sts.getSessionToken(annSigns, { durationSeconds: 43_200 }, REGION);

    expect(fixture.fake.lastOf("GetSessionToken").params).not.toHaveProperty("SerialNumber");
    expect(await fixture.sts.getCallerIdentity(session, REGION)).toMatchObject({
      arn: `arn:aws:iam::${ACCOUNT}:user/ann`,
    });
  });

  test("with an MFA code yields a session that counts as MFA", async () => {
    fixture.fake.setRole({ arn: ROLE, requireMfa: true });
    fixture.fake.allowMfaCodes("123456");
    const parameters = { durationSeconds: 3600, serialNumber: MFA_SERIAL, tokenCode: "123456" };

    const session = await fixture.sts.getSessionToken(annSigns, parameters, REGION);

    await expect(fixture.sts.assumeRole(session, assuming(ROLE), REGION)).resolves.toBeDefined();
    expect(await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION))).toMatchObject({
      code: "AssumeRoleDenied",
    });
  });

  test.each([
    ["wrong", "999999"],
    ["not of six digits", "12345"],
  ])("an MFA code that is %s asks for another one", async (_name, tokenCode) => {
    fixture.fake.allowMfaCodes("123456");
    const parameters = { durationSeconds: 3600, serialNumber: MFA_SERIAL, tokenCode };

    const error = await brokerErrorOf(() => fixture.sts.getSessionToken(annSigns, parameters, REGION));

    expect(error).toMatchObject({ code: "MfaRequired", signer: undefined });
    expect(error.hint).toContain("brokerctl login");
  });

  test("a code is sent once only, also when the answer is lost", async () => {
    fixture.fake.allowMfaCodes("123456");
    fixture.fake.faults.set("GetSessionToken", { kind: "reset", times: 1 });
    const parameters = { durationSeconds: 3600, serialNumber: MFA_SERIAL, tokenCode: "123456" };

    const error = await brokerErrorOf(() => fixture.sts.getSessionToken(annSigns, parameters, REGION));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(fixture.fake.countOf("GetSessionToken")).toBe(1);
  });
});

describe("who signs", () => {
  test("a long-term key with the wrong secret is refused as a key", async () => {
    const signer = { ...annSigns, secretAccessKey: new Secret(canarySecretKey("wrong")) };

    const error = await brokerErrorOf(() => fixture.sts.assumeRole(signer, assuming(ROLE), REGION));

    expect(error).toMatchObject({ code: "AssumeRoleDenied", signer: "refused" });
    expect(error.hint).toContain("brokerctl keys add");
  });

  test.each(["unknown", "inactive"])("a long-term key that is %s is refused as a key", async (state) => {
    if (state === "inactive") fixture.fake.deactivate(ann.accessKeyId);
    const signer = state === "inactive" ? annSigns : { ...annSigns, accessKeyId: "AKIAUNKNOWN000000000" };

    const error = await brokerErrorOf(() => fixture.sts.getSessionToken(signer, { durationSeconds: 900 }, REGION));

    expect(error).toMatchObject({ code: "AssumeRoleDenied", signer: "refused" });
  });

  test("a session that has expired, was revoked or is garbled is told apart: it can be fetched anew", async () => {
    const clock = new FakeClock();
    await fixture.fake.close();
    fixture = await startAwsFixture({ clock, ourClock: clock, sessionSeconds: 20 });
    const { credentials } = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);
    const garbled = { ...credentials, sessionToken: new Secret(`${CANARY}garbled`) };

    for (const step of ["garbled", "expired", "revoked"]) {
      if (step === "expired") clock.jump(20_000);
      if (step === "revoked") fixture.fake.deactivate(credentials.accessKeyId);
      const signer = step === "garbled" ? garbled : credentials;
      const error = await brokerErrorOf(() => fixture.sts.assumeRole(signer, assuming(CHAINED_ROLE), REGION));
      expect(error, step).toMatchObject({ code: "AwsUnreachable", signer: "expired" });
    }
    expect(fixture.fake.unauthenticated.filter((code) => code !== "SignatureDoesNotMatch")).toEqual([
      "InvalidClientTokenId",
      "ExpiredToken",
      "InvalidClientTokenId",
    ]);
  });
});

describe("what the role's definition gets wrong", () => {
  test("a denied role names the role and where to look", async () => {
    const error = await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(CHAINED_ROLE), REGION));

    expect(error).toMatchObject({ code: "AssumeRoleDenied", signer: undefined });
    expect(error.message).toContain(CHAINED_ROLE);
    expect(error.message).toContain("user/ann");
    expect(error.hint).toContain("brokerctl whoami");
  });

  test("a role that does not exist, or another external id, is denied", async () => {
    fixture.fake.setRole({ arn: ROLE, externalId: "right" });
    const missing = assuming("arn:aws:iam::222222222222:role/missing");

    for (const parameters of [missing, assuming(ROLE), assuming(ROLE, { externalId: "wrong" })]) {
      const error = await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, parameters, REGION));
      expect(error).toMatchObject({ code: "AssumeRoleDenied" });
    }
    await expect(
      fixture.sts.assumeRole(annSigns, assuming(ROLE, { externalId: "right" }), REGION),
    ).resolves.toBeDefined();
  });

  test.each([
    ["more than the role's maximum", 3601, "key"],
    ["more than an hour on a chain", 7200, "session"],
    ["less than AWS allows", 60, "key"],
  ])("a duration of %s names duration_seconds", async (_name, durationSeconds, signedBy) => {
    fixture.fake.setRole({ arn: ROLE, maxSessionDuration: signedBy === "key" ? 3600 : 43_200 });
    const signer =
      signedBy === "key" ? annSigns : await fixture.sts.getSessionToken(annSigns, { durationSeconds: 3600 }, REGION);

    const error = await brokerErrorOf(() =>
      fixture.sts.assumeRole(signer, assuming(ROLE, { durationSeconds }), REGION),
    );

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("duration_seconds");
    expect(error.hint).toContain("duration_seconds");
  });

  test("a policy that is no JSON or too long names the field", async () => {
    for (const policy of ["{", `{"x":"${"y".repeat(2100)}"}`]) {
      const error = await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(ROLE, { policy }), REGION));
      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(error.message).toContain("policy");
    }
  });

  test("a session name that STS refuses names role_session_name", async () => {
    const error = await brokerErrorOf(() =>
      fixture.sts.assumeRole(annSigns, assuming(ROLE, { roleSessionName: "a b" }), REGION),
    );

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("role_session_name");
  });

  test("a region in which STS is not enabled is named", async () => {
    await fixture.fake.close();
    fixture = await startAwsFixture({ disabledRegions: ["eu-south-1"] });

    const error = await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(ROLE), "eu-south-1"));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("eu-south-1");
  });

  test.each(["evil.example.com/#", "", "eu-west-1.evil.example.com", "EU-WEST-1", "localhost"])(
    "%j is no region and is never called",
    async (region) => {
      const error = await brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(ROLE), region));

      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(fixture.fake.calls).toHaveLength(0);
    },
  );
});
