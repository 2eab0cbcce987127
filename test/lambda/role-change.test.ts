import { expect, test } from "vitest";
import { type LambdaRoleDefinition, roleChange, type Workload } from "../../src/lambda/lambda-role.js";
import { FUNCTION_ROLE } from "./lambda-fixture.js";

function ordersOf(region: string): Workload {
  return { kind: "function", name: "orders", arn: `arn:aws:lambda:${region}:111111111111:function:orders` };
}

const read: LambdaRoleDefinition = {
  ...{ name: "lambda:orders@dev", roleArn: FUNCTION_ROLE, via: "dev", mode: "assume", region: "eu-west-1" },
  workload: ordersOf("eu-west-1"),
  policy: "{}",
  policyArns: ["arn:aws:iam::aws:policy/A"],
};

test("a function that is read for the first time, or as it was, has changed in nothing", () => {
  expect(roleChange(undefined, read)).toBeUndefined();
  expect(roleChange({ ...read }, read)).toBeUndefined();
});

test.each<[string, Partial<LambdaRoleDefinition>, string]>([
  ["another role", { roleArn: `${FUNCTION_ROLE}-2` }, `${FUNCTION_ROLE}-2`],
  ["another function of the name", { workload: ordersOf("us-east-1") }, "function orders is arn:aws:lambda:us-east-1"],
  ["another inline policy", { policy: "[]" }, "policies"],
  ["another managed policy", { policyArns: ["arn:aws:iam::aws:policy/B"] }, "policies"],
])("%s is told, and that leases follow it", (_name, change, told) => {
  expect(roleChange(read, { ...read, ...change })).toContain(told);
  expect(roleChange(read, { ...read, ...change })).toContain("leases on lambda:orders@dev follow");
});

test("of a task it is told as a task's", () => {
  const family = { kind: "task", name: "web", arn: "arn:aws:ecs:eu-west-1:111111111111:task-definition/web" } as const;
  const task = { ...read, name: "task:web@dev", workload: family };
  const told = roleChange(task, { ...task, roleArn: `${FUNCTION_ROLE}-2` });
  expect(told).toBe(
    `the role of task web is ${FUNCTION_ROLE}-2, and was ${FUNCTION_ROLE} when it was last read; leases on task:web@dev follow`,
  );
});
