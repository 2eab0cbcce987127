import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
});

let fixture: CliFixture;
let policyFile: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev");
  policyFile = join(tempDir("policy"), "policy.json");
  writeFileSync(policyFile, JSON.stringify(JSON.parse(POLICY), null, 2));
});

describe("a command that makes a lease", () => {
  it.each<readonly [string, readonly string[], "lease-create" | "lease-access" | "lease-child", string | undefined]>([
    ["lease create", ["lease", "create", "agent", "dev"], "lease-create", "credbroker: lease agent: 4711"],
    ["env", ["env", "dev"], "lease-access", "credbroker: 4711"],
    ["env --new", ["env", "dev", "--new", "--pid", String(process.pid)], "lease-child", "credbroker: 4711"],
  ])("sends what the flags come to, fetched before: %s", async (_, argv, operation, description) => {
    const flags = ["--service", "s3", "--service", "ec2:read", "--policy", policyFile, "--session-for", "5m"];

    const { code, stderr } = await fixture.run([...argv, ...flags, "--reason", "4711"]);

    expect([code, stderr]).toEqual([0, expect.anything()]);
    const scope = { services: ["ec2:read", "s3"], policy: POLICY, sessionSeconds: 300, description };
    expect(fixture.control.requests(operation).at(-1)).toMatchObject({ scope });
    expect(fixture.control.requests("warm").at(-1)).toEqual({ role: "dev", scope });
    expect(fixture.control.requests("guard-confirm").at(-1)).toMatchObject({ scope });
  });

  it.each<readonly [string, readonly string[], string]>([
    ["a service that there is not", ["--service", "s33"], "--service does not know s33: did you mean s3?"],
    ["keys of seconds", ["--session-for", "30s"], "--session-for must be 1m to 12h"],
    ["a file that there is not", ["--policy", "/nowhere/policy.json"], "/nowhere/policy.json cannot be read"],
    ["what is no ARN", ["--policy-arn", "ReadOnlyAccess"], "--policy-arn takes the ARN of a managed policy"],
  ])("refuses %s with 2, before brokerd is asked", async (_, flags, message) => {
    for (const argv of [
      ["lease", "create", "agent", "dev"],
      ["env", "dev"],
      ["exec", "dev"],
    ]) {
      const { code, stderr } = await fixture.run([...argv, ...flags, ...(argv[0] === "exec" ? ["--", "true"] : [])]);
      expect([argv[0], code, stderr]).toEqual([argv[0], 2, expect.stringContaining(message)]);
    }
    expect(fixture.control.calls).toEqual([]);
  });

  it("refuses flags that what it is given would not be narrowed by", async () => {
    const tried = [
      ["env", "--read-only"],
      ["env", "--lease", "agent", "--read-only"],
      ["exec", "--lease", "agent", "--read-only", "--", "true"],
      ["exec", "dev", "--with", "dev=OTHER_", "--read-only", "--", "true"],
    ];
    for (const argv of tried) {
      const { code, stderr } = await fixture.run(argv);
      expect([argv, code, stderr]).toEqual([argv, 2, expect.stringContaining("read-only")]);
    }
  });

  it("names a policy's size where AWS would find it too long", async () => {
    writeFileSync(policyFile, POLICY.replace('"*"', JSON.stringify("x".repeat(3000))));

    const { code, stderr } = await fixture.run(["lease", "create", "agent", "dev", "--policy", policyFile]);

    expect([code, stderr]).toEqual([2, expect.stringMatching(/is too long: 3\d{3} characters/)]);
  });
});

describe("lease show and lease list", () => {
  it("tell what narrows a lease, and how", async () => {
    await fixture.run(["lease", "create", "agent", "dev", "--read-only", "--session-for", "1m"]);

    expect((await fixture.run(["lease", "list"])).stdout).toContain("dev, read-only; keys of 1m");
    const { stdout } = await fixture.run(["lease", "show", "agent"]);
    expect(stdout).toMatch(/^only +read-only; keys of 1m$/m);
    const json = JSON.parse((await fixture.run(["lease", "show", "agent", "--json"])).stdout) as {
      readonly scope: object;
    };
    expect(json.scope).toMatchObject({ text: "read-only; keys of 1m", read_only: true, session_seconds: 60 });
  });
});

describe("lease narrow", () => {
  it("sends what the flags come to, and says what the lease had, has, and what its programs hold", async () => {
    const { id } = fixture.control.addLease("named", { name: "agent", role: "dev", movable: false });
    const held = { lease: id, leaseName: "agent", role: "dev", uid: 1000, pid: 4711, program: "aws", cwd: "/code" };
    fixture.control.holders.push({ ...held, lastServedAt: 0, until: Date.parse("2026-01-01T01:00:00Z") });

    const { code, stdout, stderr } = await fixture.run([
      "lease",
      "narrow",
      "agent",
      "--service",
      "s3",
      "--policy",
      policyFile,
      "--session-for",
      "5m",
      "--for",
      "30m",
    ]);

    expect([code, stdout]).toEqual([0, ""]);
    const scope = { services: ["s3"], policy: POLICY, sessionSeconds: 300 };
    expect(fixture.control.requests("lease-narrow")).toEqual([
      { lease: { by: "name", name: "agent" }, scope, forSeconds: 1800 },
    ]);
    expect(stderr).toContain(`lease agent: all of its role → s3; a policy of ${POLICY.length} characters; keys of 5m`);
    expect(stderr).toMatch(/it ends in 30 min[^]*aws, pid 4711, in \/code holds dev until \S+ \(in 1 h 00 min\)/);
  });

  it("ends with 5 where it would widen, and with 2 where nothing or no lease is named, or what narrows none", async () => {
    fixture.control.addLease("named", { name: "agent", role: "dev", movable: false });
    await fixture.run(["lease", "narrow", "agent", "--for", "10m"]);

    expect((await fixture.run(["lease", "narrow", "agent", "--for", "20m"])).code).toBe(5);
    for (const flags of [["agent"], ["--read-only"], ["agent", "--service", "s33"], ["default", "--read-only"]]) {
      expect([flags, (await fixture.run(["lease", "narrow", ...flags])).code]).toEqual([flags, 2]);
    }
  });
});

describe("request", () => {
  it("asks for what its flags leave of the role, which is shown to who decides", async () => {
    await fixture.run(["request", "dev", "--read-only", "--policy", policyFile, "--reason", "look"]);

    expect(fixture.control.requests("request-create").at(-1)).toMatchObject({
      role: "dev",
      scope: { readOnly: true, policy: POLICY },
    });
  });
});
