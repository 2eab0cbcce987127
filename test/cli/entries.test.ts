import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addRole("prod");
});

const config = (): string => readFileSync(fixture.configFile, "utf8");

describe("role list and source list", () => {
  it("list what status knows, with how many roles a source signs for", async () => {
    expect((await fixture.run(["role", "list", "pro"])).stdout).toMatch(/prod/);
    expect((await fixture.run(["source", "list"])).stdout).toMatch(/ops +keys +ready +- +2/);
    expect((await fixture.run(["source", "list", "--json"])).json).toEqual([
      { name: "ops", type: "keys", state: "ready", expires_at: null, roles: 2 },
    ]);
  });
});

describe("role show", () => {
  it("prints the entry as it is written, its state, and what uses it", async () => {
    fixture.control.usedBy = ["roles.prod.source_role"];
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    const { code, stdout, stderr } = await fixture.run(["role", "show", "dev"]);
    expect([code, stdout]).toEqual([0, "dev:\n  source: ops\n"]);
    expect(stderr).toContain(`${fixture.configFile}:7, idle`);
    expect(stderr).toContain("named by roles.prod.source_role, lease ide");
    expect((await fixture.run(["role", "show", "dev", "--json"])).json).toMatchObject({
      ...{ role: "dev", line: 7, fields: { source: "ops" }, used_by: ["roles.prod.source_role"] },
      leases: [{ name: "ide" }],
    });
  });

  it("exits 2 for one that is not there", async () => {
    const { code, error } = await fixture.run(["source", "show", "osp", "--json"]);
    expect([code, error?.hint]).toEqual([2, "brokerctl source list"]);
  });
});

describe("role rename", () => {
  it("writes the file, then has leases follow, and says how many did", async () => {
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    const { code, stderr } = await fixture.run(["role", "rename", "dev", "orders"]);
    expect([code, config()]).toEqual([0, "version: 1\n# role orders\n"]);
    expect(fixture.control.calls.map(({ operation }) => operation)).toEqual(["entry-rename", "entry-renamed"]);
    expect(stderr).toContain("1 lease has followed");
  });

  it("warns of rules that decide otherwise now, and of profiles that name it", async () => {
    fixture.control.configNotes = ["rule 1 of requests (d*) fits dev and does not fit orders"];
    const awsConfig = join(fixture.home, "aws-config");
    const env = { AWS_CONFIG_FILE: awsConfig, AWS_SHARED_CREDENTIALS_FILE: join(fixture.home, "none") };
    writeFileSync(awsConfig, "[profile other]\nregion = eu-west-1\n");
    expect((await fixture.run(["role", "rename", "dev", "orders"], { env })).stderr).not.toContain("profiles sync");
    await fixture.run(["profiles", "sync"], { env });
    const { stderr } = await fixture.run(["role", "rename", "orders", "dev"], { env });
    expect(stderr).toContain("warning: rule 1 of requests");
    expect(stderr).toContain("hint: brokerctl profiles sync");
  });

  it("exits 2 for what is no name, and nothing is written", async () => {
    const { code } = await fixture.run(["source", "rename", "ops", "a:b"]);
    expect([code, config(), fixture.control.calls]).toEqual([2, "version: 1\n", []]);
  });
});

describe("role remove", () => {
  it("asks, and does nothing without a yes", async () => {
    expect(await fixture.run(["role", "remove", "dev"], { answers: [[/Remove role dev from/, false]] })).toMatchObject({
      code: 1,
    });
    expect(await fixture.run(["role", "remove", "dev"])).toMatchObject({ code: 2 });
    expect(config()).toBe("version: 1\n");
    const { code, json } = await fixture.run(["role", "remove", "dev", "--yes", "--json"]);
    expect([code, config(), json]).toEqual([
      ...[0, "version: 1\n# no role dev\n"],
      { role: "dev", summary: ["removes role dev"] },
    ]);
  });

  it("is refused before it asks while something names it", async () => {
    fixture.control.usedBy = ["roles.prod.source_role"];
    const { code, stderr } = await fixture.run(["role", "remove", "dev", "--yes"]);
    expect([code, config()]).toEqual([1, "version: 1\n"]);
    expect(stderr).toContain("roles.prod.source_role");
  });
});
