import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import type { RunResult } from "../support/cli-run.js";

const ARN = "arn:aws:iam::111111111111:role/deploy";
let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev");
});

const deployRole = (...argv: string[]): Promise<RunResult> => fixture.run(["setup", "deploy-role", "deploy", ...argv]);

describe("setup deploy-role", () => {
  it("prints the template alone on stdout, and explains it with the two commands that make the role", async () => {
    const { code, stdout, stderr } = await deployRole("--via", "dev", "--manage-roles", "orders-*");
    expect([code, stdout]).toEqual([0, "Resources: {}\n"]);
    expect(stderr).toContain("lets in   arn:aws:iam::111111111111:role/dev, with the external id credbroker-x");
    expect(stderr).toContain("aws cloudformation deploy --stack-name deploy-role --template-file deploy-role.yaml");
    expect(stderr).toContain(
      `brokerctl role add deploy --source-role dev --role-arn ${ARN} --external-id credbroker-x`,
    );
    expect(fixture.control.requests("deploy-role")).toEqual([
      { via: "dev", roleName: "deploy", policyArns: [], managedRoles: ["orders-*"], action: "show" },
    ]);
  });

  it("makes the role and adds it to the config, after a yes", async () => {
    expect(await deployRole("--via", "dev", "--apply")).toMatchObject({ code: 2 });
    const answers = [[/Make arn:.*role\/deploy/, false]] as const;
    const refused = await fixture.run(["setup", "deploy-role", "deploy", "--via", "dev", "--apply"], { answers });
    expect(refused.code).toBe(1);
    expect(fixture.control.requests("deploy-role").map(({ action }) => action)).toEqual(["show", "show"]);
    const { code, stderr } = await deployRole("--via", "dev", "--apply", "--yes");
    expect([code, stderr]).toEqual([0, expect.stringContaining(`made ${ARN}`)]);
    expect(fixture.control.requests("role-add")[0]).toMatchObject({
      name: "deploy",
      fields: { source_role: "dev", role_arn: ARN, external_id: "credbroker-x" },
    });
  });

  it("says that it is there already, and adds no second entry", async () => {
    await deployRole("--via", "dev", "--apply", "--yes");
    const { code, stderr } = await deployRole("--via", "dev", "--apply", "--yes");
    expect([code, stderr]).toEqual([0, expect.stringContaining("was there already")]);
    expect(fixture.control.requests("role-add")).toHaveLength(1);
  });

  it("needs to know who is to be let in", async () => {
    fixture.control.refusing.set("deploy-role", { code: "UsageInvalid", message: "which role is not said" });
    expect(await deployRole()).toMatchObject({ code: 2, stdout: "" });
    expect(await fixture.run(["setup", "deploy-role", "--via", "dev"])).toMatchObject({ code: 2 });
  });
});
