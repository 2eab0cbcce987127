import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { ARCHIVE_SIGNATURE } from "../fakes/fake-aws/lambda-actions.js";
import { type Outcome, type RunOptions, TestBroker } from "../support/broker.js";
import { canarySecretKey } from "../support/canaries.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

const CLIENT = resolve("test/flows/programs/sts-client.mjs");
const CODE = resolve("test/flows/programs/orders");
const ROLE = `arn:aws:iam::${ACCOUNT}:role/service-role/orders-role`;
const PASSWORD = canarySecretKey("function variable");
const SERVICE_ONLY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
};
const INLINE = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }] };
const READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const AS_FUNCTION = `arn:aws:sts::${ACCOUNT}:assumed-role/orders-role/orders`;

const LAYER = `arn:aws:lambda:eu-west-1:${ACCOUNT}:layer:shared:3`;

/** As a build's own program makes it. */
function pythonZip(files: Readonly<Record<string, string>>): Buffer {
  const path = join(tempDir("zip", "input"), "code.zip");
  const script = [
    "import json, sys, zipfile",
    "with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:",
    "    for name, text in json.loads(sys.argv[2]).items(): z.writestr(name, text)",
  ];
  execFileSync("python3", ["-c", script.join("\n"), path, JSON.stringify(files)]);
  return readFileSync(path);
}

let aws: FakeAws;
let broker: TestBroker;

