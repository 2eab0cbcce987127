import { realpathSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tempDir } from "../support/temp-dir.js";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, FUNCTIONS, REGION, SAM_STACK, SERVICE_ROLE, VARIABLES } from "./deployment.js";

const NODE = "import process from 'node:process';\nprocess.stdout.write(JSON.stringify(process.env));\n";
const PYTHON = "import json, os\nprint(json.dumps(dict(os.environ)))\n";

let fixture: DeployedFixture;
let code: string;
beforeAll(async () => {
  code = realpathSync(tempDir("code", "input"));
  writeFileSync(join(code, "app.mjs"), NODE);
  writeFileSync(join(code, "app.py"), PYTHON);
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
}, 120_000);
afterAll(async () => fixture.close());

const PROGRAMS = [
  { program: ["node", "app.mjs"], deployed: FUNCTIONS.node, executionEnvironment: "AWS_Lambda_nodejs20.x" },
  { program: ["python3", "app.py"], deployed: FUNCTIONS.python, executionEnvironment: "AWS_Lambda_python3.12" },
];

describe.each(PROGRAMS)(
  "lambda exec FUNCTION -- $program.0 $program.1",
  ({ program, deployed, executionEnvironment }) => {
    it("has the function's own variables, Lambda's reserved ones, and a lease in place of keys", async () => {
      const outcome = await fixture.ctl(["lambda", "exec", deployed.name, "--via", "dev", "--", ...program], {
        cwd: code,
      });

      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      const env = JSON.parse(outcome.stdout) as Record<string, string>;
      expect(env).toMatchObject({
        ...VARIABLES,
        AWS_LAMBDA_FUNCTION_NAME: deployed.name,
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${deployed.name}`,
        AWS_EXECUTION_ENV: executionEnvironment,
        AWS_REGION: REGION,
        AWS_DEFAULT_REGION: REGION,
        LAMBDA_TASK_ROOT: code,
        _HANDLER: deployed.handler,
        TZ: ":UTC",
        AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/creds$/) as string,
      });
      expect(Object.keys(env).filter((name) => /^AWS_(ACCESS|SECRET|SESSION)/.test(name))).toEqual([]);
    });

    it("gives a program that insists on it what Lambda injects", async () => {
      const args = ["lambda", "exec", deployed.name, "--via", "dev", "--as", "static", "--"];

      const names = await fixture.ctl([...args, ...namesOf(program)], { cwd: code });

      const injected = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
      expect(JSON.parse(names.stdout)).toEqual(expect.arrayContaining(injected));
      expect(names.stdout).not.toContain("AWS_CONTAINER_");
    });
  },
);

/** The names alone: the values are keys. */
function namesOf([language]: readonly string[]): readonly string[] {
  if (language === "node") return ["node", "-p", "JSON.stringify(Object.keys(process.env))"];
  return ["python3", "-c", "import json, os; print(json.dumps(list(os.environ)))"];
}

describe("how a function is named", () => {
  const identity = ["--", process.execPath, resolve("test/clients/programs/identity.mjs")];
  const arn = (role: string, name: string): string => `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${name}`;

  it("by its ARN, and its own name is the session's", async () => {
    const { name } = FUNCTIONS.go;
    const functionArn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;

    const outcome = await fixture.ctl(["lambda", "exec", functionArn, "--via", "dev", ...identity]);

    expect(JSON.parse(outcome.stdout)).toMatchObject({ Arn: arn(SERVICE_ROLE, name) });
  });

  it("by the name that CloudFormation made for it", async () => {
    const [{ StackResources }] = (await fixture.callAws([
      ["cloudformation", "describe_stack_resources", { StackName: SAM_STACK }],
    ])) as [{ StackResources: { LogicalResourceId: string; PhysicalResourceId: string }[] }];
    const nameOf = (id: string): string =>
      StackResources.find(({ LogicalResourceId }) => LogicalResourceId === id)!.PhysicalResourceId;

    const outcome = await fixture.ctl(["lambda", "exec", nameOf("ApiFunction"), "--via", "dev", ...identity]);

    expect(nameOf("ApiFunction")).toMatch(/^sam-orders-/);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ Arn: arn(nameOf("ApiFunctionRole"), nameOf("ApiFunction")) });
  });
});
