import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addRole("prod");
});

function write(text: string, name = "serverless.yml"): void {
  writeFileSync(join(fixture.home, name), text);
}

/** How brokerd is asked for the function; the error's text where it is not asked. */
async function asked(name: string, ...flags: string[]): Promise<object | string> {
  const { stderr } = await exec(name, ...flags);
  return fixture.control.requests("lambda-role").at(-1) ?? stderr;
}

function exec(name: string, ...flags: string[]): Promise<RunResult> {
  const template = flags.includes("--template") ? [] : ["--template", "serverless.yml"];
  const argv = ["lambda", "exec", name, "--via", "dev", ...template, ...flags, "--", "true"];
  return fixture.run(argv, { env: { TEAM: "blue", HIDDEN: "canary value" } });
}

const SERVICE = `
service: shop
provider: { name: aws, stage: "\${opt:stage, 'dev'}", region: eu-central-1 }
custom:
  names: { dev: small, prod: large }
  prefix: \${self:service}-\${self:custom.names.\${sls:stage}}
functions:
  orders: { handler: a.b }
  named: { handler: a.b, name: "\${self:custom.prefix}-named" }
  team: { handler: a.b, name: "shop-\${env:TEAM}" }
  later: { handler: a.b, name: "\${env:NOT_SET, opt:nothing, self:custom.none, 'fallback'}" }
  region: { handler: a.b, name: "in-\${aws:region}" }
  nested: { handler: a.b, name: "\${opt:none, \${self:custom.names.prod}}" }
  parameter: { handler: a.b, name: "\${param:name}" }
  secret: { handler: a.b, name: "\${ssm:/name}" }
  address: { handler: a.b, name: "\${ssm:/\${env:HIDDEN}/name}" }
  behind: { handler: a.b, name: "\${file(./other.yml):name, 'x'}" }
  unset: { handler: a.b, name: "\${env:NOT_SET}" }
  bad: { handler: a.b, name: "\${env:HIDDEN}" }
  loop: { handler: a.b, name: "\${self:functions.loop.name}" }
stages:
  default: { params: { name: usual } }
  prod: { params: { name: live } }
`;

describe("--template with a serverless.yml", () => {
  beforeEach(() => write(SERVICE));

  it.each([
    ["orders", [], "shop-dev-orders"],
    ["orders:live", [], "shop-dev-orders:live"],
    ["orders", ["--stage", "prod"], "shop-prod-orders"],
    ["named", [], "shop-small-named"],
    ["named", ["--stage", "prod"], "shop-large-named"],
    ["team", [], "shop-blue"],
    ["later", [], "fallback"],
    ["region", [], "in-eu-central-1"],
    ["nested", [], "large"],
    ["parameter", [], "usual"],
    ["parameter", ["--stage", "prod"], "live"],
  ])("finds %s %j as %s", async (name, flags, deployed) => {
    expect(await asked(name, ...flags)).toMatchObject({ function: deployed, region: "eu-central-1", via: "dev" });
  });

  it("takes --region over the one it has", async () => {
    expect(await asked("region", "--region", "us-east-2")).toMatchObject({
      function: "in-us-east-2",
      region: "us-east-2",
    });
  });

  it.each([
    ["secret", "functions.secret.name: ${ssm:/name} cannot be resolved"],
    ["address", "${ssm:/${env:HIDDEN}/name} cannot be resolved"],
    ["behind", "${file(./other.yml):name} cannot be resolved: only Serverless itself or AWS can tell it"],
    ["unset", "NOT_SET is not set in this shell"],
    ["loop", "leads back to itself"],
    ["bad", "is no name of a function"],
    ["oders", "has no function oders, but orders, named"],
    ["oders", "did you mean orders?"],
  ])("says of %s what is missing, asks brokerd nothing and shows no variable of the shell", async (name, said) => {
    const { code, stderr } = await exec(name);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
    expect(stderr).not.toContain("canary value");
    expect(fixture.control.requests("lambda-role")).toEqual([]);
  });

  it("takes a text that grows for what it is", async () => {
    const doubled = Array.from(
      { length: 40 },
      (_, index) => `  a${index}: "\${self:custom.a${index + 1}}\${self:custom.a${index + 1}}"`,
    );
    write(
      `service: shop\nprovider: {}\ncustom:\n${doubled.join("\n")}\nfunctions: { x: { name: "\${self:custom.a0}" } }`,
    );
    expect((await exec("x")).stderr).toContain("leads back to itself");
  });

  it("finds functions of a list of maps, and says that other files are not read", async () => {
    write('service: { name: shop }\nprovider: {}\nfunctions: [ { orders: { handler: a.b } }, "${file(more.yml)}" ]');
    expect(await asked("orders")).toMatchObject({ function: "shop-dev-orders" });
    expect((await exec("more")).stderr).toContain("what other files of it have is not read");
  });

  it("has the stage's role where the directory is in a project, and --via before it", async () => {
    const orders = join(fixture.home, "orders");
    mkdirSync(orders, { mode: 0o700 });
    fixture.control.projects.push({
      ...{ name: "orders", path: orders, role: null },
      stages: [{ stage: "prod", role: "prod", accountId: "222222222222" }],
    });
    const run = (...flags: string[]): Promise<RunResult> =>
      fixture.run(["lambda", "exec", "orders", "--template", "../serverless.yml", ...flags, "--", "true"], {
        cwd: orders,
      });
    await run("--stage", "prod");
    await run("--stage", "prod", "--via", "dev");
    expect(fixture.control.requests("lambda-role")).toMatchObject([
      { function: "shop-prod-orders", via: "prod" },
      { function: "shop-prod-orders", via: "dev" },
    ]);
    expect((await run("--stage", "beta")).stderr).toContain("has no stage beta");
  });
});

