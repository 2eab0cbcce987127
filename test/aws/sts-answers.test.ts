import { describe, expect, test } from "vitest";
import {
  type CredentialsAnswer,
  checkedAssumedRoleArn,
  checkedCredentials,
  checkedIdentity,
} from "../../src/aws/sts-answers.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";

const now = Date.UTC(2026, 0, 1);
const context = { host: "sts.eu-west-1.amazonaws.com", clockSkewMs: 0, now, durationSeconds: 3600 };
const good = {
  AccessKeyId: "ASIA0000000000000001",
  SecretAccessKey: canarySecretKey("answer"),
  SessionToken: canarySecretKey("token"),
  Expiration: new Date(now + 1_000_000),
};

describe("credentials", () => {
  test("that are complete pass", () => {
    expect(checkedCredentials(good, context)).toMatchObject({
      accessKeyId: good.AccessKeyId,
      expiration: now + 1_000_000,
    });
  });

  test.each<[string, CredentialsAnswer | undefined]>([
    ["missing", undefined],
    ["empty", {}],
    ["without key id", { ...good, AccessKeyId: "" }],
    ["with a key id of several words", { ...good, AccessKeyId: "ASIA 1" }],
    ["with a secret of several lines", { ...good, SecretAccessKey: "a\nb" }],
    ["with a token that no header can carry", { ...good, SessionToken: "tök" }],
    ["with a token longer than SDKs read", { ...good, SessionToken: "x".repeat(8193) }],
    ["with an invalid date", { ...good, Expiration: new Date(Number.NaN) }],
    ["ending now", { ...good, Expiration: new Date(now) }],
  ])("that are %s do not", async (_name, answer) => {
    expect(await brokerErrorOf(() => checkedCredentials(answer, context))).toMatchObject({ code: "AwsUnreachable" });
  });

  test("end by our clock where AWS's is another", () => {
    const skewed = { ...context, clockSkewMs: 3_600_000 };

    const { expiration } = checkedCredentials({ ...good, Expiration: new Date(now + 3_600_000 + 900_000) }, skewed);

    expect(expiration).toBe(now + 900_000);
  });
});

describe("the ARN of an assumed role", () => {
  const role = "arn:aws-us-gov:iam::222222222222:role/some/path/Prod";
  const arnOf = (arn: unknown): { accountId: string } => checkedAssumedRoleArn(arn, role, context.host);

  test("passes when it is of the role that was asked for, whatever its path and case", () => {
    expect(arnOf("arn:aws-us-gov:sts::222222222222:assumed-role/prod/me@host")).toMatchObject({
      accountId: "222222222222",
    });
  });

  test.each([
    undefined,
    "",
    "arn:aws:iam::222222222222:role/Prod",
    "arn:aws:sts::999999999999:assumed-role/Prod/me",
    "arn:aws:sts::222222222222:assumed-role/Other/me",
    "arn:aws:sts::222222222222:assumed-role/Prod",
  ])("%s does not", async (arn) => {
    expect(await brokerErrorOf(() => arnOf(arn))).toMatchObject({ code: "AwsUnreachable" });
  });
});

describe("an identity", () => {
  const identity = { Account: "111111111111", Arn: "arn:aws:iam::111111111111:user/ann", UserId: "AIDAANN" };

  test("that is complete passes", () => {
    expect(checkedIdentity(identity, context.host)).toEqual({
      account: identity.Account,
      arn: identity.Arn,
      userId: identity.UserId,
    });
  });

  test.each([{ Account: "1" }, { Account: undefined }, { Arn: "ann" }, { UserId: "" }])(
    "with %o does not",
    async (wrong) => {
      const error = await brokerErrorOf(() => checkedIdentity({ ...identity, ...wrong }, context.host));

      expect(error).toMatchObject({ code: "AwsUnreachable" });
    },
  );
});
