import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ReadFunction, readFunction, readFunctionRole } from "../../src/lambda/function-reader.js";
import { ACCOUNT, type AwsFixture, annSigns } from "../aws/aws-fixture.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { keysSource, sessionRole } from "../support/roles.js";
import { devRole, FUNCTION_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

const arnIn = (region: string): string => `arn:aws:lambda:${region}:${ACCOUNT}:function:orders`;

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startLambdaFixture(
    {},
    {
      functions: [
        { arn: arnIn("eu-west-1"), roleArn: FUNCTION_ROLE, variables: { TABLE: "orders" }, aliases: { live: "7" } },
        { arn: arnIn("us-east-2"), roleArn: FUNCTION_ROLE, isImage: true },
        { arn: arnIn("eu-north-1"), roleArn: FUNCTION_ROLE, isUndecryptable: true },
      ],
    },
  );
});
afterEach(() => fixture.fake.close());

const read = async (text: string): Promise<ReadFunction> => readFunction(fixture.lambda, await viaDev(fixture), text);

describe("a function", () => {
  test("is read with the credentials of via, in the region of via", async () => {
    expect(await read("orders:live")).toEqual({
      roleArn: FUNCTION_ROLE,
      isImage: false,
      context: {
        functionName: "orders",
        functionArn: `${arnIn("eu-west-1")}:live`,
        version: "7",
        region: "eu-west-1",
        memorySize: 256,
        timeout: 15,
        handler: "app.handler",
        runtime: "nodejs20.x",
        logGroup: "/aws/lambda/orders",
        logFormat: "Text",
        logLevel: null,
        layers: [],
        variables: { TABLE: "orders" },
      },
    });
    const { signer, region } = fixture.fake.lastOf("GetFunctionConfiguration");
    expect(region).toBe("eu-west-1");
    expect(signer.arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/dev/ann`);
  });

  test("is read in the region of its ARN, whatever that of via", async () => {
    expect(await read(arnIn("us-east-2"))).toMatchObject({
      isImage: true,
      context: { region: "us-east-2", handler: null, runtime: null },
    });
  });

  test("is read in the region that is asked for, of via's only where none is", async () => {
    const via = { ...(await viaDev(fixture)), region: "us-east-2" };

    expect(await readFunction(fixture.lambda, via, "orders")).toMatchObject({
      isImage: true,
      context: { region: "us-east-2" },
    });
    expect(await readFunction(fixture.lambda, via, arnIn("us-east-2"))).toMatchObject({ isImage: true });
    const error = await brokerErrorOf(() => readFunction(fixture.lambda, via, arnIn("eu-west-1")));
    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.message).toContain("--region us-east-2");
  });
});

test("a function's role can be known by a user who may not decrypt its variables; its code does not run without them", async () => {
  const via = await viaDev(fixture);

  expect(await readFunctionRole(fixture.lambda, via, arnIn("eu-north-1"))).toEqual({
    functionName: "orders",
    roleArn: FUNCTION_ROLE,
  });
  expect(await brokerErrorOf(() => read(arnIn("eu-north-1")))).toMatchObject({ code: "AccessDenied" });
});

describe("a function that cannot be read", () => {
  test("is refused where no region is known; the hint says where to name one", async () => {
    const via = { role: sessionRole(keysSource(), "bare"), signer: annSigns };

    const error = await brokerErrorOf(() => readFunction(fixture.lambda, via, "orders"));

    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.hint).toContain("bare");
    expect(fixture.fake.calls).toHaveLength(0);
  });

  test("is refused across partitions: AWS would only say that the key is not known", async () => {
    const arn = `arn:aws-cn:lambda:cn-north-1:${ACCOUNT}:function:orders`;
    const via = { role: devRole(), signer: annSigns };

    expect(await brokerErrorOf(() => readFunction(fixture.lambda, via, arn))).toMatchObject({ code: "UsageInvalid" });
    expect(fixture.fake.calls).toHaveLength(0);
  });

  test("is told with the region that was looked in where it does not exist", async () => {
    const error = await brokerErrorOf(() => read("gone"));

    expect(error).toMatchObject({ code: "NotFound" });
    expect(error.message).toContain("gone");
    expect(error.message).toContain("eu-west-1");
  });

  test("is told with what it was probably meant to be: a slip, or the end of a name that a tool has made", async () => {
    await fixture.fake.close();
    const named = ["orders", "shop-dev-billing", "other"].map((name) => ({
      ...{ arn: arnIn("eu-west-1").replace("orders", name), roleArn: FUNCTION_ROLE, aliases: { live: "7" } },
    }));
    fixture = await startLambdaFixture({}, { functions: named });

    expect((await brokerErrorOf(() => read("ordres"))).message).toContain("did you mean orders?");
    expect((await brokerErrorOf(() => read("billing"))).message).toContain("did you mean shop-dev-billing?");
    expect((await brokerErrorOf(() => read("nothing-like-it"))).message).not.toContain("did you mean");
    expect((await brokerErrorOf(() => read("orders:lives"))).message).toContain("orders in eu-west-1 has no lives");
    expect(fixture.fake.countOf("ListFunctions")).toBe(4);
  });

  test("is told as it is where the caller may not list functions, which are listed only when one was not found", async () => {
    fixture.fake.faults.set("ListFunctions", { kind: "deny" });

    const error = await brokerErrorOf(() => read("ordres"));
    await read("orders");

    expect(error).toMatchObject({ code: "NotFound", hint: expect.stringContaining("lambda list") as string });
    expect(error.message).not.toContain("did you mean");
    expect(fixture.fake.countOf("ListFunctions")).toBe(1);
  });

  test("is told with the permission that is missing", async () => {
    fixture.fake.faults.set("GetFunctionConfiguration", { kind: "deny" });

    expect(await brokerErrorOf(() => read("orders"))).toMatchObject({ code: "AccessDenied" });
  });

  test("is told with both accounts where another account may refuse", async () => {
    const error = await brokerErrorOf(() => read("999999999999:function:orders"));

    expect(error).toMatchObject({ code: "NotFound" });
    expect(error.message).toContain("999999999999");
    expect(error.message).toContain(ACCOUNT);
    expect(error.hint).toContain("999999999999");
  });
});
