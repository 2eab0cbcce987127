import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { ACCOUNT, type AwsFixture, annSigns, REGION, startAwsFixture } from "./aws-fixture.js";

const ORDERS = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:orders`;
const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/service-role/orders-role`;

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture({
    functions: [
      { arn: ORDERS, roleArn: ROLE_ARN, variables: { TABLE: "orders", SECRET: CANARY }, aliases: { live: "7" } },
      { arn: `${ORDERS}-image`, roleArn: ROLE_ARN, isImage: true },
      { arn: `${ORDERS}-sealed`, roleArn: ROLE_ARN, isUndecryptable: true },
      { arn: "arn:aws:lambda:eu-west-1:999999999999:function:elsewhere", roleArn: ROLE_ARN },
    ],
  });
});
afterEach(() => fixture.fake.close());

describe("reading a function", () => {
  test("by its name gives what running its code elsewhere needs", async () => {
    expect(await fixture.lambda.getFunctionConfiguration(annSigns, { functionName: "orders" }, REGION)).toEqual({
      functionName: "orders",
      functionArn: ORDERS,
      version: "$LATEST",
      roleArn: ROLE_ARN,
      memorySize: 256,
      timeout: 15,
      handler: "app.handler",
      runtime: "nodejs20.x",
      logGroup: "/aws/lambda/orders",
      logFormat: "Text",
      logLevel: null,
      isImage: false,
      variables: { TABLE: "orders", SECRET: CANARY },
    });
  });

  test.each([
    ["an alias", "live", "7"],
    ["a version", "7", "7"],
    ["$LATEST", "$LATEST", "$LATEST"],
  ])("%s gives its version, and the ARN as it was asked for", async (_name, qualifier, version) => {
    const reference = { functionName: "orders", qualifier };

    expect(await fixture.lambda.getFunctionConfiguration(annSigns, reference, REGION)).toMatchObject({
      functionArn: `${ORDERS}:${qualifier}`,
      version,
    });
  });

  test("an ARN or partial ARN is sent as it is, and signed so that Lambda accepts it", async () => {
    for (const functionName of [ORDERS, `${ACCOUNT}:function:orders`]) {
      expect(await fixture.lambda.getFunctionConfiguration(annSigns, { functionName }, REGION)).toMatchObject({
        functionArn: ORDERS,
      });
      expect(fixture.fake.lastOf("GetFunctionConfiguration").params).toMatchObject({ FunctionName: functionName });
    }
    expect(fixture.fake.unauthenticated).toEqual([]);
  });

  test("of an image says so, and has neither handler nor runtime", async () => {
    expect(
      await fixture.lambda.getFunctionConfiguration(annSigns, { functionName: "orders-image" }, REGION),
    ).toMatchObject({ isImage: true, handler: null, runtime: null, variables: {}, roleArn: ROLE_ARN });
  });

  test("one that does not exist is not found, by its name", async () => {
    const error = await brokerErrorOf(() =>
      fixture.lambda.getFunctionConfiguration(annSigns, { functionName: "gone", qualifier: "live" }, REGION),
    );

    expect(error).toMatchObject({ code: "NotFound" });
    expect(error.message).toContain("gone:live");
  });

  test("without permission is denied with the action that a policy must allow", async () => {
    fixture.fake.faults.set("GetFunctionConfiguration", { kind: "deny" });

    const error = await brokerErrorOf(() =>
      fixture.lambda.getFunctionConfiguration(annSigns, { functionName: "orders" }, REGION),
    );

    expect(error).toMatchObject({ code: "AccessDenied" });
    expect(error.hint).toContain("lambda:GetFunctionConfiguration");
  });

  test("whose variables may not be decrypted says so beside all the rest, and names kms:Decrypt", async () => {
    const { roleArn, variables, variablesRefused } = await fixture.lambda.getFunctionConfiguration(
      annSigns,
      { functionName: "orders-sealed" },
      REGION,
    );

    expect([roleArn, variables]).toEqual([ROLE_ARN, {}]);
    expect(variablesRefused).toMatchObject({ code: "AccessDenied" });
    expect(variablesRefused?.message).toContain("orders-sealed");
    expect(variablesRefused?.hint).toContain("kms:Decrypt");
  });

  test.each([
    ["throttled", { kind: "throttle" }],
    ["down", { kind: "unavailable" }],
    ["behind a portal", { kind: "portal" }],
    ["lying with a page", { kind: "lie", lie: "html" }],
    ["answering nothing", { kind: "lie", lie: "empty" }],
    ["answering a half", { kind: "lie", lie: "truncated" }],
  ] as const)("from a Lambda that is %s may work later", async (_name, fault) => {
    fixture.fake.faults.set("GetFunctionConfiguration", fault);

    expect(
      await brokerErrorOf(() => fixture.lambda.getFunctionConfiguration(annSigns, { functionName: "orders" }, REGION)),
    ).toMatchObject({ code: "AwsUnreachable" });
  });
});