beforeEach(async () => {
  const { roles = [], ...options } = awsOptions();
  const functionRole = {
    ...{ arn: ROLE, trustPolicy: JSON.stringify(SERVICE_ONLY), attached: [READ_ONLY] },
    inline: { read: JSON.stringify(INLINE, null, 2) },
  };
  const named = (name: string): string => `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`;
  aws = await startFakeAws({
    ...options,
    roles: [...roles, functionRole],
    functions: [
      { arn: named("orders"), roleArn: ROLE, variables: { TABLE: "orders", PASSWORD }, aliases: { live: "7" } },
      { arn: named("layered"), roleArn: ROLE, code: pythonZip({ "app.js": "exports.a = 1;" }), layers: [LAYER] },
      { arn: named("image"), roleArn: ROLE, isImage: true, variables: { TABLE: "images" } },
      { arn: named("orphan"), roleArn: roleArn("deleted") },
      { arn: named("sealed"), roleArn: ROLE, isUndecryptable: true },
    ],
    layers: [{ arn: LAYER, content: pythonZip({ "nodejs/node_modules/shared/index.js": "shared" }) }],
  });
  const config = `${ROLES_YAML}lambda: { via: dev }\n`;
  broker = await TestBroker.create({ name: "lambda", config, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterEach(async () => {
  await broker.stop();
  await aws.close();
});

/** `brokerctl lambda …`, by a user who has no credentials but the broker's. */
const lambda = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  broker.ctl(["lambda", ...args], { ...options, env: { AWS_ENDPOINT_URL: aws.url, ...options.env } });

const trust = (): void => aws.setRole({ arn: ROLE, trusts: [roleArn("dev")] });

const leases = async (): Promise<string[]> => (await broker.call("lease-list", {})).leases.map(({ kind }) => kind);

describe("lambda exec", () => {
  it("makes a program the deployed function: role, session name, variables", async () => {
    trust();
    const { code, stdout } = await lambda(["exec", "orders", "--", process.execPath, CLIENT, "1", "0"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { arn: AS_FUNCTION, key: expect.any(String) as string }]);
    const printed = await lambda(["exec", "orders:live", "--", "env"]);
    expect(printed.stdout).toContain(`PASSWORD=${PASSWORD}\n`);
    expect(printed.stdout).toContain("AWS_LAMBDA_FUNCTION_VERSION=7\n");
    expect(await leases()).toEqual(["default"]);
  });

  it("gives keys as Lambda sets them, which an SDK takes", async () => {
    trust();
    const command = [process.execPath, CLIENT, "1", "0"];
    const { stdout } = await lambda(["exec", "orders", "--as", "static", "--", ...command]);
    expect(JSON.parse(stdout)).toMatchObject({ arn: AS_FUNCTION });
  });

  it("says both ways when the trust policy says no; what `trust` adds lets it in, and what it removes was all", async () => {
    const denied = await lambda(["exec", "orders", "--", "true"]);
    expect(denied).toMatchObject({ code: 125, stderr: expect.stringContaining("trust policy") as string });
    expect(denied.stderr).toContain("brokerctl lambda trust orders --via dev");
    expect(denied.stderr).toContain("--mode session-policy --via ROLE");

    const shown = await lambda(["trust", "orders"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({ Effect: "Allow", Principal: { AWS: roleArn("dev") } });
    expect(JSON.parse(aws.role(ROLE)?.trustPolicy ?? "")).toEqual(SERVICE_ONLY);
    const added = await lambda(["trust", "orders", "--apply", "--until", "1h"]);
    expect([added.code, JSON.parse(added.stdout)]).toEqual([
      0,
      {
        ...(JSON.parse(shown.stdout) as object),
        Sid: expect.stringMatching(/^CredbrokerLocal[A-Za-z0-9]*\d{8}T\d{4}Z[0-9a-f]{12}$/) as string,
        Condition: { DateLessThan: { "aws:CurrentTime": expect.stringMatching(/Z$/) as string } },
      },
    ]);
    const { code, stdout } = await lambda(["exec", "orders", "--", process.execPath, CLIENT, "1", "0"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(AS_FUNCTION)]);
    expect(await lambda(["trust", "orders", "--undo"])).toMatchObject({ code: 0 });
    expect(JSON.parse(aws.role(ROLE)?.trustPolicy ?? "")).toEqual(SERVICE_ONLY);
  });

  it("narrows via by the function role's policies, exactly, and says what that is not", async () => {
    const command = ["--mode", "session-policy", "--", process.execPath, CLIENT, "1", "0"];
    const { code, stdout, stderr } = await lambda(["exec", "orders", ...command]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ arn: `arn:aws:sts::${ACCOUNT}:assumed-role/dev/orders` });
    expect(stderr).toContain("effective permissions = role dev AND");
    const { params } = aws.lastOf("AssumeRole");
    expect(JSON.parse(params["Policy"] ?? "")).toMatchObject({ Statement: [{ Action: "s3:GetObject" }] });
    expect(params["PolicyArns.member.1.arn"]).toBe(READ_ONLY);
    expect(aws.countOf("UpdateAssumeRolePolicy")).toBe(0);
  });

  it("refuses by name what a session policy cannot say", async () => {
    const boundary = `arn:aws:iam::${ACCOUNT}:policy/boundary`;
    aws.setRole({ arn: ROLE, trustPolicy: JSON.stringify(SERVICE_ONLY), permissionsBoundaryArn: boundary });
    const { code, stderr } = await lambda(["exec", "orders", "--mode", "session-policy", "--", "true"]);
    expect([code, stderr]).toEqual([125, expect.stringContaining(boundary)]);
  });

  it.each([
    ["a function that is not there", ["nosuch"], 125, "nosuch"],
    ["a function whose role was deleted", ["orphan"], 125, "deleted"],
    ["a function whose variables may not be read", ["sealed"], 125, "decrypt"],
    ["a name that is none", ["a b"], 2, "does not name a Lambda function"],
    ["a via that is not there", ["orders", "--via", "dve"], 125, "did you mean dev?"],
  ])("tells of %s", async (_, args, expected, said) => {
    const { code, stderr } = await lambda(["exec", ...args, "--", "true"]);
    expect([code, stderr]).toEqual([expected, expect.stringContaining(said)]);
  });

  it("tells of a caller that may not read the function", async () => {
    trust();
    aws.faults.set("GetFunctionConfiguration", {
      kind: "refuse",
      status: 403,
      code: "AccessDeniedException",
      message: "no",
    });
    const { code, stderr } = await lambda(["exec", "orders", "--", "true"]);
    expect([code, stderr]).toEqual([125, expect.stringContaining("lambda:GetFunctionConfiguration")]);
  });

  it("takes the role and the variables of an image; it has no handler here", async () => {
    trust();
    const { code, stdout } = await lambda(["exec", "image", "--", "sh", "-c", "echo $TABLE"]);
    expect([code, stdout]).toEqual([0, "images\n"]);
    const invoked = await lambda(["invoke", "image", "--task-root", CODE]);
    expect(invoked).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("-- CMD") as string });
  });
});

describe("lambda invoke", () => {
  beforeEach(trust);

  it("runs a Node handler with the function's role and variables", async () => {
    const { code, stdout, stderr } = await lambda(["invoke", "orders", "--task-root", CODE]);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { seen: [{ arn: AS_FUNCTION, key: expect.any(String) as string }], table: "orders", functionName: "orders" },
    ]);
    expect(stderr).toMatch(/REPORT RequestId: .*Memory Size: 256 MB/);
  });

  it("outlives its credentials: the handler's SDK takes new ones", async () => {
    aws.setSessionSeconds(6);
    const event = JSON.stringify({ calls: 12, pause: 1000 });
    const argv = ["invoke", "orders", "--task-root", CODE, "--event", "-"];
    const { code, stdout } = await lambda(argv, { input: event });
    const { seen } = JSON.parse(stdout) as { seen: { arn: string; key: string }[] };
    expect(code).toBe(0);
    expect(new Set(seen.map(({ arn }) => arn))).toEqual(new Set([AS_FUNCTION]));
    expect(new Set(seen.map(({ key }) => key)).size).toBeGreaterThanOrEqual(2);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends the runtime and the lease with us at %s", async (signal) => {
    const args = ["lambda", "invoke", "orders", "--task-root", CODE, "--event", "-"];
    const child = spawn(process.execPath, [resolve("dist/brokerctl.js"), ...args], {
      env: { ...broker.env, AWS_ENDPOINT_URL: aws.url },
      stdio: ["pipe", "ignore", "pipe"],
    });
    child.stdin.end('{"hang":true}');
    let stderr = "";
    const pid = await new Promise<number>((found) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
        const running = /runtime (\d+)\n/.exec(stderr)?.[1];
        if (running !== undefined) found(Number(running));
      });
    });
    expect(await leases()).toEqual(["default", "child"]);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([null, signal]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await leases()).toEqual(["default"]);
  });
});

