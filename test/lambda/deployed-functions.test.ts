import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { narrowRole } from "../../src/credentials/narrow-role.js";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { createDeployedFunctions, type DeployedFunctions } from "../../src/lambda/deployed-functions.js";
import { LambdaRoles } from "../../src/lambda/lambda-roles.js";
import { ACCOUNT, type AwsFixture } from "../aws/aws-fixture.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";
import { DEV_ROLE, FUNCTION_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

const ORDERS = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`;
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }],
});

let fixture: AwsFixture;
let fileSystem: RecordingFileSystem;
let path: string;
beforeEach(async () => {
  const functions = [{ arn: ORDERS, roleArn: FUNCTION_ROLE, variables: { TABLE: "orders" } }];
  fixture = await startLambdaFixture({ inline: { read: POLICY } }, { functions });
  fileSystem = new RecordingFileSystem();
  path = join(tempDir("deployed"), "lambda-roles.json");
});
afterEach(() => fixture.fake.close());

function rolesOnDisk(): LambdaRoles {
  const writeAtomic = (to: string, data: Uint8Array): Promise<void> => writeFileAtomic(fileSystem, to, data);
  return new LambdaRoles({ path, writeAtomic, clock: new FakeClock() });
}

function functions(roles = rolesOnDisk()): DeployedFunctions {
  const { lambda, cloudFormation, iamRoles, sts } = fixture;
  const clock = new FakeClock();
  const shared = { lambda, cloudFormation, iamRoles, sts, clock, user: "ann", narrow: narrowRole };
  return createDeployedFunctions({ ...shared, roles });
}

describe("the role that a function's code gets here", () => {
  test("is the function's own, by via, and outlives the daemon once it is answered", async () => {
    const made = await functions().makeRole(await viaDev(fixture), "orders", "assume");

    expect(made).toMatchObject({
      roleArn: FUNCTION_ROLE,
      context: { functionName: "orders", variables: { TABLE: "orders" } },
      role: { name: "lambda:orders@dev", assume: { roleArn: FUNCTION_ROLE } },
      change: undefined,
    });
    const next = rolesOnDisk();
    await next.load();
    expect(next.get("lambda:orders@dev")).toEqual({
      ...{ name: "lambda:orders@dev", workload: { kind: "function", name: "orders", arn: ORDERS } },
      ...{ roleArn: FUNCTION_ROLE, via: "dev", mode: "assume", region: "eu-west-1" },
    });
  });

  test("is not answered where its definition could not be kept", async () => {
    fileSystem.fail("create", systemError("ENOSPC", -28));
    const made = functions().makeRole(await viaDev(fixture), "orders", "assume");

    expect((await brokerErrorOf(() => made)).message).toContain("lambda-roles.json");
  });

  test("is via's, narrowed by the policies of the function's role, where that is asked for", async () => {
    const made = await functions().makeRole(await viaDev(fixture), "orders", "session-policy");

    expect(made.role).toMatchObject({ name: "lambda:orders@dev+session-policy", assume: { roleArn: DEV_ROLE } });
    expect(made.role.assume?.policy).toContain("s3:GetObject");
    expect(made.notes).toEqual([
      expect.stringContaining("effective permissions = role dev AND the function role's policies") as string,
    ]);
  });

  test("comes with one note where it is narrowed, and else with none", async () => {
    const { notes } = await functions().makeRole(await viaDev(fixture), "orders", "assume");

    expect(notes).toEqual([]);
  });

  test("that is another one since the function was last read is told, and one that is the same is not", async () => {
    const via = await viaDev(fixture);
    const roles = rolesOnDisk();
    const first = await functions(roles).makeRole(via, "orders", "session-policy");
    const same = await functions(roles).makeRole(via, "orders", "session-policy");
    Object.assign(fixture.fake.role(FUNCTION_ROLE)!, { inline: { read: POLICY.replace("GetObject", "PutObject") } });
    const changed = await functions(roles).makeRole(via, "orders", "session-policy");

    expect([first.change, same.change]).toEqual([undefined, undefined]);
    expect(changed.change).toBeDefined();
  });
});

test("trust is shown, applied and undone for the role of the function that is named", async () => {
  const via = await viaDev(fixture);
  const deployed = functions();

  expect(await deployed.trust(via, "orders", { action: "show" })).toMatchObject({
    roleArn: FUNCTION_ROLE,
    isPresent: false,
  });
  expect(await deployed.trust(via, "orders", { action: "apply" })).toMatchObject({ isPresent: true, changed: true });
  expect(await deployed.trust(via, "orders", { action: "undo" })).toMatchObject({ isPresent: false, changed: true });
});
