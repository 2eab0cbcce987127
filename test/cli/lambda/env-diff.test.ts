import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { CANARY, canarySecretKey } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { tempDir } from "../../support/temp-dir.js";

const PASSWORD = canarySecretKey("deployed password");
const OTHER = canarySecretKey("password of the file");
let fixture: CliFixture;
let directory: string;

beforeEach(async () => {
  fixture = await cliFixture();
  directory = tempDir("diff", "input");
  const variables = { PASSWORD, TABLE: "orders", EXTRA: "x", STAGE: "dev" };
  fixture.control
    .addSource("ops")
    .addRole("dev")
    .addFunction("orders", { context: { variables } })
    .addFunction("shop-dev-orders", { context: { variables } })
    .addFunction("shop-prod-orders", { context: { variables: { STAGE: "prod" } } });
});

/** `lambda env … --diff FILE`, in the directory where `name` holds `text`. */
async function diff(name: string, text: string, ...argv: readonly string[]): Promise<RunResult> {
  writeFileSync(join(directory, name), text);
  return run([...argv, "--diff", name]);
}

async function run(argv: readonly string[]): Promise<RunResult> {
  const result = await fixture.run(["lambda", "env", ...argv, "--via", "dev"], { cwd: directory });
  expect(result.stdout + result.stderr).not.toContain(CANARY);
  return result;
}

/** In what an answer's lines are alike: single blanks. */
function rowsOf({ stdout }: RunResult): readonly string[] {
  return stdout
    .split("\n")
    .slice(1, -1)
    .map((line) => line.trim().replaceAll(/\s+/g, " "));
}

const DOTENV = `TABLE=orders\nPASSWORD='${OTHER}'\nNEW=1\nSTAGE=$STAGE\nAWS_REGION=eu-west-1\n`;

describe("lambda env --diff with a .env file", () => {
  it("says by name what is another, exits 1, and makes no lease", async () => {
    const found = await diff(".env", DOTENV, "orders");
    expect(found.code).toBe(1);
    expect(rowsOf(found)).toEqual([
      "EXTRA only deployed",
      "NEW only in .env",
      "PASSWORD differs",
      "STAGE not compared: it holds $ or `, which some programs expand",
    ]);
    expect(found.stderr).toContain("left aside, as Lambda sets them itself: AWS_REGION\n");
    expect(found.stderr).toContain(
      "orders and .env: 1 variable is the same, 1 only deployed, 1 only in the file, 1 differs, 1 not compared\n",
    );
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
    expect(fixture.control.requests("warm")).toEqual([]);
  });

  it("is one JSON value with --json", async () => {
    const { code, stdout, stderr } = await diff(".env", DOTENV, "orders", "--json");
    expect([code, stderr]).toEqual([1, ""]);
    expect(JSON.parse(stdout)).toEqual({
      function: "orders",
      function_arn: "arn:aws:lambda:eu-west-1:111111111111:function:orders",
      file: ".env",
      only_deployed: ["EXTRA"],
      only_in_file: ["NEW"],
      differs: ["PASSWORD"],
      not_compared: [{ name: "STAGE", reason: "it holds $ or `, which some programs expand" }],
      same: 1,
      left_aside: ["AWS_REGION"],
    });
  });

  it("exits 0 where nothing is known to be another", async () => {
    const same = `TABLE=orders\nexport PASSWORD="${PASSWORD}"\nEXTRA=x # why\nSTAGE=dev\r\n`;
    expect(await diff(".env", same, "orders")).toMatchObject({ code: 0, stdout: "" });
    const unsure = same.replace("=dev", "=$STAGE");
    expect(rowsOf(await diff(".env", unsure, "orders"))).toHaveLength(1);
    expect((await diff(".env", unsure, "orders")).code).toBe(0);
  });

  it("finds the function by a template that --template names", async () => {
    writeFileSync(join(directory, "serverless.yml"), "service: shop\nprovider: {}\nfunctions: { orders: { a: b } }");
    const found = await diff("own.env", "STAGE=prod", ..."orders --template serverless.yml --stage prod".split(" "));
    expect([found.code, found.stderr]).toEqual([0, "shop-prod-orders and own.env: 1 variable is the same\n"]);
  });
});

const SERVICE = `
service: shop
provider: { name: aws, environment: { STAGE: "\${sls:stage}" } }
functions:
  orders: { handler: a.b, environment: { TABLE: orders, EXTRA: !Ref Extra, PASSWORD: "\${ssm:/password}" } }
  billing: { handler: a.b, name: "\${ssm:/name}" }
`;

const ARN = "arn:aws:lambda:eu-west-1:111111111111:function:shop-dev-orders";

