import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { canarySecretKey } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev");
  fixture.control.keys.push({ source: "ops", accessKeyIdSuffix: "OLD1", addedAt: 0, rotatedAt: null });
  fixture.control.addLease("named", { name: "ide", role: "dev" });
});

describe("--json", () => {
  it.each<[string, object]>([
    ["config check", { sources: 1, roles: 1 }],
    ["keys rotate ops --yes", { source: "ops", access_key_id_suffix: "NEWK", notes: ["the old key was deleted"] }],
    ["keys remove ops --yes", { source: "ops", access_key_id_suffix: "OLD1" }],
    ["lease rotate ide", { lease: { name: "ide" }, token: `brk_${"r".repeat(43)}` }],
    ["lease narrow ide --read-only", { lease: { scope: { read_only: true } }, old: { scope: null }, made: [] }],
    ["lease revoke ide", { name: "ide", role: "dev" }],
    ["lease list", { leases: [{ name: "default" }, { name: "ide" }] }],
    ["refresh", { refreshed: [{ role: "dev" }], failed: [] }],
    ["role add new --source ops", { role: "new", summary: ["added role new"] }],
  ])("%s prints one value on stdout, and nothing for people", async (argv, expected) => {
    const { code, json, stderr } = await fixture.run([...argv.split(" "), "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(json).toMatchObject(expected);
  });

  it("keys add prints what was stored, never the key", async () => {
    const csv = join(tempDir("csv", "input"), "k.csv");
    const secret = canarySecretKey("Json");
    writeFileSync(csv, `Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,${secret}\n`);
    const { json, stdout, stderr } = await fixture.run(["keys", "add", "ops", "--csv", csv, "--replace", "--json"]);
    expect(json).toMatchObject({ source: "ops", access_key_id_suffix: "MPLE", notes: [] });
    expect(stdout + stderr).not.toContain(secret);
  });

  it("says how a lease goes on that was moved for a while", async () => {
    await fixture.run(["use", "dev", "--lease", "ide", "--for", "30m"]);
    expect((await fixture.run(["lease", "show", "ide", "--json"])).json).toMatchObject({
      temporary: { until: "2026-01-01T00:30:00Z", then_role: "dev" },
    });
    expect((await fixture.run(["lease", "show", "ide"])).stdout).toContain("then       dev in 30 min");
  });
});

describe("the endpoint behind credential-process", () => {
  it("is named when it cannot be reached", async () => {
    Object.defineProperty(fixture.control, "endpointUrl", { value: "http://127.0.0.1:1" });
    const { code, stderr } = await fixture.run(["credential-process", "dev"]);
    expect(code).toBe(3);
    expect(stderr).toContain("http://127.0.0.1:1 cannot be reached");
  });
});
