import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { BROKERCTL } from "../support/brokerctl.js";
import { canarySecretKey } from "../support/canaries.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/orders-role`;
const LET_IN = { Effect: "Allow", Principal: { AWS: roleArn("dev") }, Action: "sts:AssumeRole" };
const VARIABLES = { TABLE: "orders", PASSWORD: canarySecretKey("deployed"), EXTRA: "x" };
const GENERATED = "shop-Orders12AB34CD-9Z8Y7X";

let aws: FakeAws;
let broker: TestBroker;
let template: string;

beforeEach(async () => {
  const { roles = [], ...options } = awsOptions();
  const named = (name: string, region = "eu-west-1"): string => `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
  aws = await startFakeAws({
    ...options,
    roles: [...roles, { arn: ROLE, trustPolicy: JSON.stringify({ Version: "2012-10-17", Statement: [LET_IN] }) }],
    functions: [named("shop-dev-orders"), named("shop-prod-orders", "us-east-2"), named(GENERATED)].map((arn) => ({
      ...{ arn, roleArn: ROLE, variables: VARIABLES },
    })),
    stacks: [
      {
        ...{ name: "shop", account: ACCOUNT, region: "eu-west-1" },
        resources: [{ logicalId: "Orders12AB34CD", physicalId: GENERATED, type: "AWS::Lambda::Function" }],
      },
    ],
  });
  template = join(tempDir("template", "input"), "serverless.yml");
  writeFileSync(template, "service: shop\nprovider: { stage: dev }\nfunctions: { orders: { handler: a.b } }\n");
  broker = await TestBroker.create({ name: "names", config: ROLES_YAML, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
  await broker.ctl(["use", "dev"]);
});

afterEach(async () => {
  await broker.stop();
  await aws.close();
});

const lambda = (...args: readonly string[]): Promise<Outcome> => broker.ctl(["lambda", ...args]);

/** The function that a child of `lambda exec` is, and where. */
async function ran(...args: readonly string[]): Promise<string> {
  const print = ["sh", "-c", 'echo "$AWS_LAMBDA_FUNCTION_NAME in $AWS_REGION"'];
  const { stdout, stderr } = await lambda("exec", ...args, "--", ...print);
  return stdout.trim() === "" ? stderr : stdout.trim();
}

describe("a function by the names that its user knows, through the current role", () => {
  it("is found by a template's stage and region, and by what a stack made of a logical id", async () => {
    expect(await ran("orders", "--template", template)).toBe("shop-dev-orders in eu-west-1");
    expect(await ran("orders", "--template", template, "--stage", "prod", "--region", "us-east-2")).toBe(
      "shop-prod-orders in us-east-2",
    );
    expect(aws.countOf("ListStackResources")).toBe(0);
    expect(await ran("Orders", "--stack", "shop")).toBe(`${GENERATED} in eu-west-1`);
    expect(aws.lastOf("ListStackResources").signer.arn).toContain("assumed-role/dev/");
  });

  it("is asked about, by a template and by a stack, what a call of its code would be refused", async () => {
    const asked = ["--action", "s3:GetObject", "--resource", "arn:aws:s3:::shop/a", "--json"];
    const by = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse((await lambda("why", ...args, ...asked)).stdout);
    const explained = { role_arn: ROLE, statement: { Action: "s3:GetObject", Resource: "arn:aws:s3:::shop/a" } };

    expect(await by("orders", "--template", template)).toMatchObject({ function: "shop-dev-orders", ...explained });
    expect(aws.countOf("ListStackResources")).toBe(0);
    expect(await by("Orders", "--stack", "shop")).toMatchObject({ function: GENERATED, ...explained });
    expect((await lambda("why", "Nosuch", "--stack", "shop", ...asked)).stderr).toContain("Orders12AB34CD");
  });

  it("is listed, and suggested where it is not spelled so", async () => {
    const { stdout } = await lambda("list", "--stack", "shop", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      via: "dev",
      functions: [{ name: GENERATED, logical_id: "Orders12AB34CD" }],
    });
    expect(await ran("orders")).toContain("did you mean shop-dev-orders?");
    expect((await lambda("trust", "orders", "--template", template)).stderr).toContain(
      "orders: by the current role, dev",
    );
  });

  it("is compared with a file by the names of its variables, without its role", async () => {
    const file = join(tempDir("compared", "input"), ".env");
    writeFileSync(file, `TABLE=orders\r\nPASSWORD='another'\r\nNEW=1\r\n`);
    const { code, stdout } = await lambda("env", "orders", "--template", template, "--diff", file, "--json");
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { function: "shop-dev-orders", only_deployed: ["EXTRA"], only_in_file: ["NEW"], differs: ["PASSWORD"], same: 1 },
    ]);
    writeFileSync(
      file,
      Object.entries(VARIABLES)
        .map(([name, value]) => `export ${name}="${value}"\n`)
        .join(""),
    );
    const same = await lambda("env", "shop-dev-orders", "--diff", file);
    expect([same.code, same.stdout, same.stderr]).toEqual([0, "", expect.stringContaining("3 variables are the same")]);
    expect(stdout + same.stderr).not.toContain(VARIABLES.PASSWORD);
    expect(aws.lastOf("GetFunctionConfiguration").signer.arn).toContain("assumed-role/dev/");
    expect(aws.calls.filter(({ action, params }) => action === "AssumeRole" && params["RoleArn"] === ROLE)).toEqual([]);
  });

  it("is compared with the template that names it", async () => {
    writeFileSync(
      template,
      "service: shop\nprovider: { stage: dev }\nfunctions: { orders: { handler: a.b, environment: { TABLE: '${sls:stage}', EXTRA: !Ref X } } }\n",
    );
    const { code, stdout } = await lambda("env", "orders", "--diff", template);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^VARIABLE.*\nPASSWORD +only deployed\nTABLE +differs\nEXTRA +not compared: Ref/),
    ]);
  });

  it("is found by no more than this shell's narrowed lease has", async () => {
    const inner = ["lambda", "exec", "shop-dev-orders", "--", "true"];
    const narrowed = await broker.ctl(["exec", "dev", "--service", "s3", "--", ...BROKERCTL, ...inner]);
    expect([narrowed.code, narrowed.stderr]).toEqual([125, expect.stringContaining("lambda:GetFunctionConfiguration")]);
    const readOnly = await broker.ctl(["exec", "dev", "--read-only", "--", ...BROKERCTL, "lambda", "list"]);
    expect(readOnly).toMatchObject({ code: 0, stdout: expect.stringContaining("shop-dev-orders") as string });
  });
});