describe("lambda env --diff with a template", () => {
  it.each([
    ["orders", "shop-dev-orders"],
    ["shop-dev-orders", "shop-dev-orders"],
    ["shop-dev-orders:live", "shop-dev-orders:live"],
    [ARN, ARN],
  ])("takes %s for the function of the file that is deployed as %s", async (name, asked) => {
    for (const deployed of [name, asked]) {
      fixture.control.addFunction(deployed, {
        context: { functionName: "shop-dev-orders", variables: { STAGE: "x" } },
      });
    }
    const found = await diff("serverless.yml", SERVICE, name);
    expect(rowsOf(found)).toEqual([
      ...["EXTRA", "PASSWORD", "TABLE"].map((one) => `${one} only in serverless.yml`),
      "STAGE differs",
    ]);
    expect(fixture.control.requests("lambda-role")).toMatchObject([{ function: asked, via: "dev" }]);
  });

  it("compares with --stage, and says why what is not compared is not", async () => {
    expect(rowsOf(await diff("serverless.yml", SERVICE, "orders"))).toEqual([
      "EXTRA not compared: Ref is resolved when it is deployed",
      expect.stringMatching(/^PASSWORD not compared: only Serverless itself or AWS can tell it/),
    ]);
    expect((await diff("serverless.yml", SERVICE, "orders")).code).toBe(0);
    const prod = await diff("serverless.yml", SERVICE, "orders", "--stage", "prod");
    expect([prod.code, prod.stderr]).toEqual([
      1,
      "shop-prod-orders and serverless.yml: 1 variable is the same, 3 only in the file\n",
    ]);
  });

  it("finds what a stack made of a logical id, and the one that another template names", async () => {
    fixture.control.stacks.set("shop", new Map([["Orders12AB34CD", "shop-dev-orders"]]));
    const properties = (FunctionName: string | undefined, STAGE: string): object => ({
      Type: "AWS::Lambda::Function",
      Properties: { FunctionName, Environment: { Variables: { STAGE, TABLE: "orders", EXTRA: "x", PASSWORD } } },
    });
    const resources = { Orders12AB34CD: properties(undefined, "dev"), Other: properties("shop-dev-orders", "beta") };
    const text = JSON.stringify({ Resources: resources });
    expect((await diff("s.json", text, "Orders", "--stack", "shop")).code).toBe(0);
    writeFileSync(join(directory, "serverless.yml"), SERVICE);
    expect(rowsOf(await diff("s.json", text, "orders", "--template", "serverless.yml"))).toEqual(["STAGE differs"]);
    const generated = await diff("s.json", text, "Orders");
    expect([generated.code, generated.stderr]).toEqual([2, expect.stringContaining("--stack NAME")]);
  });

  it("lists the functions of the file where FUNCTION is none of them, and asks brokerd nothing", async () => {
    const { code, stdout, stderr } = await diff("serverless.yml", SERVICE, "shop-prod-orders");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("serverless.yml has no function shop-prod-orders, but orders, billing");
    expect(fixture.control.requests("lambda-role")).toEqual([]);
  });

  it("is known by its text where the name does not tell", async () => {
    expect(rowsOf(await diff("synthesized", `# of shop\n${SERVICE}`, "orders"))).toHaveLength(2);
    expect((await diff("synthesized", '\n{"Resources":{}}', "orders")).stderr).toContain("has no function orders");
  });
});

describe("lambda env --diff of what cannot be compared", () => {
  it.each([
    ["nothing.env", "nothing.env cannot be read: no such file"],
    ["directory", "directory cannot be read"],
    ["pipe", "--diff pipe is empty"],
    ["empty.env", "--diff empty.env is empty"],
    ["/dev/zero", "has more than 4194304 bytes"],
    ["binary", "is no text in UTF-8"],
    ["utf16.env", "is no text in UTF-8"],
    ["bad.env", "bad.env: line 2 is not NAME=VALUE"],
    ["list.yml", "--diff list.yml holds no map"],
    ["alias.yml", "--diff alias.yml is no YAML\n"],
    ["broken.yml", "--diff broken.yml is no YAML: line 2, column 1"],
    ["twice.yml", '--diff twice.yml is no YAML: a map has the key "A" twice'],
    ["compose.yml", "--diff compose.yml has neither Resources"],
    ["serverless.ts", "--diff serverless.ts is a program, which is not run"],
  ])("refuses %s by its name alone, exits 2 and leaves stdout empty", async (name, said) => {
    const write = (file: string, text: string | Buffer): void => writeFileSync(join(directory, file), text);
    mkdirSync(join(directory, "directory"));
    execFileSync("mkfifo", [join(directory, "pipe")]);
    write("empty.env", "");
    write("binary", Buffer.from([0x41, 0x3d, 0xff]));
    write("utf16.env", Buffer.from("A=1", "utf16le"));
    write("bad.env", `A=1\n${PASSWORD}\n`);
    write("list.yml", "- a");
    write("alias.yml", `A: *${CANARY}`);
    write("broken.yml", `A: "${PASSWORD}\n`);
    write("twice.yml", `A: ${PASSWORD}\nA: x`);
    write("compose.yml", "services: {}");
    write("serverless.ts", "export default {}");
    const { code, stdout, stderr } = await run(["orders", "--diff", name]);
    expect([code, stdout, stderr.toLowerCase()]).toEqual([2, "", expect.stringContaining(said.toLowerCase())]);
    expect(fixture.control.requests("lambda-role")).toEqual([]);
  });

  it.each([["--pid", "2"], ["--as", "url"], ["--format", "json"], ["--set", "A=1"], ["--read-only"], ["--names"]])(
    "refuses %s beside it",
    async (...flags) => {
      const { code, stdout, stderr } = await diff(".env", "A=1", "orders", ...flags);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(`leave ${flags[0]} out`)]);
    },
  );

  it("prints nothing to evaluate where only a look was asked for, and failed", async () => {
    expect(await run(["nosuch", "--names"])).toMatchObject({ code: 1, stdout: "" });
    expect(await diff(".env", "A=1", "nosuch")).toMatchObject({ code: 1, stdout: "" });
    const { code, stdout, stderr } = await diff(".env", "x", "orders", "--json");
    expect([code, stdout]).toEqual([2, ""]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "UsageInvalid" } });
  });

  it("has --json for --names too, and for nothing else", async () => {
    const { stdout } = await run(["orders", "--names", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ function: "orders", names: ["EXTRA", "PASSWORD", "STAGE", "TABLE"] });
    const alone = await run(["orders", "--json"]);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--format json")]);
  });
});
