import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import type { SignIn } from "../../src/aws/sign-in.js";
import { Secret } from "../../src/core/secret.js";
import { type FakeSignIn, startFakeSignIn } from "../fakes/fake-sign-in/fake-sign-in.js";
import { newKey, ownLogin } from "../fakes/fake-sign-in/login-cache.js";
import { RecordingProxy } from "../fakes/proxy.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { everythingIn } from "./identity-center-fixture.js";

const REFRESH = {
  kind: "refresh",
  clientId: "arn:aws:signin:::devtools/same-device",
  refreshToken: new Secret(`${CANARY}token`),
} as const;

let signIn: FakeSignIn;

beforeEach(async () => {
  signIn = await startFakeSignIn();
});

afterEach(() => signIn.close());

function ours(variables: Record<string, string> = { AWS_ENDPOINT_URL_SIGNIN: signIn.url }): SignIn {
  return createAws({ environment: awsEnvironment(variables), logger: memoryLogger(), clock: new FakeClock() }).signIn;
}

describe("a token of a console login", () => {
  test("comes with credentials of 15 minutes, who logged in, and what renews it", async () => {
    const { granted, key, renew } = await ownLogin(signIn);
    expect(granted.loginSession).toBe(signIn.settings.loginSession);
    const leftMs = granted.credentials.expiration - Date.now();
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(900_000);
    expect(await renew(key, granted.refreshToken)).toMatchObject({ outcome: "granted" });
  });

  test.each([
    ["TOKEN_EXPIRED", "ended"],
    ["USER_CREDENTIALS_CHANGED", "changed"],
    ["INSUFFICIENT_PERMISSIONS", "not_allowed"],
  ])("that AWS refuses with %s is %s", async (error, outcome) => {
    const { granted, key, renew } = await ownLogin(signIn);
    signIn.logins.refuseRenewals(error);
    expect(await renew(key, granted.refreshToken)).toEqual({ outcome });
  });

  test.each<[string, string]>([
    ["a page in place of JSON", `<p>${CANARY}</p>`],
    ["no credentials", JSON.stringify({ tokenType: "aws_sigv4", expiresIn: 900, refreshToken: CANARY })],
    [
      "a kind of token that signs nothing",
      JSON.stringify({ tokenType: "bearer", expiresIn: 900, refreshToken: CANARY }),
    ],
  ])("is not taken from an answer with %s, and the error holds no secret", async (_, text) => {
    signIn.faults.set("CreateToken", { kind: "body", text });
    const error = await brokerErrorOf(() => ours().createToken(newKey(), REFRESH, "eu-west-1"));
    expect(error.code).toBe("AwsUnreachable");
    expect(everythingIn(error)).not.toContain(CANARY);
  });

  test.each(["unavailable", "drop"] as const)(
    "that AWS is too busy for (%s) is asked for again later",
    async (kind) => {
      signIn.faults.set("CreateToken", { kind });
      const error = await brokerErrorOf(() => ours().createToken(newKey(), REFRESH, "eu-west-1"));
      expect(error.code).toBe("AwsUnreachable");
      expect(everythingIn(error)).not.toContain(CANARY);
    },
  );

  test.each([
    ["eu-west-1", "eu-west-1.signin.aws.amazon.com"],
    ["cn-north-1", "cn-north-1.signin.amazonaws.cn"],
    ["us-gov-west-1", "us-gov-west-1.signin.amazonaws-us-gov.com"],
    ["eusc-de-east-1", "eusc-de-east-1.signin.amazonaws-eusc.eu"],
  ])("of %s is asked for at %s, where the browser is sent too", async (region, host) => {
    const proxy = await RecordingProxy.start({ destination: { host: "127.0.0.1", port: 1 } });
    const client = ours({ HTTPS_PROXY: proxy.url });
    await brokerErrorOf(() => client.createToken(newKey(), REFRESH, region));
    expect(proxy.requests.map(({ target }) => target)).toEqual([`${host}:443`]);
    expect(new URL(await client.authorizeUrl({ state: "s" }, region)).origin).toBe(`https://${host}`);
    expect(await client.confirmationUrl(region)).toBe(`https://${host}/v1/sessions/confirmation`);
    await proxy.close();
  });
});
