import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { SERVED } from "../../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { tempDir } from "../../support/temp-dir.js";

let fixture: CliFixture;
let seenFile: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control
    .addSource("ops")
    .addRole("dev")
    .addRole("prod")
    .addFunction("orders", {
      context: { variables: { TABLE: "orders", AWS_PROFILE: "theirs" }, memorySize: 512 },
    });
  seenFile = join(tempDir("seen", "input"), "seen.json");
});

const PRINT = "require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env))";

/** `lambda exec` with a child that writes down its environment. */
async function exec(argv: readonly string[], options: Parameters<CliFixture["run"]>[1] = {}): Promise<RunResult> {
  return fixture.run(["lambda", "exec", ...argv, "--", process.execPath, "-e", PRINT, seenFile], options);
}

const seen = (): Record<string, string> => JSON.parse(readFileSync(seenFile, "utf8")) as Record<string, string>;

describe("lambda exec", () => {
  it("gives CMD a lease on the function's role, the function's variables and Lambda's own", async () => {
    const { code } = await exec(["orders", "--via", "dev"]);
    expect(code).toBe(0);
    expect(seen()).toMatchObject({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/creds`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: expect.stringMatching(/^brk_/) as string,
      TABLE: "orders",
      AWS_LAMBDA_FUNCTION_NAME: "orders",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      AWS_REGION: "eu-west-1",
      LAMBDA_TASK_ROOT: fixture.home,
      _HANDLER: "app.handler",
      TZ: ":UTC",
      AWS_EC2_METADATA_DISABLED: "true",
    });
    expect(fixture.control.requests("lambda-role")).toEqual([{ function: "orders", via: "dev", mode: "assume" }]);
    expect(fixture.control.requests("lease-child")).toEqual([{ role: "lambda:orders@dev", pid: process.pid }]);
    expect(fixture.control.requests("lease-hand-over")).toHaveLength(1);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
  });

  it("leaves out variables of the function that would win over its lease, and says which", async () => {
    const { stderr } = await exec(["orders", "--via", "dev"], { env: { AWS_ACCESS_KEY_ID: "AKIAOLD" } });
    expect(stderr).toContain("AWS_PROFILE");
    expect(seen()).not.toHaveProperty("AWS_PROFILE");
    expect(seen()).not.toHaveProperty("AWS_ACCESS_KEY_ID");
  });

  it("leaves out what would rule the shells and programs of this machine, and what is ours", async () => {
    const local = { HOME: "/tmp", BASH_ENV: "$(id)", PROMPT_COMMAND: "id", PS4: "$(id)", LD_PRELOAD: "/tmp/x.so" };
    const own = { CREDBROKER_HOME: "/tmp", AWS_CONFIG_FILE: "/tmp/config", AWS_SHARED_CREDENTIALS_FILE: "/tmp/keys" };
    fixture.control.addFunction("odd", { context: { variables: { ...local, ...own, ENV: "prod", NODE_ENV: "x" } } });
    const { stderr } = await exec(["odd", "--via", "dev"]);
    for (const name of Object.keys({ ...local, ...own })) {
      expect(stderr).toContain(name);
      expect(seen()[name]).not.toBe({ ...local, ...own }[name]);
    }
    expect(seen()).toMatchObject({ ENV: "prod", NODE_ENV: "x" });
  });

  it("imitates the keys that Lambda itself sets", async () => {
    await exec(["orders", "--via", "dev", "--as", "static"]);
    expect(seen()).toMatchObject({
      AWS_ACCESS_KEY_ID: SERVED.accessKeyId,
      AWS_SECRET_ACCESS_KEY: SERVED.secretAccessKey,
      AWS_SESSION_TOKEN: SERVED.sessionToken,
    });
    expect(seen()).not.toHaveProperty("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  });

  it("takes lambda.via where no --via is given, and the choices are said where neither is", async () => {
    const without = await exec(["orders"]);
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("lambda: { via: dev }")]);
    fixture.control.lambdaVia = "prod";
    expect(await exec(["orders"])).toMatchObject({ code: 0 });
    expect(fixture.control.requests("lease-child")[0]?.role).toBe("lambda:orders@prod");
  });

  it("takes the current role where nothing names one, and says so", async () => {
    await fixture.run(["use", "dev"]);
    const { code, stderr } = await exec(["orders"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("orders: by the current role, dev")]);
    expect((await exec(["orders", "--via", "dev"])).stderr).not.toContain("current role");
  });

  it("asks in the region that is given, and takes nothing else for one", async () => {
    expect(await exec(["orders", "--via", "dev", "--region", "us-east-2"])).toMatchObject({ code: 0 });
    expect(fixture.control.requests("lambda-role")[0]).toMatchObject({ region: "us-east-2" });
    const { code, stderr } = await exec(["orders", "--via", "dev", "--region", "europe"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--region eu-west-1")]);
  });

  it("says that the function has another role than when it was last read", async () => {
    fixture.control.addFunction("moved", { change: "the role of moved is another" });
    expect((await exec(["moved", "--via", "dev"])).stderr).toContain("the role of moved is another");
  });

  it("says the limits of the session-policy mode", async () => {
    fixture.control.addFunction("orders", { notes: ["effective permissions = role dev AND the function role's"] });
    expect((await exec(["orders", "--via", "dev"])).stderr).not.toContain("effective");
    const { stderr } = await exec(["orders", "--via", "dev", "--mode", "session-policy"]);
    expect(stderr).toContain("effective permissions");
    expect(fixture.control.requests("lease-child")[1]?.role).toBe("lambda:orders@dev+session-policy");
  });

  it("names both ways where the trust policy says no, and takes neither", async () => {
    const denial = { code: "AssumeRoleDenied", message: "AccessDenied", hint: "x" } as const;
    fixture.control.failing.set("lambda:orders@dev", denial);
    const { code, stderr } = await exec(["orders", "--via", "dev"]);
    expect(code).toBe(125);
    expect(stderr).toContain("trust policy of arn:aws:iam::111111111111:role/orders does not let dev assume it");
    expect(stderr).toContain("brokerctl lambda trust orders --via dev");
    expect(stderr).toContain("--mode session-policy --via ROLE");
    expect(fixture.control.requests("lambda-role")).toHaveLength(1);
    expect(existsSync(seenFile)).toBe(false);
  });

  it("leaves a denial in session-policy mode as it is: there the trust policy has no say", async () => {
    const role = "lambda:orders@dev+session-policy";
    fixture.control.failing.set(role, { code: "AssumeRoleDenied", message: "dev denied", hint: "x" });
    const { code, stderr } = await exec(["orders", "--via", "dev", "--mode", "session-policy"]);
    expect([code, stderr]).toEqual([125, expect.not.stringContaining("trust")]);
  });

  it("offers the login that via needs on a terminal, and exits 4 elsewhere", async () => {
    fixture.control.needMfa("dev", "123456");
    expect(await exec(["orders", "--via", "dev"])).toMatchObject({ code: 4 });
    const answers = [
      [/Log in now/, true],
      [/MFA code/, "123456"],
    ] as const;
    expect(await exec(["orders", "--via", "dev"], { answers })).toMatchObject({ code: 0 });
  });

  it.each([
    ["a function that is not there", ["nosuch", "--via", "dev"], 125],
    ["a mode that is none", ["orders", "--via", "dev", "--mode", "guess"], 2],
    ["a task root that is none", ["orders", "--via", "dev", "--task-root", "nosuch"], 2],
    ["a duration that is none", ["orders", "--via", "dev", "--for", "soon"], 2],
    ["an end for keys", ["orders", "--via", "dev", "--as", "static", "--for", "5m"], 2],
    ["no function", [], 2],
  ])("refuses %s", async (_, argv, expected) => {
    expect(await exec(argv)).toMatchObject({ code: expected });
    expect(existsSync(seenFile)).toBe(false);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
  });

  it("passes exit codes, names the task root and ends the lease with --for", async () => {
    mkdirSync(join(fixture.home, "code"));
    const argv = ["orders", "--via", "dev", "--task-root", "code", "--for", "5m"];
    expect(await exec(argv)).toMatchObject({ code: 0 });
    expect(seen()["LAMBDA_TASK_ROOT"]).toBe(join(fixture.home, "code"));
    expect(fixture.control.requests("lease-child")[0]?.forSeconds).toBe(300);
    const run = (...command: string[]): Promise<RunResult> =>
      fixture.run(["lambda", "exec", "orders", "--via", "dev", "--", ...command]);
    expect(await run("sh", "-c", "exit 7")).toMatchObject({ code: 7 });
    expect(await run(join(fixture.home, "nosuch"))).toMatchObject({ code: 127 });
    expect(await run("")).toMatchObject({ code: 2 });
  });

  it("keeps a PATH of the function beside this machine's, and leaves out names that nothing can hold", async () => {
    const variables = { PATH: "/opt/bin", "a b": "1" };
    fixture.control.addFunction("orders", { context: { variables } });
    const { stderr } = await exec(["orders", "--via", "dev"], { env: { PATH: "/usr/bin" } });
    expect(seen()["PATH"]).toBe("/usr/bin:/opt/bin");
    expect(stderr).toContain('"a b"');
  });
});
