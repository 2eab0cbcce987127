import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { createDeployedTasks, type DeployedTasks } from "../../src/lambda/deployed-tasks.js";
import { LambdaRoles } from "../../src/lambda/lambda-roles.js";
import { parseTaskName } from "../../src/lambda/task-name.js";
import { ACCOUNT, type AwsFixture } from "../aws/aws-fixture.js";
import { RecordingFileSystem } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";
import { DEV_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

const arnOf = (name: string, region = "eu-west-1"): string =>
  `arn:aws:ecs:${region}:${ACCOUNT}:task-definition/${name}`;
const TASK_ROLE = `arn:aws:iam::${ACCOUNT}:role/web-task`;
const TRUSTS_ECS = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ecs-tasks.amazonaws.com" }, Action: "sts:AssumeRole" }],
};
const container = (name: string, more: object = {}): object => ({ name, ...more });

let fixture: AwsFixture;
let roles: LambdaRoles;
let tasks: DeployedTasks;
beforeEach(async () => {
  const secrets = [{ name: "DB_PASSWORD", valueFrom: "db" }];
  const app = container("app", { environment: [{ name: "TABLE", value: "orders" }], secrets });
  fixture = await startLambdaFixture(
    {},
    {
      roles: [{ arn: TASK_ROLE, trustPolicy: JSON.stringify(TRUSTS_ECS) }],
      tasks: [
        { arn: arnOf("web:3"), roleArn: TASK_ROLE, containers: [app], requiresCompatibilities: ["EC2", "FARGATE"] },
        { arn: arnOf("web:2"), roleArn: `${TASK_ROLE}-old`, containers: [app] },
        { arn: arnOf("web:9", "us-east-1"), roleArn: TASK_ROLE, containers: [app] },
        { arn: arnOf("side:1"), roleArn: TASK_ROLE, containers: [app, container("log", { essential: false })] },
        { arn: arnOf("two:1"), roleArn: TASK_ROLE, containers: [app, container("worker")] },
        { arn: arnOf("bare:1"), containers: [app] },
      ],
    },
  );
  const fileSystem = new RecordingFileSystem();
  const writeAtomic = (to: string, data: Uint8Array): Promise<void> => writeFileAtomic(fileSystem, to, data);
  const clock = new FakeClock();
  roles = new LambdaRoles({ path: join(tempDir("tasks"), "lambda-roles.json"), writeAtomic, clock });
  const { ecs, iamRoles, sts } = fixture;
  tasks = createDeployedTasks({ ecs, iamRoles, sts, clock, roles, user: "ann" });
});
afterEach(() => fixture.fake.close());

describe("the role that a task's code gets here", () => {
  test("is the task's own, by via, in sessions that are called as its family", async () => {
    const made = await tasks.makeRole(await viaDev(fixture), "web", null);

    expect(made).toMatchObject({
      roleArn: TASK_ROLE,
      role: { name: "task:web@dev", assume: { roleArn: TASK_ROLE, roleSessionName: "web" } },
      context: {
        ...{ family: "web", revision: 3, container: "app", launchType: "FARGATE", variables: { TABLE: "orders" } },
        secrets: [{ name: "DB_PASSWORD", valueFrom: "db" }],
      },
    });
    expect(roles.get("task:web@dev")).toMatchObject({
      ...{ workload: { kind: "task", name: "web", arn: arnOf("web") }, roleArn: TASK_ROLE },
    });
  });

  test("is one for its ARN too, and another for a revision, and for the same family elsewhere", async () => {
    const via = await viaDev(fixture);
    const nameOf = async (text: string, by = via): Promise<string> =>
      (await tasks.makeRole(by, text, null)).role.name.replace(/@dev$/, "");

    expect(await nameOf(arnOf("web"))).toBe("task:web");
    expect(await nameOf("web:2")).toBe("task:web:2");
    expect(await nameOf(arnOf("web:2"))).toBe("task:web:2");
    expect(await nameOf("web", { ...via, region: "us-east-1" })).toBe(`task:${arnOf("web", "us-east-1")}`);
  });

  test("that is another since the family was last read is told", async () => {
    const via = await viaDev(fixture);
    await roles.put({
      ...{ name: "task:web@dev", workload: { kind: "task", name: "web", arn: arnOf("web") } },
      ...{ roleArn: `${TASK_ROLE}-old`, via: "dev", mode: "assume", region: "eu-west-1" },
    });
    expect((await tasks.makeRole(via, "web", null)).change).toContain("leases on task:web@dev follow");
  });
});

describe("which container runs", () => {
  test("is the only one that the task ends with, where there are several", async () => {
    const { context } = await tasks.makeRole(await viaDev(fixture), "side", null);
    expect([context.container, context.containers]).toEqual(["app", ["app", "log"]]);
  });

  test("is the one that is named", async () => {
    expect((await tasks.makeRole(await viaDev(fixture), "two", "worker")).context).toMatchObject({
      ...{ container: "worker", variables: {}, secrets: [] },
    });
  });

  test.each([
    ["two", null, "has several containers: app (essential), worker (essential)"],
    ["side", "api", "has no container api: app (essential), log"],
  ])("is asked for, with those that there are: %s, %s", async (family, named, said) => {
    const via = await viaDev(fixture);
    const error = await brokerErrorOf(() => tasks.makeRole(via, family, named));
    expect([error.code, error.message]).toEqual(["UsageInvalid", expect.stringContaining(said)]);
  });
});

test("trust is applied and undone for the task's role, for sessions of its family", async () => {
  const via = await viaDev(fixture);
  const { statement } = await tasks.trust(via, "web", { action: "apply", ownSession: true });
  expect(JSON.parse(statement)).toMatchObject({
    Principal: { AWS: DEV_ROLE },
    Condition: { StringEquals: { "sts:RoleSessionName": "web" } },
  });
  const { role } = await tasks.makeRole(via, "web", null);
  const { assumedRoleArn } = await fixture.sts.assumeRole(via.signer, role.assume!, role.stsRegion);
  expect(assumedRoleArn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/web-task/web`);
  await tasks.trust(via, "web", { action: "undo" });
  expect(JSON.parse(fixture.fake.role(TASK_ROLE)?.trustPolicy ?? "")).toEqual(TRUSTS_ECS);
});

test("a task without a role of its own, and one that is not there, are told", async () => {
  const via = await viaDev(fixture);
  expect(await brokerErrorOf(() => tasks.makeRole(via, "bare", null))).toMatchObject({ code: "NotSupported" });
  const missing = await brokerErrorOf(() => tasks.makeRole(via, "nosuch", null));
  expect([missing.code, missing.message]).toEqual(["NotFound", expect.stringContaining("nosuch in eu-west-1")]);
});

test.each([
  "",
  "a b",
  "web:0",
  "web:latest",
  "arn:aws:ecs:eu-west-1:1:task-definition/web",
  "arn:aws:lambda:eu-west-1:111111111111:function:web",
])("%j names no task definition", async (text) => {
  expect(await brokerErrorOf(() => parseTaskName(text))).toMatchObject({ code: "UsageInvalid" });
});
