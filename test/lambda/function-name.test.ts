import { describe, expect, test } from "vitest";
import { parseFunctionName } from "../../src/lambda/function-name.js";
import { brokerErrorOf } from "../support/broker-error-of.js";

const ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders";

describe("parseFunctionName", () => {
  test.each([
    ["orders", { reference: { functionName: "orders" }, name: "orders" }],
    ["Orders_api-2", { reference: { functionName: "Orders_api-2" }, name: "Orders_api-2" }],
    ["orders:live", { reference: { functionName: "orders", qualifier: "live" }, name: "orders" }],
    ["orders:17", { reference: { functionName: "orders", qualifier: "17" }, name: "orders" }],
    ["orders:$LATEST", { reference: { functionName: "orders", qualifier: "$LATEST" }, name: "orders" }],
    ["function", { reference: { functionName: "function" }, name: "function" }],
    ["constructor", { reference: { functionName: "constructor" }, name: "constructor" }],
  ])("a function may be given by its name: %s", (text, expected) => {
    expect(parseFunctionName(text)).toEqual(expected);
  });

  test.each([
    ["123456789012:function:orders", undefined],
    ["123456789012:function:orders:live", "live"],
  ])("a function may be given by a partial ARN: %s", (text, qualifier) => {
    expect(parseFunctionName(text)).toEqual({
      reference: { functionName: "123456789012:function:orders", ...(qualifier && { qualifier }) },
      name: "orders",
      accountId: "123456789012",
    });
  });

  test.each([
    ["aws", "eu-west-1"],
    ["aws-cn", "cn-northwest-1"],
    ["aws-us-gov", "us-gov-east-1"],
    ["aws-iso", "us-iso-east-1"],
    ["aws-iso-b", "us-isob-east-1"],
    ["aws-eusc", "eusc-de-east-1"],
  ])("a function may be given by its ARN, in partition %s", (partition, region) => {
    const arn = `arn:${partition}:lambda:${region}:123456789012:function:orders`;
    const parts = { name: "orders", partition, region, accountId: "123456789012" };

    expect(parseFunctionName(arn)).toEqual({ reference: { functionName: arn }, ...parts });
    expect(parseFunctionName(`${arn}:live`)).toEqual({ reference: { functionName: arn, qualifier: "live" }, ...parts });
  });

  test("by 64 characters, and by no more", async () => {
    expect(parseFunctionName("x".repeat(64)).name).toHaveLength(64);
    expect(await brokerErrorOf(() => parseFunctionName("x".repeat(65)))).toMatchObject({ code: "UsageInvalid" });
  });
});

test.each([
  "",
  " ",
  "orders ",
  "orders\n",
  "orders\nlive",
  ":live",
  "orders:",
  "orders:live:more",
  "orders:$FIRST",
  "../orders",
  "orders/configuration",
  "orders?Qualifier=1",
  "orders%2F",
  "órders",
  "orders@dev",
  "orders\u0000",
  "12345:function:orders",
  "arn:aws:lambda:eu-west-1:123456789012:function:",
  "arn:aws:lambda::123456789012:function:orders",
  "arn:aws:lambda:evil.example.com/#:123456789012:function:orders",
  "arn:aws:lambda:eu-west-1:123456789012:layer:orders",
  "arn:aws:iam::123456789012:role/orders",
  "arn:evil:lambda:eu-west-1:123456789012:function:orders",
  `${ARN}:live:more`,
  `x${ARN}`,
  "y".repeat(100_000),
])("%j names none, and the answer says what does", async (text) => {
  const error = await brokerErrorOf(() => parseFunctionName(text));

  expect(error).toMatchObject({ code: "UsageInvalid" });
  expect(error.hint).toContain("NAME:ALIAS");
  expect(error.message.length).toBeLessThan(300);
});
