import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DeployedFixture } from "./deployed-fixture.js";
import { arn, FUNCTIONS, IMAGE, LANGUAGES, type Language, ORPHAN, VARIABLES, WORKER_ROLE } from "./deployment.js";

let fixture: DeployedFixture;
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
}, 120_000);
afterAll(async () => fixture.close());

const NOTHING = ["--", process.execPath, "-e", "process.exit(42)"];

describe("a function that is not there", () => {
  it.each([
    { command: "exec", rest: NOTHING, code: 125 },
    { command: "invoke", rest: [], code: 1 },
    { command: "trust", rest: [], code: 1 },
  ])("lambda $command ends with $code and names it and its region", async ({ command, rest, code }) => {
    const outcome = await fixture.ctl(["lambda", command, "no-such-function", "--via", "dev", ...rest]);

    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(/no Lambda function no-such-function in eu-west-1/);
  });

  it("lambda env leaves no old credentials in the shell", async () => {
    const outcome = await fixture.ctl(["lambda", "env", "no-such-function", "--via", "dev"]);

    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toMatch(/^unset .*AWS_ACCESS_KEY_ID/m);
    expect(outcome.stdout.trimEnd().split("\n").at(-1)).toBe("false");
  });
});

describe("a function that the developer may not read", () => {
  beforeAll(() => fixture.proxy.deny("GET /2015-03-31/functions/"));
  afterAll(() => fixture.proxy.admit());

  it.each([
    { command: "exec", rest: NOTHING, code: 125 },
    { command: "invoke", rest: [], code: 5 },
    { command: "trust", rest: [], code: 5 },
  ])("lambda $command ends with $code and names the permission", async ({ command, rest, code }) => {
    const outcome = await fixture.ctl(["lambda", command, FUNCTIONS.node.name, "--via", "dev", ...rest]);

    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toContain("lambda:GetFunctionConfiguration");
  });
});

describe("a function whose role was deleted", () => {
  it("cannot be run as it: refused, and the role named", async () => {
    const outcome = await fixture.ctl(["lambda", "invoke", ORPHAN, "--via", "dev"]);

    expect(outcome).toMatchObject({ code: 5, stdout: "" });
    expect(outcome.stderr).toContain(arn("orphan"));
  });

  it.each([
    ["its trust policy is not found", ["lambda", "trust", ORPHAN, "--via", "dev", "--apply"]],
    ["its policies are not found", ["lambda", "invoke", ORPHAN, "--via", "dev", "--mode", "session-policy"]],
  ])("%s", async (_, args) => {
    const outcome = await fixture.ctl(args);

    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toContain("orphan");
  });
});

describe("a function that is an image", () => {
  beforeAll(async () => {
    expect(await fixture.ctl(["lambda", "trust", IMAGE, "--via", "dev", "--apply"])).toMatchObject({ code: 0 });
  });

  it("gives its role and variables", async () => {
    const print = ["--", process.execPath, "-p", "JSON.stringify(process.env)"];

    const outcome = await fixture.ctl(["lambda", "exec", IMAGE, "--via", "dev", ...print]);

    expect(outcome.code).toBe(0);
    const env = JSON.parse(outcome.stdout) as Record<string, string>;
    expect(env).toMatchObject({ ...VARIABLES, AWS_LAMBDA_FUNCTION_NAME: IMAGE });
    expect(Object.keys(env)).not.toContain("_HANDLER");
  });

  it("has no runtime that could be chosen: says so, and how to name one", async () => {
    const outcome = await fixture.ctl(["lambda", "invoke", IMAGE, "--via", "dev"]);

    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(outcome.stderr).toContain("image");
    expect(outcome.stderr).toContain("-- CMD");
  });

  it("runs with the runtime that is named", async () => {
    const outcome = await fixture.invoke("go", { do: "identity" }, { function: IMAGE, flags: ["--", "./bootstrap"] });

    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toContain(`${WORKER_ROLE}/${IMAGE}`);
  });
});

describe("a runtime that is not here", () => {
  it("is told with the file that is missing from the function's code", async () => {
    const outcome = await fixture.ctl(["lambda", "invoke", FUNCTIONS.rust.name, "--via", "dev"]);

    expect(outcome).toMatchObject({ code: 127, stdout: "" });
    expect(outcome.stderr).toMatch(/no such file: .*\/bootstrap/);
  });

  it("is told as a program that is not found, where it was named", async () => {
    const outcome = await fixture.ctl([
      "lambda",
      "invoke",
      FUNCTIONS.rust.name,
      "--via",
      "dev",
      "--",
      "./no-such-client",
    ]);

    expect(outcome).toMatchObject({ code: 127, stdout: "" });
    expect(outcome.stderr).toContain("./no-such-client");
  });
});

const BUILT = resolve(".lambda-clients");
const SHARED_FUNCTIONS = resolve("test/runtime-api/functions");
/** Functions that misbehave when they are told to, and the command that runs them where the handler does not say it. */
const MISBEHAVING: Readonly<Record<Language, { readonly root: string; readonly command?: readonly string[] }>> = {
  node: { root: SHARED_FUNCTIONS },
  python: { root: SHARED_FUNCTIONS },
  go: { root: join(BUILT, "go") },
  rust: { root: join(BUILT, "rust", "debug"), command: ["--", "./orders"] },
};

describe.each(LANGUAGES)("a handler in %s that", (language) => {
  const invoke = (event: unknown, flags: readonly string[] = []) => {
    const { root, command = [] } = MISBEHAVING[language];
    const args = ["--task-root", root, "--event", "-", ...flags, ...command];
    const input = JSON.stringify(event);
    return fixture.ctl(["lambda", "invoke", FUNCTIONS[language].name, "--via", "dev", ...args], { input });
  };
  const errorOf = (stdout: string) => JSON.parse(stdout) as { errorType: string; errorMessage: string };

  afterEach(async () => {
    const { stdout } = await fixture.ctl(["lease", "list", "--json"]);
    expect(stdout).not.toContain('"child"');
  });

  it("throws: 1, and its error document", async () => {
    const { code, stdout, stderr } = await invoke({ do: "throw", message: "no such order" });

    expect(code).toBe(1);
    expect(errorOf(stdout).errorMessage).toBe("no such order");
    expect(stderr).toContain("no such order");
    expect(stderr).toContain("Status: error");
  });

  it("hangs: 1 when its time is up, which is told", async () => {
    const { code, stdout, stderr } = await invoke({ do: "hang" }, ["--timeout", "2"]);

    expect(code).toBe(1);
    expect(errorOf(stdout).errorType).toBe("Sandbox.Timedout");
    expect(stderr).toContain("Task timed out after 2.00 seconds");
    expect(stderr).toContain("Status: timeout");
  });

  it("exits: 1, and with which status it did", async () => {
    const { code, stdout, stderr } = await invoke({ do: "exit" });

    expect(code).toBe(1);
    expect(errorOf(stdout).errorType).toBe("Runtime.ExitError");
    expect(stderr).toContain("exit status 7");
  });

  it("prints 10 MB: 0, all of it on stderr and nothing but the result on stdout", async () => {
    const { code, stdout, stderr } = await invoke({ do: "print" });

    expect({ code, stdout }).toEqual({ code: 0, stdout: '"printed"\n' });
    expect(stderr.length).toBeGreaterThan(10 * 1024 * 1024);
    expect(stderr).toMatch(/REPORT RequestId: .*\n$/);
  });
});