const SAM = `
Transform: AWS::Serverless-2016-10-31
Parameters: { Stage: { Type: String, Default: dev } }
Resources:
  OrdersFunction:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: orders, Handler: a.b, Role: !GetAtt Role.Arn }
  Generated:
    Type: AWS::Serverless::Function
    Properties: { Handler: a.b, Environment: { Variables: { T: !Ref Table } } }
  Made:
    Type: AWS::Lambda::Function
    Properties: { FunctionName: !Sub "orders-\${Stage}", Layers: !If [A, [!Ref L], []] }
  Table: { Type: AWS::DynamoDB::Table }
`;

const CDK = JSON.stringify({
  Resources: {
    Orders12AB34CD: { Type: "AWS::Lambda::Function", Properties: { Handler: "a.b" } },
    Twice12AB34CD: { Type: "AWS::Lambda::Function", Properties: { FunctionName: "one" } },
    Twice56EF7890: { Type: "AWS::Lambda::Function", Properties: { FunctionName: "two" } },
  },
});

describe("--template with what CloudFormation takes", () => {
  beforeEach(() => {
    write(SAM, "template.yaml");
    write(CDK, "shop.template.json");
  });

  it.each([
    ["a name that stands there", "OrdersFunction", ["template.yaml"], { function: "orders" }],
    [
      "one that its stack has made",
      "Generated",
      ["template.yaml", "--stack", "shop"],
      { function: "Generated", stack: "shop" },
    ],
    [
      "one that was named by a parameter",
      "Made:live",
      ["template.yaml", "--stack", "shop"],
      { function: "Made:live", stack: "shop" },
    ],
    [
      "one of CDK, without its suffix",
      "Orders",
      ["shop.template.json", "--stack", "shop"],
      { function: "Orders12AB34CD", stack: "shop" },
    ],
  ])("finds %s", async (_, name, flags, wanted) => {
    expect(await asked(name, "--template", ...flags)).toMatchObject(wanted);
  });

  it.each([
    ["Generated", ["template.yaml"], "has no FunctionName: CloudFormation made one"],
    ["Made", ["template.yaml"], "has a FunctionName that only its stack knows"],
    ["Made", ["template.yaml"], "--stack NAME"],
    ["Table", ["template.yaml"], "has no function Table, but OrdersFunction, Generated, Made"],
    ["Twice", ["shop.template.json"], "Twice12AB34CD or Twice56EF7890"],
    ["x", ["config.yaml"], "has neither Resources"],
    ["x", ["nosuch.yaml"], "cannot be read"],
  ])("says of %s in %j what is missing", async (name, flags, said) => {
    const { code, stderr } = await exec(name, "--template", ...flags);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
    expect(fixture.control.requests("lambda-role")).toEqual([]);
  });

  it("runs no program, and reads no YAML that is none or grows", async () => {
    write("module.exports = {}", "serverless.js");
    expect((await exec("x", "--template", "serverless.js")).stderr).toContain("is a program, which is not run");
    write("a: [", "broken.yml");
    expect((await exec("x", "--template", "broken.yml")).stderr).toContain("is no YAML");
    const levels = Array.from(
      { length: 12 },
      (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index},`.repeat(9)}]`,
    );
    write(`a0: &a0 [x]\n${levels.join("\n")}\n`, "grows.yml");
    expect((await exec("x", "--template", "grows.yml")).stderr).toContain("is no YAML");
  });

  it("tells a key that a map has twice, at once where it is large", async () => {
    write("service: shop\nprovider: {}\nfunctions: { x: {}, x: {} }\n", "twice.yml");
    const twice = await exec("x", "--template", "twice.yml");
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('a map has the key "x" twice')]);
    const many = Array.from({ length: 50_000 }, (_, at) => `  k${at}: {}`).join("\n");
    write(`service: shop\nprovider: {}\nfunctions:\n${many}\n`, "many.yml");
    expect(await asked("k49999", "--template", "many.yml")).toMatchObject({ function: "shop-dev-k49999" });
  });

  it.each([
    ["brackets", `a: ${"[".repeat(20_000)}${"]".repeat(20_000)}`],
    ["braces and tags", `a: ${"!Sub {b: ".repeat(5000)}x${"}".repeat(5000)}`],
    ["dashes in one line", `${"- ".repeat(20_000)}x`],
    ["lines", Array.from({ length: 2000 }, (_, depth) => `${" ".repeat(depth)}k:`).join("\n")],
  ])("reads no YAML that is nested without end, by %s", async (_, text) => {
    write(text, "deep.yml");
    expect(await exec("x", "--template", "deep.yml")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is no YAML: it is nested too deep") as string,
    });
  });

  it("reads what only looks nested: brackets in quotes, comments and blocks of text", async () => {
    const looks = "[{".repeat(500);
    write(
      `# ${looks}\ntext: "${looks}"\nplain: a${looks.replaceAll("{", "")}\nblock: |\n  ${looks}\nservice: shop\nprovider: {}\nfunctions: { x: {} }\n`,
      "looks.yml",
    );
    expect(await asked("x", "--template", "looks.yml")).toMatchObject({ function: "shop-dev-x" });
  });

  it.each([
    ["is long", `"\${${"(".repeat(100_000)}}"`, "it is too long"],
    ["becomes long", `"${"${self:custom.long}".repeat(300)}"`, "it becomes too long"],
  ])("resolves no variable in a text that %s", async (_, name, said) => {
    const long = "x".repeat(2_000);
    write(`service: shop\nprovider: {}\ncustom: { long: ${long} }\nfunctions: { x: { name: ${name} } }\n`);
    expect(await exec("x")).toMatchObject({ code: 2, stderr: expect.stringContaining(said) as string });
  });
});

describe("--stack without a template", () => {
  it("has FUNCTION looked up there", async () => {
    fixture.control.addFunction("shop-Orders-1").stacks.set("shop", new Map([["OrdersFunction", "shop-Orders-1"]]));
    const argv = ["lambda", "exec", "OrdersFunction", "--stack", "shop", "--via", "dev", "--", "true"];
    expect(await fixture.run(argv)).toMatchObject({ code: 0 });
    expect(fixture.control.requests("lambda-role")).toMatchObject([{ function: "OrdersFunction", stack: "shop" }]);
  });
});
