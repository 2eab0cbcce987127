import { afterEach, beforeEach, expect, test } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { ACCOUNT, type AwsFixture, annSigns, REGION, startAwsFixture } from "./aws-fixture.js";

const FAMILY = `arn:aws:ecs:${REGION}:${ACCOUNT}:task-definition/web`;
const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/web-task`;

let fixture: AwsFixture;
beforeEach(async () => {
  const app = {
    name: "app",
    environment: [{ name: "TABLE", value: "orders" }],
    secrets: [{ name: "DB_PASSWORD", valueFrom: "arn:aws:ssm:eu-west-1:111111111111:parameter/db" }],
    environmentFiles: [{ value: "arn:aws:s3:::config/web.env", type: "s3" }],
  };
  const tasks = [
    { arn: `${FAMILY}:2`, roleArn: ROLE_ARN, containers: [app] },
    {
      ...{ arn: `${FAMILY}:11`, roleArn: ROLE_ARN, requiresCompatibilities: ["FARGATE"] },
      containers: [app, { name: "log", essential: false }],
    },
    { arn: `arn:aws:ecs:${REGION}:${ACCOUNT}:task-definition/bare:1`, containers: [{ name: "app" }] },
  ];
  fixture = await startAwsFixture({ tasks });
});
afterEach(() => fixture.fake.close());

test("a family is its newest revision, with what its containers are given, and no secret's value", async () => {
  expect(await fixture.ecs.describeTaskDefinition(annSigns, "web", REGION)).toEqual({
    ...{ arn: `${FAMILY}:11`, family: "web", revision: 11, taskRoleArn: ROLE_ARN, launchTypes: ["FARGATE"] },
    containers: [
      {
        ...{ name: "app", essential: true, variables: { TABLE: "orders" } },
        secrets: [{ name: "DB_PASSWORD", valueFrom: "arn:aws:ssm:eu-west-1:111111111111:parameter/db" }],
        environmentFiles: ["arn:aws:s3:::config/web.env"],
      },
      { name: "log", essential: false, variables: {}, secrets: [], environmentFiles: [] },
    ],
  });
});

test.each(["web:2", `${FAMILY}:2`])("%s is that revision", async (text) => {
  expect(await fixture.ecs.describeTaskDefinition(annSigns, text, REGION)).toMatchObject({ revision: 2 });
});

test("a task without a role of its own says so", async () => {
  expect(await fixture.ecs.describeTaskDefinition(annSigns, "bare", REGION)).toMatchObject({ taskRoleArn: null });
});

test("an unknown family is not found, and a refusal names the action", async () => {
  const describe = (): Promise<unknown> => fixture.ecs.describeTaskDefinition(annSigns, "nosuch", REGION);
  expect(await brokerErrorOf(describe)).toMatchObject({ code: "NotFound" });
  fixture.fake.faults.set("DescribeTaskDefinition", {
    ...{ kind: "refuse", code: "AccessDeniedException", message: "no" },
  });
  const error = await brokerErrorOf(describe);
  expect(error.code).toBe("AccessDenied");
  expect(error.message).toContain("ecs:DescribeTaskDefinition");
});

test.each(["html", "json", "empty", "truncated"] as const)("an answer that is %s is told as unusable", async (lie) => {
  fixture.fake.faults.set("DescribeTaskDefinition", { kind: "lie", lie });
  const error = await brokerErrorOf(() => fixture.ecs.describeTaskDefinition(annSigns, "web", REGION));
  expect(["AwsUnreachable", "InternalError"]).toContain(error.code);
});
