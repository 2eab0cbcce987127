import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes } from "../support/aws-calls.js";
import { tempDir } from "../support/temp-dir.js";
import { zipArchive } from "../support/zip-archive.js";
import { CodeServer } from "./code-server.js";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, arn, FUNCTIONS, REGION, SAM_STACK, SERVICE_ROLE } from "./deployment.js";

const HANDLER = "export const handler = async () => 'of the archive';\n";
const CODE = zipArchive([{ name: "app.mjs", content: HANDLER }]);
const LAYER = zipArchive([{ name: "nodejs/node_modules/shared/index.js", content: "// shared\n" }]);
const LAYER_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:layer:shared:1`;
const CODED = "orders-dev-coded";

let fixture: DeployedFixture;
let server: CodeServer;

beforeAll(async () => {
  fixture = await DeployedFixture.open({
    sessionSeconds: 3600,
    lambdaUrl: async (upstream) => {
      server = await CodeServer.start(upstream, [CODE, LAYER]);
      return server.url;
    },
  });
  await fixture.callAws([
    ["lambda", "publish_layer_version", { LayerName: "shared", Content: { ZipFile: bytes(LAYER) } }],
    [
      "lambda",
      "create_function",
      {
        ...{ FunctionName: CODED, Runtime: "nodejs20.x", Handler: "app.handler", Role: arn(SERVICE_ROLE) },
        ...{ Code: { ZipFile: bytes(CODE) }, Layers: [LAYER_ARN] },
      },
    ],
  ]);
}, 120_000);

afterAll(async () => {
  await fixture.close();
  await server.close();
});

const lambda = (...args: readonly string[]) => fixture.ctl(["lambda", ...args, "--via", "dev"]);
const json = ({ stdout, stderr }: { stdout: string; stderr: string }): unknown =>
  JSON.parse(stdout === "" ? JSON.stringify(stderr) : stdout);

describe("the functions of an account", () => {
  it("are listed with what they run on, and none of their variables", async () => {
    const listed = await lambda("list", "--json");

    const functions = [CODED, FUNCTIONS.node.name, FUNCTIONS.go.name].map((name) => ({
      ...{ name, role_arn: arn(SERVICE_ROLE), arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}` },
      runtime: name === FUNCTIONS.go.name ? FUNCTIONS.go.runtime : "nodejs20.x",
    }));
    expect(json(listed)).toMatchObject({
      region: REGION,
      functions: expect.arrayContaining(functions.map((each) => expect.objectContaining(each) as unknown)) as unknown,
    });
    expect(listed.stdout).not.toContain("GREETING");
  });

  it("are listed by the logical ids of a stack, and run by them", async () => {
    const [only, ...others] = (json(await lambda("list", "--stack", SAM_STACK, "--json")) as { functions: object[] })
      .functions as { name: string; logical_id: string }[];
    expect([only?.logical_id, others]).toEqual(["ApiFunction", []]);

    const exec = ["lambda", "exec", "ApiFunction", "--stack", SAM_STACK, "--via", "dev"];
    const ran = await fixture.ctl([...exec, "--", "sh", "-c", "echo $AWS_LAMBDA_FUNCTION_NAME"]);
    expect(ran).toMatchObject({ code: 0, stdout: `${only?.name ?? ""}\n` });
    expect((await lambda("list", "--stack", "no-such-stack")).code).toBe(1);
  });

  it("are explained by their logical ids, too", async () => {
    const resource = "arn:aws:s3:::elsewhere/a";
    const asked = ["--stack", SAM_STACK, "--action", "s3:GetObject", "--resource", resource, "--json"];
    expect(json(await lambda("why", "ApiFunction", ...asked))).toMatchObject({
      denial: { action: "s3:GetObject", resource },
      statement: { Effect: "Allow", Action: "s3:GetObject", Resource: resource },
    });
  });
});

describe("the code of a function", () => {
  it("is pulled with its layers, and runs as it was deployed", async () => {
    const to = join(tempDir("pulled", "input"), "deployed");
    const pull = ["pull", CODED, "--to", to];
    const pulled = await lambda(...pull);

    expect(pulled).toMatchObject({ code: 0, stdout: `${join(to, "code")}\n${join(to, "layers")}\n` });
    expect(readFileSync(join(to, "code/app.mjs"), "utf8")).toBe(HANDLER);
    expect(readFileSync(join(to, "layers/nodejs/node_modules/shared/index.js"), "utf8")).toBe("// shared\n");
    const invoked = await lambda("invoke", CODED, "--task-root", join(to, "code"));
    expect(invoked).toMatchObject({ code: 0, stdout: '"of the archive"\n' });
    expect(invoked.stderr).toContain("has a layer (shared:1)");

    expect(await lambda(...pull)).toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty") as string });
    expect(await lambda(...pull, "--force")).toMatchObject({ code: 0 });
    expect(readdirSync(to).toSorted()).toEqual(["code", "layers"]);
  });

  it("is told where its archive is not at its address, and nothing of it is kept", async () => {
    const to = join(tempDir("pulled", "input"), "deployed");
    const { code, stderr } = await lambda("pull", FUNCTIONS.node.name, "--to", to);
    expect([code, stderr]).toEqual([1, expect.stringContaining("the download of code") as string]);
    expect(readdirSync(to)).toEqual([]);
  });
});
