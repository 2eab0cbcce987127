import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";

const ASKED = ["--action", "s3:GetObject", "--resource", "arn:aws:s3:::shop/a"];
const DENIAL = { action: "s3:GetObject", resource: "arn:aws:s3:::shop/a" };

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addFunction("shop-prod-orders");
  fixture.control.stacks.set("shop", new Map([["OrdersFunction", "shop-prod-orders"]]));
  writeFileSync(
    join(fixture.home, "serverless.yml"),
    "service: shop\nprovider: { region: eu-central-1 }\nfunctions: { orders: { handler: a.b } }\n",
  );
});

const why = (...argv: readonly string[]): Promise<RunResult> => fixture.run(["lambda", "why", ...argv, "--via", "dev"]);

describe("lambda why", () => {
  it("asks for the function that a template has for a stage, in its region", async () => {
    const { code, stdout } = await why("orders", "--template", "serverless.yml", "--stage", "prod", ...ASKED);

    expect([code, stdout]).toEqual([0, expect.stringContaining("s3:GetObject is not allowed\n  - a finding\nadd to ")]);
    expect(fixture.control.requests("lambda-why")).toMatchObject([
      { function: "shop-prod-orders", region: "eu-central-1", via: "dev", denial: DENIAL },
    ]);
  });

  it("asks for what a stack has made of a logical id", async () => {
    const { json } = await why("OrdersFunction", "--stack", "shop", "--region", "eu-west-1", "--json", ...ASKED);

    expect(json).toMatchObject({ function: "shop-prod-orders", denial: DENIAL, not_looked_at: ["the rest"] });
    expect(fixture.control.requests("lambda-why")).toMatchObject([
      { function: "OrdersFunction", stack: "shop", region: "eu-west-1", via: "dev" },
    ]);
  });

  it.each([
    ["a template without the function", ["nosuch", "--template", "serverless.yml", ...ASKED], "has no function nosuch"],
    ["a resource without an action or a message", ["orders", "--resource", "arn:aws:s3:::a"], "--resource"],
    ["an action that is none", ["orders", "--action", "GetObject"], "--action takes an action"],
    ["a message without a refusal", ["orders", "--message", "all is well"], "has nothing in it that AWS says"],
  ])("asks brokerd nothing for %s", async (_, argv, said) => {
    expect(await why(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) as string });
    expect(fixture.control.requests("lambda-why")).toEqual([]);
  });
});
