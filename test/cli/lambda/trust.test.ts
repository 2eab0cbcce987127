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

  it("prints JSON with all that is known", async () => {
    const { json, stderr } = await trust("--via", "dev", "--apply", "--json");
    expect(stderr).toBe("");
    expect(json).toEqual({
      role_arn: "arn:aws:iam::111111111111:role/orders",
      principal: DEV,
      statement: { Effect: "Allow", Principal: { AWS: DEV } },
      is_present: true,
      changed: true,
      notes: ["a note"],
    });
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
