import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { CONTROL_C } from "../support/cli-run.js";

let fixture: CliFixture;
let shell: Record<string, string>;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addRole("prod-role");
  const lease = fixture.control.addLease("child", { role: "dev", holderPid: 1 });
  shell = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/lease/${lease.token}` };
});

const moved = (): unknown => fixture.control.requests("use")[0];

describe("use without ROLE", () => {
  const pick = (role: string): { readonly answers: [RegExp, string][] } => ({ answers: [[/Which role/, role]] });

  it("offers the config's roles and what logins can have, the last requested first, and marks the current one", async () => {
    fixture.control.sources.push({ name: "corp", type: "sso", state: "ready", expiresAt: null });
    fixture.control.addAccount("100000000001", "Data Platform", ["Admin", "ReadOnly"]);
    fixture.control.addRole("old", { lastRequestedAt: 1000 }).addRole("recent", { lastRequestedAt: 4e12 });
    fixture.control.addRole("data", { source: "corp", accountId: "100000000001", ssoRoleName: "Admin" });
    const { offered } = await fixture.run(["use"], { ...pick("corp:100000000001/ReadOnly"), env: shell });
    expect(offered[0]?.map(({ value }) => value)).toEqual([
      ...["recent", "dev", "old", "prod-role", "data"],
      "corp:100000000001/ReadOnly",
    ]);
    expect(offered[0]?.filter(({ label }) => label.includes("(current)"))).toMatchObject([{ value: "dev" }]);
    expect(offered[0]?.at(-1)?.label).toContain("Data Platform");
    expect(fixture.control.requests("use")).toMatchObject([{ role: "corp:100000000001/ReadOnly" }]);
    expect(fixture.control.requests("sso-accounts")).toEqual([{ source: "corp", maxAgeSeconds: 3600 }]);
  });

  it("marks the role of the lease that is to be moved", async () => {
    fixture.control.addLease("named", { name: "ide", role: "prod-role" });
    const { offered } = await fixture.run(["use", "--lease", "ide"], { ...pick("dev"), env: shell });
    expect(offered[0]?.filter(({ label }) => label.includes("(current)"))).toMatchObject([{ value: "prod-role" }]);
  });

  it("still offers the rest where a login is missing or its portal cannot be reached", async () => {
    fixture.control.sources.push({ name: "away", type: "sso", state: "login_required", expiresAt: null });
    fixture.control.sources.push({ name: "corp", type: "sso", state: "ready", expiresAt: null });
    fixture.control.refusing.set("sso-accounts", { code: "AwsUnreachable", message: "the portal cannot be reached" });
    const { code, stderr } = await fixture.run(["use"], pick("dev"));
    expect(code).toBe(0);
    expect(stderr).toContain("brokerctl login away");
    expect(stderr).toContain("the portal cannot be reached");
  });

  it("names no more than twenty roles where the user cannot choose", async () => {
    for (let n = 0; n < 100; n++) fixture.control.addRole(`r${String(n)}`);
    const { code, stderr } = await fixture.run(["use"]);
    expect(code).toBe(2);
    expect(stderr).toContain("r17, …");
    expect(stderr).not.toContain("r18");
  });
});

describe("Tab behind SOURCE:", () => {
  it("offers what logins were seen to have, by id and by names that one account has, without asking the portal", async () => {
    const of = (accountId: string, accountName: string, roleName: string): object => ({
      ...{ source: "corp", accountId, accountName, roleName },
    });
    const known = [
      of("100000000001", "Sandbox", "Admin"),
      of("100000000002", "Twice", "Admin"),
      of("100000000003", "twice", "Admin"),
      of("100000000004", "Two Words", "Admin"),
    ];
    fixture.control.knownRoles.push(...(known as (typeof fixture.control.knownRoles)[number][]));
    const { stdout } = await fixture.run(["completion", "fish", "--", "brokerctl", "use", "corp:"]);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t")[0]),
    ).toEqual([
      "words",
      "corp:100000000001/Admin",
      "corp:Sandbox/Admin",
      "corp:100000000002/Admin",
      "corp:100000000003/Admin",
      "corp:100000000004/Admin",
    ]);
    expect(fixture.control.requests("sso-accounts")).toEqual([]);
  });
});

describe("use", () => {
  it("moves this shell's lease, found by its URL, and says what was and what is", async () => {
    const { code, stdout, stderr } = await fixture.run(["use", "prod-role"], { env: shell });
    expect(code).toBe(0);
    expect(moved()).toMatchObject({ lease: { by: "token" }, role: "prod-role" });
    expect(stdout).toBe("");
    expect(stderr).toContain("dev (111111111111) → prod-role (111111111111)");
    expect(stderr).not.toContain("warning");
  });

  it("finds it by the token's variable or file as well", async () => {
    const uri = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/creds` };
    await fixture.run(["use", "dev"], { env: { ...uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: `Bearer ${TOKEN}` } });
    expect(moved()).toMatchObject({ lease: { by: "token", token: TOKEN } });
  });

  it("moves the default lease where the shell has none, and says that its programs do not ask", async () => {
    const { stderr } = await fixture.run(["use", "dev"]);
    expect(moved()).toMatchObject({ lease: { by: "default" } });
    expect(stderr).toContain("default lease: no role → dev");
    expect(stderr).toContain("AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
    expect(stderr).toContain('eval "$(brokerctl env)"');
  });

  it("sends no foreign token to the daemon", async () => {
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1",
      AWS_CONTAINER_AUTHORIZATION_TOKEN: TOKEN,
    };
    const { stderr } = await fixture.run(["use", "dev"], { env });
    expect(moved()).toMatchObject({ lease: { by: "default" } });
    expect(stderr).toContain("not the broker's");
  });

  it.each(["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_PROD_PROFILE"])("warns when %s shadows the lease", async (name) => {
    const { stderr } = await fixture.run(["use", "dev"], { env: { ...shell, [name]: "x" } });
    expect(stderr).toContain(`programs in this shell use ${name} instead`);
  });

  it("moves the default or a named lease when told", async () => {
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    await fixture.run(["use", "dev", "--default"], { env: shell });
    await fixture.run(["use", "prod-role", "--lease", "ide"], { env: shell });
    expect(fixture.control.requests("use")).toEqual([
      { lease: { by: "default" }, role: "dev" },
      { lease: { by: "name", name: "ide" }, role: "prod-role" },
    ]);
  });

  it("moves for a while, and says where it goes back to", async () => {
    const { stderr } = await fixture.run(["use", "prod-role", "--for", "30m"], { env: shell });
    expect(moved()).toMatchObject({ forSeconds: 1800 });
    expect(stderr).toContain("back to dev in 30 min");
  });

  it("prints it as JSON, and only that", async () => {
    const { json, stderr } = await fixture.run(["use", "prod-role", "--json"]);
    expect(json).toMatchObject({
      old: { role: null, expiration: null },
      new: { role: "prod-role", account_id: "111111111111", expiration: "2026-01-01T01:00:00Z" },
      lease: { name: "default", role: "prod-role" },
    });
    expect(stderr).toBe("");
  });

  it("lets the user choose when no role is named", async () => {
    const { code } = await fixture.run(["use"], { answers: [[/Which role/, "prod-role"]] });
    expect(code).toBe(0);
    expect(moved()).toMatchObject({ role: "prod-role" });
    expect(await fixture.run(["use"], { answers: [[/Which role/, CONTROL_C]] })).toMatchObject({ signal: "SIGINT" });
  });

  it("exits 2 with the choices where the user cannot choose", async () => {
    const { code, stderr } = await fixture.run(["use"]);
    expect(code).toBe(2);
    expect(stderr).toContain("dev, prod-role");
    fixture.control.roles.splice(0);
    expect((await fixture.run(["use"])).stderr).toContain("brokerctl role add");
  });

  it("leaves the lease where it was when a login is missing", async () => {
    fixture.control.needMfa("prod-role", "123456");
    const { code, error } = await fixture.run(["use", "prod-role", "--json"], { env: shell });
    expect(code).toBe(4);
    expect(error).toMatchObject({ code: "MfaRequired", hint: "brokerctl login ops" });
    expect(fixture.control.leases[1]).toMatchObject({ role: "dev" });
  });

  it("offers the login at a terminal", async () => {
    fixture.control.needMfa("prod-role", "123456");
    const answers = [
      [/Log in now/, true],
      [/MFA code/, "123456"],
    ] as const;
    expect(await fixture.run(["use", "prod-role"], { answers })).toMatchObject({ code: 0 });
  });

  it("exits 5 when AWS denies the role", async () => {
    fixture.control.failing.set("dev", { code: "AssumeRoleDenied", message: "not authorized" });
    expect(await fixture.run(["use", "dev"])).toMatchObject({ code: 5 });
  });

  it("says how to get a lease when this shell's has ended", async () => {
    fixture.control.leases.splice(1);
    const { code, stderr } = await fixture.run(["use", "dev"], { env: shell });
    expect(code).toBe(1);
    expect(stderr).toContain("the lease of this shell has ended");
    expect(stderr).toContain('eval "$(brokerctl env)"');
    expect(fixture.control.leases[0]).toMatchObject({ role: null });
  });
});
