import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import type { Credentials } from "../../src/core/credentials.js";
import { Secret } from "../../src/core/secret.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import type { Principal } from "../fakes/fake-aws/principals.js";
import { type FakeSignIn, startFakeSignIn } from "../fakes/fake-sign-in/fake-sign-in.js";
import { RecordingProxy } from "../fakes/proxy.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { everythingIn } from "./identity-center-fixture.js";

const ARN = "arn:aws:iam::111111111111:role/dev";
const PAGE = { homeRegion: "eu-west-1", region: "eu-west-1" };
const HOUR = 3_600_000;

let clock: FakeClock;
let aws: FakeAws;
let signIn: FakeSignIn;

beforeEach(async () => {
  clock = new FakeClock();
  aws = await startFakeAws({ users: [], clock });
  signIn = await startFakeSignIn({ aws, clock });
});

afterEach(async () => {
  await signIn.close();
  await aws.close();
});

function ours(variables: Record<string, string> = { AWS_ENDPOINT_URL_SIGNIN: signIn.url }): Aws["signIn"] {
  return createAws({ environment: awsEnvironment(variables), logger: memoryLogger(), clock }).signIn;
}

function credentials(principal: Principal = aws.openRole(ARN, "me", clock.now() + HOUR)): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken = "", expiration = 0 } = principal;
  return {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: new Secret(sessionToken),
    expiration,
  };
}

describe("the console's sign-in", () => {
  test("is a URL that leads a browser to the page, signed in", async () => {
    const url = await ours().federate(credentials(), { ...PAGE, service: "ddb" });
    const answer = await fetch(url.reveal(), { redirect: "manual" });
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toBe(
      "https://eu-west-1.console.aws.amazon.com/dynamodbv2/home?region=eu-west-1",
    );
    expect(signIn.lastOf("getSigninToken").params).not.toHaveProperty("SessionDuration");
  });

  test("asks for the duration that it is given, and for none of a chained role", async () => {
    await ours().federate(credentials(), { ...PAGE, sessionSeconds: 1800 });
    expect(signIn.lastOf("getSigninToken").params["SessionDuration"]).toBe("1800");
    const chained = credentials(aws.openRole(ARN, "me", clock.now() + HOUR, true));
    await ours().federate(chained, PAGE);
    const refused = await brokerErrorOf(() => ours().federate(chained, { ...PAGE, sessionSeconds: 1800 }));
    expect(refused).toMatchObject({ code: "AccessDenied" });
  });

  test.each<[string, () => unknown]>([
    [
      "credentials that AWS does not know",
      () => aws.deactivate(signIn.lastOf("getSigninToken").params["Session"] ?? ""),
    ],
    ["a page in place of JSON", () => signIn.faults.set("getSigninToken", { kind: "body", text: `<p>${CANARY}</p>` })],
    ["an answer without a token", () => signIn.faults.set("getSigninToken", { kind: "body", text: "{}" })],
    [
      "a token that no URL takes",
      () => signIn.faults.set("getSigninToken", { kind: "body", text: '{"SigninToken":"a b"}' }),
    ],
    ["a busy service", () => signIn.faults.set("getSigninToken", { kind: "unavailable" })],
    ["a connection that ends", () => signIn.faults.set("getSigninToken", { kind: "drop" })],
  ])("fails with %s, and the error holds no credential", async (what, goWrong) => {
    const wrong = what.startsWith("credentials")
      ? { ...credentials(), sessionToken: new Secret(`x${CANARY}`) }
      : credentials();
    if (!what.startsWith("credentials")) goWrong();
    const error = await brokerErrorOf(() => ours().federate(wrong, PAGE));
    expect(error.code).toBe(what.startsWith("credentials") ? "AccessDenied" : "AwsUnreachable");
    const seen = everythingIn(error);
    expect(seen).not.toContain(CANARY);
    expect(seen).not.toContain("sessionKey");
    expect(seen).not.toContain(wrong.accessKeyId);
  });
});

describe("a page of the console", () => {
  test.each([
    ["eu-west-1", "s3", "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"],
    [
      "us-gov-east-1",
      undefined,
      "https://us-gov-east-1.console.amazonaws-us-gov.com/console/home?region=us-gov-east-1",
    ],
    ["cn-north-1", "ec2", "https://cn-north-1.console.amazonaws.cn/ec2/home?region=cn-north-1"],
    ["eusc-de-east-1", "iam", "https://eusc-de-east-1.console.amazonaws-eusc.eu/iam/home?region=eusc-de-east-1"],
    ["us-iso-east-1", "s3", "https://us-iso-east-1.console.c2shome.ic.gov/s3/home?region=us-iso-east-1"],
  ])("in %s is at its partition's address, also with an endpoint of the environment", async (region, service, url) => {
    expect(await ours().consoleUrl({ homeRegion: region, region, service })).toBe(url);
    expect(await ours({}).consoleUrl({ homeRegion: region, region, service })).toBe(url);
  });

  test.each(["../x", "s3?a=b", "s3#x", "@evil.example", "//evil.example", "S3", "a//b", ""])(
    "of '%s' is refused",
    async (service) => {
      expect(await brokerErrorOf(() => ours().consoleUrl({ ...PAGE, service }))).toMatchObject({
        code: "UsageInvalid",
      });
    },
  );

  test("in a region of another partition is refused", async () => {
    const error = await brokerErrorOf(() => ours({}).consoleUrl({ homeRegion: "eu-west-1", region: "us-gov-west-1" }));
    expect(error).toMatchObject({ code: "UsageInvalid", hint: "--region eu-west-1" });
  });
});

describe("the federation endpoint without one in the environment", () => {
  test.each([
    ["eu-west-1", "aws.amazon.com"],
    ["us-gov-west-1", "amazonaws-us-gov.com"],
    ["cn-northwest-1", "amazonaws.cn"],
    ["eusc-de-east-1", "amazonaws-eusc.eu"],
  ])("of %s is the region's own at %s", async (region, domain) => {
    const proxy = await RecordingProxy.start({ destination: { host: "127.0.0.1", port: 1 } });
    const page = { homeRegion: region, region };
    await brokerErrorOf(() => ours({ HTTPS_PROXY: proxy.url }).federate(credentials(), page));
    expect(proxy.requests.map(({ target }) => target)).toEqual([`${region}.signin.${domain}:443`]);
    await proxy.close();
  });
});
