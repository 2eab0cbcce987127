import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Archive } from "../../src/aws/lambda.js";
import { Secret } from "../../src/core/secret.js";
import { ARCHIVE_SIGNATURE } from "../fakes/fake-aws/lambda-actions.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { ACCOUNT, type AwsFixture, annSigns, REGION, startAwsFixture } from "./aws-fixture.js";

const ORDERS = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:orders`;
const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/service-role/orders-role`;

const LAYER = `arn:aws:lambda:${REGION}:${ACCOUNT}:layer:shared:3`;
const CODE = Buffer.from("the code as an archive");

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture({
    functions: [
      {
        ...{ arn: ORDERS, roleArn: ROLE_ARN, variables: { TABLE: "orders", SECRET: CANARY }, aliases: { live: "7" } },
        ...{ layers: [LAYER], code: CODE },
      },
      { arn: `${ORDERS}-image`, roleArn: ROLE_ARN, isImage: true },
      { arn: `${ORDERS}-sealed`, roleArn: ROLE_ARN, isUndecryptable: true },
      { arn: "arn:aws:lambda:eu-west-1:999999999999:function:elsewhere", roleArn: ROLE_ARN },
    ],
    layers: [{ arn: LAYER, content: Buffer.from("the layer") }],
  });
});
afterEach(() => fixture.fake.close());

describe("listing functions", () => {
  const many = (count: number, region = REGION): { arn: string; roleArn: string; variables: { SECRET: string } }[] =>
    Array.from({ length: count }, (_, index) => ({
      arn: `arn:aws:lambda:${region}:${ACCOUNT}:function:f${index}`,
      roleArn: ROLE_ARN,
      variables: { SECRET: CANARY },
    }));

  async function withFunctions(count: number): Promise<void> {
    await fixture.fake.close();
    fixture = await startAwsFixture({ functions: [...many(count), ...many(3, "us-east-2")] });
  }

  test("gives all of the account in the region, by as many pages as it takes, and none of their variables", async () => {
    await withFunctions(120);

    const functions = await fixture.lambda.listFunctions(annSigns, REGION);

    expect(functions).toHaveLength(120);
    expect(functions[0]).toEqual({
      functionName: "f0",
      functionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:f0`,
      roleArn: ROLE_ARN,
      handler: "app.handler",
      runtime: "nodejs20.x",
      isImage: false,
      memorySize: 256,
      timeout: 15,
      lastModified: Date.UTC(2026, 10, 28, 10),
    });
    expect(fixture.fake.calls.map(({ params }) => params["Marker"])).toEqual([undefined, "50", "100"]);
    expect(JSON.stringify(functions)).not.toContain(CANARY);
  });

  test("asks for no page more than the caller wants", async () => {
    await withFunctions(120);

    const hasSixty = (found: readonly unknown[]): boolean => found.length >= 60;
    expect(await fixture.lambda.listFunctions(annSigns, REGION, { until: hasSixty })).toHaveLength(100);
    expect(await fixture.lambda.listFunctions(annSigns, REGION, { maxPages: 1 })).toHaveLength(50);
    expect(fixture.fake.countOf("ListFunctions")).toBe(3);
  });

  test("without permission is denied with the action that a policy must allow", async () => {
    fixture.fake.faults.set("ListFunctions", { kind: "deny" });

    const error = await brokerErrorOf(() => fixture.lambda.listFunctions(annSigns, REGION));

    expect(error).toMatchObject({
      code: "AccessDenied",
      hint: expect.stringContaining("lambda:ListFunctions") as string,
    });
  });
});

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
      layers: [LAYER],
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

describe("the code of a function", () => {
  const codeOf = async (functionName: string) =>
    (await fixture.lambda.getFunctionCode(annSigns, { functionName, qualifier: "live" }, REGION)).code as Archive;

  test("is an archive whose address is a secret, and comes in parts", async () => {
    const { lambda } = fixture;
    const found = await lambda.getFunctionCode(annSigns, { functionName: "orders", qualifier: "live" }, REGION);
    expect(found).toMatchObject({
      functionName: "orders",
      version: "7",
      layers: [LAYER],
      code: { bytes: CODE.length },
    });
    expect(JSON.stringify(found)).not.toContain(ARCHIVE_SIGNATURE);
    const code = await codeOf("orders");
    expect(code.sha256).toBe(createHash("sha256").update(CODE).digest("base64"));
    const parts = [
      await lambda.readArchive(code, { offset: 0, length: 9 }, REGION),
      await lambda.readArchive(code, { offset: 9, length: 900 }, REGION),
    ];
    expect(Buffer.concat(parts)).toEqual(CODE);
    const layer = await lambda.getLayer(annSigns, LAYER, REGION);
    expect(Buffer.from(await lambda.readArchive(layer, { offset: 4, length: 5 }, REGION)).toString()).toBe("layer");
    expect(fixture.fake.unauthenticated).toEqual([]);
  });

  test("of an image is its address in a registry", async () => {
    const { code } = await fixture.lambda.getFunctionCode(annSigns, { functionName: "orders-image" }, REGION);
    expect(code).toEqual({ imageUri: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/orders:1` });
  });

  test("that may not be fetched any more is told without the address", async () => {
    const code = await codeOf("orders");
    const stale = { ...code, location: new Secret(code.location.reveal().replace(ARCHIVE_SIGNATURE, "0")) };
    const error = await brokerErrorOf(() => fixture.lambda.readArchive(stale, { offset: 0, length: 9 }, REGION));
    expect(error).toMatchObject({ code: "AwsUnreachable", message: expect.stringContaining("403") as string });
    expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain("X-Amz");
  });

  test.each(["getFunctionCode", "getLayer"] as const)(
    "without permission is denied with the action (%s)",
    async (method) => {
      for (const action of ["GetFunction", "GetLayerVersion"]) fixture.fake.faults.set(action, { kind: "deny" });
      const { lambda } = fixture;
      const error = await brokerErrorOf(
        (): Promise<unknown> =>
          method === "getLayer"
            ? lambda.getLayer(annSigns, LAYER, REGION)
            : lambda.getFunctionCode(annSigns, { functionName: "orders" }, REGION),
      );
      expect(error).toMatchObject({ code: "AccessDenied" });
      expect(error.hint).toContain(method === "getLayer" ? "lambda:GetLayerVersion" : "lambda:GetFunction");
    },
  );
});
