import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { Secret } from "../../src/core/secret.js";
import { SystemClock } from "../../src/system/clock.js";
import { RecordingProxy } from "../fakes/proxy.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { memoryLogger } from "../support/memory-logger.js";
import { annSigns } from "./aws-fixture.js";

/** Leads nowhere, and remembers which hosts were asked for. */
let proxy: RecordingProxy;
beforeEach(async () => {
  proxy = await RecordingProxy.start({ destination: { host: "127.0.0.1", port: 1 } });
});
afterEach(() => proxy.close());

function aws(variables: Record<string, string> = {}): Aws {
  const environment = awsEnvironment({ HTTPS_PROXY: proxy.url, ...variables });
  return createAws({ environment, logger: memoryLogger(), clock: new SystemClock() });
}

async function hostCalled(call: () => Promise<unknown>): Promise<string | undefined> {
  const error = await brokerErrorOf(call);
  expect(error).toMatchObject({ code: "AwsUnreachable" });
  return proxy.requests.at(-1)?.target;
}

describe("without custom endpoints", () => {
  test.each([
    ["us-east-1", "sts.us-east-1.amazonaws.com"],
    ["eu-west-1", "sts.eu-west-1.amazonaws.com"],
    ["af-south-1", "sts.af-south-1.amazonaws.com"],
    ["cn-north-1", "sts.cn-north-1.amazonaws.com.cn"],
    ["us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"],
    ["us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"],
    ["eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"],
  ])("STS of %s is called in its region and partition", async (region, host) => {
    expect(await hostCalled(() => aws().sts.getCallerIdentity(annSigns, region))).toBe(`${host}:443`);
  });

  test.each([
    ["eu-west-1", "iam.amazonaws.com"],
    ["cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn"],
    ["us-gov-east-1", "iam.us-gov.amazonaws.com"],
    ["us-iso-west-1", "iam.us-iso-east-1.c2s.ic.gov"],
    ["eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu"],
  ])("IAM of %s is called in its partition", async (region, host) => {
    expect(await hostCalled(() => aws().iam.listAccessKeys(annSigns, region))).toBe(`${host}:443`);
  });

  test.each([
    ["eu-west-1", "lambda.eu-west-1.amazonaws.com"],
    ["cn-northwest-1", "lambda.cn-northwest-1.amazonaws.com.cn"],
    ["us-gov-east-1", "lambda.us-gov-east-1.amazonaws.com"],
    ["us-isob-east-1", "lambda.us-isob-east-1.sc2s.sgov.gov"],
    ["eusc-de-east-1", "lambda.eusc-de-east-1.amazonaws.eu"],
  ])("Lambda of %s is called in its region", async (region, host) => {
    const orders = { functionName: "orders" };

    expect(await hostCalled(() => aws().lambda.getFunctionConfiguration(annSigns, orders, region))).toBe(`${host}:443`);
  });

  test.each([
    ["eu-west-1", "portal.sso.eu-west-1.amazonaws.com"],
    ["us-gov-east-1", "portal.sso.us-gov-east-1.amazonaws.com"],
    ["eusc-de-east-1", "portal.sso.eusc-de-east-1.amazonaws.eu"],
    ["us-isof-south-1", "portal.sso.us-isof-south-1.csp.hci.ic.gov"],
  ])("the portal of %s is called in its region and partition", async (region, host) => {
    const token = new Secret(`${CANARY}-sso-token`);

    expect(await hostCalled(() => aws().sso.listAccounts(token, {}, region))).toBe(`${host}:443`);
  });

  test.each([
    ["AWS_USE_FIPS_ENDPOINT", "us-east-1", "sts-fips.us-east-1.amazonaws.com"],
    ["AWS_USE_DUALSTACK_ENDPOINT", "eu-west-1", "sts.eu-west-1.api.aws"],
  ])("the variable %s chooses the variant of an endpoint", async (variable, region, host) => {
    const { sts } = aws({ [variable]: "true" });

    expect(await hostCalled(() => sts.getCallerIdentity(annSigns, region))).toBe(`${host}:443`);
  });

  test("FIPS and dual stack are chosen together", async () => {
    const { sts } = aws({ AWS_USE_FIPS_ENDPOINT: "true", AWS_USE_DUALSTACK_ENDPOINT: "true" });

    expect(await hostCalled(() => sts.getCallerIdentity(annSigns, "us-east-1"))).toBe("sts-fips.us-east-1.api.aws:443");
  });
});

describe("with custom endpoints", () => {
  test("each service goes to its own", async () => {
    const { sts, iam } = aws({
      AWS_ENDPOINT_URL: "https://everything.example.com/base",
      AWS_ENDPOINT_URL_STS: "https://sts.example.com:8443",
    });

    expect(await hostCalled(() => sts.getCallerIdentity(annSigns, "eu-west-1"))).toBe("sts.example.com:8443");
    expect(await hostCalled(() => iam.listAccessKeys(annSigns, "eu-west-1"))).toBe("everything.example.com:443");
  });
});
