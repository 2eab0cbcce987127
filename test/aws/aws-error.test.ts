import { describe, expect, test } from "vitest";
import { awsError } from "../../src/aws/aws-error.js";
import { AwsFailure, type FailedCall } from "../../src/aws/aws-failure.js";
import { withoutSecrets } from "../../src/aws/without-secrets.js";
import { BrokerError } from "../../src/core/errors.js";
import { CANARY } from "../support/canaries.js";

const call: FailedCall = {
  action: "AssumeRole",
  host: "sts.eu-west-1.amazonaws.com",
  region: "eu-west-1",
  subject: "arn:aws:iam::222222222222:role/prod",
  signedBy: "key",
  timedOut: false,
  sent: true,
};
const answered = (status: number, more: Partial<FailedCall> = {}): FailedCall => ({ ...call, status, ...more });
const refusal = (Code: string, message = "no"): object => Object.assign(new Error(message), { name: Code, Code });

describe("codes of AWS", () => {
  test.each<[string, number, string, string | undefined]>([
    ["Throttling", 400, "AwsUnreachable", undefined],
    ["ThrottlingException", 400, "AwsUnreachable", undefined],
    ["RequestLimitExceeded", 503, "AwsUnreachable", undefined],
    ["InternalFailure", 500, "AwsUnreachable", undefined],
    ["ServiceUnavailable", 503, "AwsUnreachable", undefined],
    ["IDPCommunicationError", 400, "AwsUnreachable", undefined],
    ["SomethingNew", 500, "AwsUnreachable", undefined],
    ["SomethingNew", 429, "AwsUnreachable", undefined],
    ["ExpiredToken", 403, "AssumeRoleDenied", "refused"],
    ["ExpiredTokenException", 400, "AssumeRoleDenied", "refused"],
    ["InvalidClientTokenId", 403, "AssumeRoleDenied", "refused"],
    ["SignatureDoesNotMatch", 403, "AssumeRoleDenied", "refused"],
    ["UnrecognizedClientException", 403, "AssumeRoleDenied", "refused"],
    ["AccessDenied", 403, "AssumeRoleDenied", undefined],
    ["AccessDeniedException", 400, "AssumeRoleDenied", undefined],
    ["SomethingNew", 400, "AssumeRoleDenied", undefined],
    ["RegionDisabledException", 403, "ConfigInvalid", undefined],
    ["ValidationError", 400, "ConfigInvalid", undefined],
    ["MalformedPolicyDocument", 400, "ConfigInvalid", undefined],
    ["PackedPolicyTooLarge", 400, "ConfigInvalid", undefined],
    ["LimitExceeded", 409, "Conflict", undefined],
  ])("%s with status %i is %s", (code, status, expected, signer) => {
    const error = awsError(refusal(code), answered(status));

    expect(error).toMatchObject({ code: expected, signer });
    expect(error.hint).toBeTruthy();
    expect(error.cause).toBeInstanceOf(AwsFailure);
  });

  test.each(["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])(
    "%s of a session is no verdict about the role",
    (code) => {
      expect(awsError(refusal(code), answered(403, { signedBy: "session" }))).toMatchObject({
        code: "AwsUnreachable",
        signer: "expired",
      });
    },
  );

  test("a clock that AWS does not accept is not blamed on the key", () => {
    const message = "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z";

    expect(awsError(refusal("SignatureDoesNotMatch", message), answered(403))).toMatchObject({
      code: "AwsUnreachable",
      signer: undefined,
    });
  });

  test.each([
    ["MultiFactorAuthentication failed with invalid MFA one time pass code.", "AccessDenied"],
    [
      "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid.",
      "AccessDenied",
    ],
    ["1 validation error detected: Value '12' at 'tokenCode' failed to satisfy constraint: x", "ValidationError"],
    ["1 validation error detected: Value 'x' at 'serialNumber' failed to satisfy constraint: x", "ValidationError"],
  ])("%s asks for MFA", (message, code) => {
    expect(awsError(refusal(code, message), answered(403, { action: "GetSessionToken" }))).toMatchObject({
      code: "MfaRequired",
    });
  });

  test.each([
    ["1 validation error detected: Value 'x' at 'externalId' failed to satisfy constraint: x", "external_id"],
    ["1 validation error detected: Value 'x' at 'tags.1.member.key' failed to satisfy constraint: x", "tags"],
    ["1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint: x", "role_arn"],
    ["The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "duration_seconds"],
  ])("%s names the key in the config", (message, key) => {
    const error = awsError(refusal("ValidationError", message), answered(400));

    expect(error.message).toContain(`AWS refuses ${key} of`);
    expect(error.hint).toContain(key);
  });

  test("a duration of GetSessionToken is the source's", () => {
    const message = "Value '1' at 'durationSeconds' failed to satisfy constraint";
    const error = awsError(refusal("ValidationError", message), answered(400, { action: "GetSessionToken" }));

    expect(error.message).toContain("session_duration_seconds");
  });
});

describe("without a word of AWS", () => {
  const network = (code: string): object => Object.assign(new Error(`connect ${code}`), { code });

  test.each([
    ["ECONNREFUSED", "connection refused"],
    ["ECONNRESET", "closed"],
    ["EAI_AGAIN", "name server"],
    ["ENETUNREACH", "no network"],
    ["EMFILE", "too many open files"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate"],
    ["EWHATEVER", "EWHATEVER"],
  ])("%s is out of reach, in words", (code, words) => {
    const error = awsError(network(code), call);

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain(call.host);
    expect(error.message).toContain(words);
  });

  test("a connection that was not made in time is told from one that was closed", () => {
    const timeout = Object.assign(new Error("too slow"), { name: "TimeoutError" });
    const closed = Object.assign(new Error("hang up"), { name: "TimeoutError", code: "ECONNRESET" });

    expect(awsError(timeout, call).message).toContain("3 s");
    expect(awsError(closed, call).message).not.toContain("3 s");
  });

  test("an endpoint rule of the SDK is a matter of the config, anything else unsent an internal error", () => {
    const unsent = { ...call, sent: false };

    expect(awsError(new Error("FIPS is enabled but this partition does not support FIPS"), unsent)).toMatchObject({
      code: "ConfigInvalid",
    });
    expect(awsError(new TypeError("x is not a function"), unsent)).toMatchObject({ code: "InternalError" });
    expect(awsError("a string", unsent)).toMatchObject({ code: "InternalError" });
  });

  test("a BrokerError passes as it is", () => {
    const error = new BrokerError("ConfigInvalid", "no region");

    expect(awsError(error, call)).toBe(error);
  });

  test("a code that is no code is not trusted", () => {
    const odd = Object.assign(new Error("odd"), { Code: { nested: CANARY } });

    expect(awsError(odd, answered(403))).toMatchObject({ code: "AwsUnreachable" });
  });
});

describe("AWS's text", () => {
  test("keeps names and ARNs", () => {
    const text =
      "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef";

    expect(withoutSecrets(text)).toBe(text);
  });

  test.each([
    ["a secret key", `key ${CANARY.padEnd(40, "x")} was`],
    ["a token", `token ${"FwoG".repeat(20)}${CANARY}== was`],
    ["a canonical string", `no. The Canonical String for this request should have been 'POST ${CANARY}'`],
    ["a string to sign", `no. The String-to-Sign should have been ${CANARY}`],
    ["a header in JSON", `{"authorization":"AWS4 ${CANARY}"}`],
    ["a header as a line", `x-amz-security-token: ${CANARY}`],
    ["an element", `<SecretAccessKey>${CANARY}</SecretAccessKey>`],
    ["what was typed as an MFA code", `1 validation error detected: Value 'my ${CANARY} it's' at 'tokenCode' failed`],
    ["the SDK's advice where to look", `bad. Deserialization error: to see ${CANARY}`],
  ])("loses %s", (_name, text) => {
    expect(withoutSecrets(text)).not.toContain(CANARY);
  });

  test("is one line of at most 300 characters", () => {
    const text = withoutSecrets(`a\r\n\tb\u0007${" word".repeat(100)}`);

    expect(text).toMatch(/^a b word/);
    expect(text).toHaveLength(300);
  });
});
