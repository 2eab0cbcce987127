import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control
    .addSource("ops")
    .addRole("dev")
    .addFunction("orders")
    .addFunction("billing", { isImage: true, context: { runtime: null, handler: null, variables: { SECRET: "x" } } });
  fixture.control.stacks.set("shop", new Map([["OrdersFunction", "orders"]]));
});

const list = (...argv: string[]): Promise<RunResult> => fixture.run(["lambda", "list", ...argv]);

describe("lambda list", () => {
  it("shows what can be named, and none of the variables", async () => {
    const { code, stdout } = await list("--via", "dev");
    expect(code).toBe(0);
    expect(stdout).toMatch(/NAME +RUNTIME +HANDLER +ROLE +MODIFIED/);
    expect(stdout).toMatch(/orders +provided\.al2023 +app\.handler +orders +60 min ago|orders +provided.al2023/);
    expect(stdout).toMatch(/billing +\(image\) +-/);
    expect(stdout).not.toContain("SECRET");
  });

  it("shows the logical ids of a stack", async () => {
    const { stdout } = await list("--via", "dev", "--stack", "shop");
    expect(stdout).toMatch(/LOGICAL ID +NAME/);
    expect(stdout).toMatch(/OrdersFunction +orders/);
    expect(stdout).not.toContain("billing");
    expect(fixture.control.requests("lambda-list")).toEqual([{ via: "dev", stack: "shop" }]);
  });

  it("prints JSON with all that is known of each", async () => {
    const { json } = await list("--via", "dev", "--stack", "shop", "--json", "--region", "eu-west-1");
    expect(json).toEqual({
      via: "dev",
      region: "eu-west-1",
      functions: [
        {
          name: "orders",
          arn: "arn:aws:lambda:eu-west-1:111111111111:function:orders",
          logical_id: "OrdersFunction",
          runtime: "provided.al2023",
          handler: "app.handler",
          is_image: false,
          role_arn: "arn:aws:iam::111111111111:role/orders",
          memory_size: 256,
          timeout: 3,
          last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        },
      ],
    });
    expect(fixture.control.requests("lambda-list")).toMatchObject([{ region: "eu-west-1" }]);
  });

  it("is by the current role where none is named, which is said, and tells what is refused", async () => {
    await fixture.run(["use", "dev"]);
    expect((await list()).stderr).toContain("functions in eu-west-1: by the current role, dev");
    fixture.control.refusing.set("lambda-list", { code: "AccessDenied", message: "AWS denies lambda:ListFunctions" });
    expect(await list()).toMatchObject({ code: 5, stdout: "" });
    expect(await list("--stack", "nosuch")).toMatchObject({ code: 5 });
    expect(await list("--region", "x")).toMatchObject({ code: 2 });
  });
});
