import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";

const DEV = "arn:aws:iam::111111111111:role/dev";
let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addFunction("orders");
});

const trust = (...argv: string[]): Promise<RunResult> => fixture.run(["lambda", "trust", "orders", ...argv]);

describe("lambda trust", () => {
  it("prints exactly the statement, and explains on stderr", async () => {
    const { code, json, stderr } = await trust("--via", "dev");
    expect([code, json]).toEqual([0, { Effect: "Allow", Principal: { AWS: DEV } }]);
    expect(stderr).toContain("is missing in the trust policy: arn:aws:iam::111111111111:role/orders");
    expect(stderr).toContain("brokerctl lambda trust orders --via dev --apply");
    expect(stderr).toContain("a note");
    expect(fixture.control.requests("lambda-trust")).toEqual([{ function: "orders", via: "dev", action: "show" }]);
  });

  it("adds it and removes it, and says when there was nothing to do", async () => {
    fixture.control.lambdaVia = "dev";
    expect((await trust("--apply")).stderr).toContain("added to the trust policy");
    expect((await trust("--apply")).stderr).toContain("stood in the trust policy already");
    expect((await trust()).stderr).toContain("stands in the trust policy");
    expect((await trust("--undo")).stderr).toContain("removed from the trust policy");
    expect((await trust("--undo")).stderr).toContain("nothing removed");
  });

  it("names the same function in the command that it hints at", async () => {
    fixture.control.stacks.set("shop", new Map([["OrdersFunction", "orders"]]));
    const { stderr } = await fixture.run([
      ...["lambda", "trust", "OrdersFunction", "--stack", "shop", "--via", "dev", "--region", "eu-west-1"],
    ]);
    expect(stderr).toContain("trust OrdersFunction --via dev --region eu-west-1 --stack shop --apply");
  });

  it("prints JSON with all that is known", async () => {
    const { json, stderr } = await trust("--via", "dev", "--apply", "--json");
    expect(stderr).toBe("");
    expect(json).toEqual({
      role_arn: "arn:aws:iam::111111111111:role/orders",
      principal: DEV,
      statement: { Effect: "Allow", Principal: { AWS: DEV } },
      is_present: true,
      changed: true,
      until: null,
      owner: null,
      notes: ["a note"],
    });
  });

  it("passes the terms on, and says until when it lets in", async () => {
    const { stderr } = await trust("--via", "dev", "--apply", "--until", "8h", "--own-session");
    expect(fixture.control.requests("lambda-trust")).toEqual([
      { function: "orders", via: "dev", action: "apply", seconds: 28_800, ownSession: true },
    ]);
    expect(stderr).toMatch(/It lets in until .*\(in 8 h 00 min\)/);
    expect((await trust("--via", "dev", "--until", "8h")).stderr).toContain("in 8 h");
    expect(await trust("--via", "dev", "--undo", "--until", "8h")).toMatchObject({ code: 2 });
  });

  it("says of a role that a template makes where the statement belongs, and else that it may be so", async () => {
    expect((await trust("--via", "dev")).stderr).toContain("is drift");
    fixture.control.roleOwner = { tool: "CloudFormation", stack: "orders-dev", logicalId: "OrdersRole" };
    const { stderr, stdout } = await trust("--via", "dev", "--apply");
    expect(stderr).toContain("made by CloudFormation, stack orders-dev, resource OrdersRole: --apply is drift");
    expect(stderr).toContain(`- Effect: "Allow"\n  Principal:\n    AWS: "${DEV}"`);
    expect(JSON.parse(stdout)).toEqual({ Effect: "Allow", Principal: { AWS: DEV } });
    expect((await trust("--via", "dev", "--undo")).stderr).not.toContain("drift");
    fixture.control.roleOwner = { tool: "Terraform" };
    expect((await trust("--via", "dev")).stderr).toContain("made by Terraform");
  });

  it("prints the statement for templates alone, where that is asked for", async () => {
    fixture.control.roleOwner = { tool: "SAM" };
    const { stdout, stderr } = await trust("--via", "dev", "--format", "yaml");
    expect(stdout).toBe(`- Effect: "Allow"\n  Principal:\n    AWS: "${DEV}"\n`);
    expect(stderr).not.toContain("In the template");
  });

  it("refuses both flags at once, and a function that is not there", async () => {
    expect(await trust("--via", "dev", "--apply", "--undo")).toMatchObject({ code: 2 });
    expect(fixture.control.requests("lambda-trust")).toEqual([]);
    expect(await fixture.run(["lambda", "trust", "nosuch", "--via", "dev"])).toMatchObject({ code: 1, stdout: "" });
    fixture.control.refusing.set("lambda-trust", { code: "AccessDenied", message: "no iam:UpdateAssumeRolePolicy" });
    expect(await trust("--via", "dev", "--apply")).toMatchObject({ code: 5, stdout: "" });
  });

  it("offers the login that via needs", async () => {
    fixture.control.needMfa("dev", "123456");
    expect(await trust("--via", "dev")).toMatchObject({ code: 4 });
    const answers = [
      [/Log in now/, true],
      [/MFA code/, "123456"],
    ] as const;
    const { code } = await fixture.run(["lambda", "trust", "orders", "--via", "dev"], { answers });
    expect(code).toBe(0);
  });
});
