import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DeployedFixture } from "../lambda-clients/deployed-fixture.js";
import { ACCOUNT, arn, FUNCTIONS, SERVICE_ROLE } from "../lambda-clients/deployment.js";
import { tempDir } from "../support/temp-dir.js";
import { KINDS, NODE_FUNCTIONS, PYTHON_PROGRAMS } from "./kinds.js";

/** Of each kind of function: it answers what it should, and who signed its calls is read at AWS, from their keys. */
const GREETING = { Name: "/orders/greeting", Value: "hello", Type: "String" };
const PROGRAMS = `${PYTHON_PROGRAMS}:${resolve(".venv/bin")}`;

let fixture: DeployedFixture;
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
  await fixture.callAws([["ssm", "put_parameter", GREETING]]);
}, 120_000);
afterAll(async () => fixture.close());

it.each(KINDS)("$name", async ({ name, deployed, taskRoot, event, flags = [], command = [], answers, ...more }) => {
  const functionName = FUNCTIONS[deployed].name;
  const options = ["--via", "dev", "--timeout", "60", "--event", "-", ...flags];
  const rest = command.length === 0 ? [] : ["--", ...command];

  const outcome = await fixture.ctl(["lambda", "invoke", functionName, ...options, ...rest], {
    ...{ label: name, cwd: taskRoot, programs: PROGRAMS, input: JSON.stringify(event) },
  });

  expect(outcome).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(more.logs ?? "REPORT RequestId: ") as string,
  });
  expect(bodyOf(outcome.stdout, more.status)).toEqual({ ...answers, arn: sessionArn(functionName) });
  expectRole(name);
});

it("lambda-local, within `lambda exec`", async () => {
  const { name } = FUNCTIONS.node;
  const event = join(tempDir("event"), "event.json");
  writeFileSync(event, JSON.stringify({ order: 7 }));
  const program = [process.execPath, "node_modules/lambda-local/build/cli.js", "-l", "common.cjs", "-h", "handler"];

  const outcome = await fixture.ctl(["lambda", "exec", name, "--via", "dev", "--", ...program, "-e", event], {
    ...{ label: "lambda-local", cwd: NODE_FUNCTIONS },
  });

  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.stdout + outcome.stderr).toContain(`"arn": "${sessionArn(name)}"`);
  expectRole("lambda-local");
});

function sessionArn(functionName: string): string {
  return `arn:aws:sts::${ACCOUNT}:assumed-role/${SERVICE_ROLE}/${functionName}`;
}

/** Every call of it was signed with keys that were handed out for the function's role. */
function expectRole(label: string): void {
  const keys = fixture.proxy.keysOf(label);
  expect(keys).not.toEqual([]);
  expect(keys.map((key) => fixture.proxy.roleOf(key))).toEqual(keys.map(() => arn(SERVICE_ROLE)));
}

/** What was answered; of an answer to HTTP, whose status is checked, its body. */
function bodyOf(stdout: string, status: number | undefined): unknown {
  const answer = JSON.parse(stdout) as { statusCode?: number; body?: string; isBase64Encoded?: boolean };
  if (status === undefined) return answer;
  expect(answer.statusCode).toBe(status);
  const encoding = answer.isBase64Encoded === true ? "base64" : "utf8";
  return JSON.parse(Buffer.from(answer.body ?? "", encoding).toString());
}
