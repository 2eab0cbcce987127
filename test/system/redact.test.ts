import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { newLeaseToken } from "../../src/core/lease.js";
import { Secret } from "../../src/core/secret.js";
import { redactText, redactValue } from "../../src/system/redact.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";

const sessionToken = `IQoJb3JpZ2luX2VjE${CANARY}`.padEnd(200, "x");
const webToken = `eyJhbGciOiJub25lIn0.${CANARY}${CANARY}.${CANARY}`;
const quoted = JSON.stringify({ Credentials: { SecretAccessKey: canarySecretKey() } });

describe("a text", () => {
  it.each([
    ["a lease token in a URL", `GET http://127.0.0.1:9171/lease/brk_${CANARY}${"a".repeat(31)} refused`],
    ["a cut lease token", `brk_${CANARY}`],
    ["a session token", `token ${sessionToken}`],
    ["a JSON web token", `bad token ${webToken}`],
    ["an SSO access token", `aoaAAAAAG${CANARY}${CANARY}:MGUCMQ`],
    ["an SSO refresh token", `aorAAAAAG${CANARY}${CANARY}:MGUCMQ`],
    ["a secret key in JSON", quoted],
    ["a secret key in JSON in JSON", JSON.stringify({ body: quoted })],
    ["a secret key in XML", `<SecretAccessKey>${canarySecretKey()}</SecretAccessKey>`],
    ["a secret key in INI", `aws_secret_access_key = ${canarySecretKey()}`],
    ["a secret key in the environment", `AWS_SECRET_ACCESS_KEY=${canarySecretKey()}`],
    ["a session token in XML", `<SessionToken>${CANARY}${CANARY}</SessionToken>`],
    ["a client secret", `"clientSecret":"${CANARY}${CANARY}"`],
    ["an authorization header", `authorization: Bearer ${CANARY}${CANARY}`],
    ["a signed URL", `https://x.amazonaws.com/?X-Amz-Security-Token=${CANARY}%2F&X-Amz-Signature=${CANARY}`],
    ["a proxy with a password", `connect ECONNREFUSED http://me:${CANARY}@proxy:8080/`],
  ])("loses %s", (_, text) => {
    expect(redactText(text)).not.toContain(CANARY);
    expect(redactText(text)).toContain("[secret]");
  });

  it("keeps of an access key id what tells it apart", () => {
    expect(redactText("AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPL2.")).toBe("AKIA...MPLE and ASIA...MPL2.");
  });

  it("loses every lease token that is made", () => {
    for (let turn = 0; turn < 200; turn++) {
      const token = newLeaseToken().reveal();
      expect(redactText(`"${token}"`)).toBe('"brk_[secret]"');
    }
  });

  it.each([
    "role prod-role is denied: arn:aws:iam::222222222222:role/prod",
    "AssumeRole failed with AccessDenied, request 0b2f1a3c-5f2e-4f38-9a6d-2f5a1c0d9e77",
    "wrote /home/me/.local/state/credbroker/secrets.sealed",
    "the session token has expired; run brokerctl login ops-keys",
    "token: missing",
    "http://127.0.0.1:9171/creds",
  ])("keeps %j", (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe("a value", () => {
  it("loses secrets, bytes, and the text of fields named for secrets, at any depth", () => {
    const value = {
      secret: new Secret(CANARY),
      key: Buffer.from(CANARY),
      request: { SecretAccessKey: CANARY, session_token: CANARY, "Client-Secret": CANARY, list: [{ token: CANARY }] },
      map: new Map([["passphrase", CANARY]]),
    };
    const redacted = JSON.stringify(redactValue(value));
    expect(redacted).not.toContain(CANARY);
    expect(redacted).not.toContain(Buffer.from(CANARY).toString("base64"));
  });

  it("shows times as people read them, and other numbers as they are", () => {
    const fields = { expiration: 1795908817405, expiresAt: 1795908817405, refreshAt: null, at: { endedAt: 1e12 } };
    expect(redactValue({ ...fields, attempt: 1795908817405, retryAt: 5 })).toEqual({
      expiration: "2026-11-28T23:33:37.405Z",
      expiresAt: "2026-11-28T23:33:37.405Z",
      refreshAt: null,
      at: { endedAt: "2001-09-09T01:46:40.000Z" },
      attempt: 1795908817405,
      retryAt: 5,
    });
  });

  it("keeps what is no secret", () => {
    const value = { role: "dev", code: "LoginRequired", status: 403, ok: true, none: null, token: "", at: new Date(0) };
    expect(redactValue(value)).toEqual({ ...value, at: "1970-01-01T00:00:00.000Z" });
  });

  it("holds of an error its code, message, hint and causes, and none of its other fields", () => {
    const sdk = Object.assign(new Error("denied"), { $response: { body: CANARY }, code: "AccessDenied" });
    const error = new BrokerError("AssumeRoleDenied", "role prod is denied", { hint: "brokerctl whoami", cause: sdk });

    const redacted = redactValue({ error }) as { error: object };

    expect(redacted.error).toMatchObject({
      name: "BrokerError",
      code: "AssumeRoleDenied",
      message: "role prod is denied",
      hint: "brokerctl whoami",
      cause: { code: "AccessDenied", message: "denied" },
    });
    expect(JSON.stringify(redacted)).not.toContain(CANARY);
  });

  it("holds every error of several attempts", () => {
    const error = new AggregateError([
      new Error("connect ECONNREFUSED ::1"),
      new Error("connect ECONNREFUSED 127.0.0.1"),
    ]);
    expect(JSON.stringify(redactValue(error))).toMatch(/::1.*127\.0\.0\.1/);
  });

  it.each<[string, (inner: unknown) => unknown]>([
    ["objects", (inner) => ({ inner })],
    ["lists", (inner) => [inner]],
    ["maps", (inner) => new Map([["inner", inner]])],
    ["causes", (inner) => new Error("outer", { cause: inner })],
    ["several errors", (inner) => new AggregateError([inner])],
  ])("is shown six %s deep, and no deeper", (_, wrap) => {
    const nested = (count: number): unknown => {
      let value: unknown = "the innermost";
      for (let turn = 0; turn < count; turn++) value = wrap(value);
      return value;
    };
    // A list of errors is a level of its own.
    const levels = wrap("x") instanceof AggregateError ? 3 : 6;

    expect(JSON.stringify(redactValue(nested(levels)))).toMatch(/the innermost/);
    expect(JSON.stringify(redactValue(nested(levels + 1)))).not.toContain("the innermost");
    expect(JSON.stringify(redactValue(nested(levels + 1)))).toContain("[deeper]");
  });

  it("ends where something holds itself", () => {
    const circular: Record<string, unknown> = { name: "loop" };
    circular["self"] = circular;
    const cause = new Error("cause");
    cause.cause = cause;
    expect(JSON.stringify(redactValue({ circular, cause }))).toContain("[deeper]");
  });

  it("makes JSON of what JSON cannot", () => {
    expect(JSON.stringify(redactValue({ big: 1n, bad: new Date(Number.NaN) }))).toBe('{"big":"1","bad":null}');
  });
});
