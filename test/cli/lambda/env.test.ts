import { beforeEach, describe, expect, it } from "vitest";
import { SERVED } from "../../fakes/fake-control.js";
import { canarySecretKey } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";

interface Changes {
  readonly set: Record<string, string>;
  readonly unset: string[];
}

const PASSWORD = canarySecretKey("function variable");
let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control
    .addSource("ops")
    .addRole("dev")
    .addFunction("orders", { context: { variables: { PASSWORD, AWS_ACCESS_KEY_ID: "theirs" } } });
});

async function changes(...argv: string[]): Promise<Changes> {
  const { stdout, stderr, code } = await fixture.run(
    ["lambda", "env", "orders", "--via", "dev", ...argv, "--format", "json"],
    {
      env: { PATH: "/usr/bin" },
    },
  );
  expect([code, stderr]).toEqual([0, stderr]);
  return JSON.parse(stdout) as Changes;
}

describe("lambda env", () => {
  it("prints a lease pinned to the function's role, and the function's variables", async () => {
    const { set, unset } = await changes();
    expect(set).toMatchObject({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringContaining("/lease/brk_") as string,
      PASSWORD,
      AWS_LAMBDA_FUNCTION_NAME: "orders",
      AWS_REGION: "eu-west-1",
      NO_PROXY: "127.0.0.1,localhost",
    });
    expect(set).not.toHaveProperty("PATH");
    expect(unset).toContain("AWS_ACCESS_KEY_ID");
    expect(fixture.control.leases.map(({ name }) => name)).toContain("role:lambda:orders@dev");
    expect((await changes()).set["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).toBe(set["AWS_CONTAINER_CREDENTIALS_FULL_URI"]);
  });

  it("prints the names of its variables alone, where that is asked for, and makes no lease", async () => {
    const { stdout, stderr } = await fixture.run(["lambda", "env", "orders", "--via", "dev", "--names"]);
    expect(stdout).toBe("AWS_ACCESS_KEY_ID\nPASSWORD\n");
    expect(stdout + stderr).not.toContain(PASSWORD);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
    expect(fixture.control.requests("warm")).toEqual([]);
  });

  it("makes a lease that ends with a process, where one is named, else for a time", async () => {
    await changes("--pid", String(process.pid), "--for", "2h");
    const { role, pid, forSeconds } = fixture.control.requests("lease-child")[0]!;
    expect([role, pid, forSeconds]).toEqual(["lambda:orders@dev", process.pid, 7200]);
    await changes("--for", "2h");
    expect(fixture.control.requests("lease-access")).toEqual([{ pinnedRole: "lambda:orders@dev", forSeconds: 7200 }]);
    for (const wrong of [
      ["--pid", "1"],
      ["--pid", "x"],
      ["--pid", "2", "--as", "static"],
    ]) {
      expect(await fixture.run(["lambda", "env", "orders", "--via", "dev", ...wrong])).toMatchObject({ code: 2 });
    }
  });

  it("prints keys where they are asked for, and leaves no lease", async () => {
    expect((await changes("--as", "static")).set).toMatchObject({ AWS_ACCESS_KEY_ID: SERVED.accessKeyId });
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
  });

  it("leads no SDK to files of the function's choosing, where other credentials may lie", async () => {
    const variables = { HOME: "/tmp", AWS_CONFIG_FILE: "/tmp/config", AWS_SHARED_CREDENTIALS_FILE: "/tmp/keys" };
    fixture.control.addFunction("orders", { context: { variables } });
    const { set } = await changes();
    for (const name of Object.keys(variables)) expect(set).not.toHaveProperty(name);
  });

  it("prints what a shell evaluates", async () => {
    const { stdout, stderr } = await fixture.run(["lambda", "env", "orders", "--via", "dev"]);
    expect(stdout).toContain(`export PASSWORD='${PASSWORD}'`);
    expect(stdout).toContain("export _HANDLER='app.handler'");
    expect(stderr).toContain("AWS_ACCESS_KEY_ID");
  });

  it.each([
    ["a function that is not there", ["nosuch", "--via", "dev"], 1],
    ["no via", ["orders"], 2],
    ["a wrong flag", ["orders", "--vai", "dev"], 2],
  ])("takes everything away and fails for %s", async (_, argv, expected) => {
    const { code, stdout } = await fixture.run(["lambda", "env", ...argv]);
    expect(code).toBe(expected);
    expect(stdout).toMatch(/^unset .*AWS_CONTAINER_CREDENTIALS_FULL_URI.*\nfalse\n$/);
  });
});
