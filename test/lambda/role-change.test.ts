import { expect, test } from "vitest";
import { type LambdaRoleDefinition, roleChange } from "../../src/lambda/lambda-role.js";
import { FUNCTION_ROLE } from "./lambda-fixture.js";

const read: LambdaRoleDefinition = {
  ...{ name: "lambda:orders@dev", functionName: "orders", functionRoleArn: FUNCTION_ROLE, via: "dev", mode: "assume" },
  ...{ functionArn: "arn:aws:lambda:eu-west-1:111111111111:function:orders", region: "eu-west-1" },
  policy: "{}",
  policyArns: ["arn:aws:iam::aws:policy/A"],
};

test("a function that is read for the first time, or as it was, has changed in nothing", () => {
  expect(roleChange(undefined, read)).toBeUndefined();
  expect(roleChange({ ...read }, read)).toBeUndefined();
});

test.each<[string, Partial<LambdaRoleDefinition>, string]>([
  ["another role", { functionRoleArn: `${FUNCTION_ROLE}-2` }, `${FUNCTION_ROLE}-2`],
  [
    "another function of the name",
    { functionArn: "arn:aws:lambda:us-east-1:111111111111:function:orders" },
    "us-east-1",
  ],
  ["another inline policy", { policy: "[]" }, "policies"],
  ["another managed policy", { policyArns: ["arn:aws:iam::aws:policy/B"] }, "policies"],
])("%s is told, and that leases follow it", (_name, change, told) => {
  expect(roleChange(read, { ...read, ...change })).toContain(told);
  expect(roleChange(read, { ...read, ...change })).toContain("leases on lambda:orders@dev follow");
});