describe("a guard of via", () => {
  it("asks once, and the lease on the function's role has the yes", async () => {
    trust();
    const config = join(broker.home, "config.yaml");
    writeFileSync(
      config,
      readFileSync(config, "utf8").replace(/^( {2}dev: \{.*)\}$/m, "$1, guard: { reason: true } }"),
    );
    const print = ["sh", "-c", 'echo "$TABLE"'];
    expect((await lambda(["exec", "orders", "--", ...print])).code).toBe(5);
    const { code, stdout, stderr } = await lambda(["exec", "orders", "--reason", "to look", "--", ...print]);
    expect([code, stdout, stderr]).toEqual([0, "orders\n", stderr]);
  });
});

describe("what is kept of a function", () => {
  it("is its role, and never its variables", async () => {
    trust();
    await lambda(["env", "orders"]);
    const kept = readFileSync(join(broker.home, "state", "lambda-roles.json"), "utf8");
    expect(kept).toContain("lambda:orders@dev");
    expect(kept + broker.log()).not.toContain(PASSWORD);
  });
});

describe("lambda pull", () => {
  it("fetches code and layers as they are deployed; the signed addresses stand nowhere", async () => {
    const to = join(tempDir("pulled", "input"), "deployed");
    const { code, stdout, stderr } = await lambda(["pull", "layered", "--to", to]);
    expect([code, stdout]).toEqual([0, `${join(to, "code")}\n${join(to, "layers")}\n`]);
    expect(readFileSync(join(to, "code/app.js"), "utf8")).toBe("exports.a = 1;");
    expect(readFileSync(join(to, "layers/nodejs/node_modules/shared/index.js"), "utf8")).toBe("shared");
    expect(stderr).not.toContain("X-Amz");
    const recorded = await broker.ctl(["audit", "--json"]);
    expect(recorded.stdout).toContain('"event":"lambda-code"');
    const kept = readdirSync(broker.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = kept.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "latin1"));
    expect([recorded.stdout, ...texts].filter((text) => text.includes(ARCHIVE_SIGNATURE))).toEqual([]);
  });

  it("says that an image cannot be pulled so", async () => {
    const { code, stderr } = await lambda(["pull", "image", "--to", join(tempDir("pulled", "input"), "deployed")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("docker pull")]);
  });
});
