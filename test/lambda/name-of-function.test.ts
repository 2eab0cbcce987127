import { afterEach, beforeEach, expect, test } from "vitest";
import { readFunction } from "../../src/lambda/function-reader.js";
import { nameOfFunction } from "../../src/lambda/name-of-function.js";
import type { Via } from "../../src/lambda/via.js";
import { ACCOUNT, type AwsFixture } from "../aws/aws-fixture.js";
import { FUNCTION_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

const arnIn = (region: string, account = ACCOUNT): string => `arn:aws:lambda:${region}:${account}:function:orders`;
const ORDERS = arnIn("eu-west-1");

let fixture: AwsFixture;
let via: Via;
beforeEach(async () => {
  const aliases = { live: "7" };
  const functions = [ORDERS, arnIn("us-east-1"), arnIn("eu-west-1", "999999999999")].map((arn) => ({
    ...{ arn, roleArn: FUNCTION_ROLE, aliases },
  }));
  fixture = await startLambdaFixture({}, { functions });
  via = await viaDev(fixture);
});
afterEach(() => fixture.fake.close());

async function named(functionText: string, by = via): Promise<string> {
  const read = await readFunction(fixture.lambda, by, functionText);
  return (await nameOfFunction(fixture.lambda, by, { functionText, read })).text;
}

test.each([
  "orders",
  "orders:$LATEST",
  "orders:live",
  "orders:7",
  `${ACCOUNT}:function:orders`,
  ORDERS,
  `${ORDERS}:live`,
])("%s is the function orders, where its code has the function's role", async (text) => {
  expect(await named(text)).toBe("orders");
});

test("the same name in another region or account is another function, whichever way it is named", async () => {
  const there = arnIn("us-east-1");
  expect(await named(there)).toBe(there);
  expect(await named("orders", { ...via, region: "us-east-1" })).toBe(there);
  const foreign = arnIn("eu-west-1", "999999999999");
  expect(await named(foreign)).toBe(foreign);
});

test("an alias whose code has another role has a name of its own, in one spelling", async () => {
  const { lambda } = fixture;
  const other: typeof lambda = {
    ...lambda,
    getFunctionConfiguration: async (signer, reference, region) => {
      const read = await lambda.getFunctionConfiguration(signer, reference, region);
      return reference.qualifier === undefined ? read : { ...read, roleArn: `${FUNCTION_ROLE}-live` };
    },
  };
  for (const functionText of ["orders:live", `${ORDERS}:live`]) {
    const read = await readFunction(other, via, functionText);
    expect(await nameOfFunction(other, via, { functionText, read })).toEqual({
      ...{ text: "orders:live", arn: `${ORDERS}:live` },
    });
  }
});

test("an alias has a name of its own where the function itself may not be read", async () => {
  const read = await readFunction(fixture.lambda, via, "orders:live");
  fixture.fake.faults.set("GetFunctionConfiguration", { kind: "deny", times: 1 });
  expect((await nameOfFunction(fixture.lambda, via, { functionText: "orders:live", read })).text).toBe("orders:live");
});
