import { beforeEach, describe, expect, it } from "vitest";
import { NOW, SERVED, TOKEN } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev", { state: "ready", expiration: NOW + 3_540_000, refreshAt: NOW });
});

describe("status", () => {
  it("has exactly the fields that scripts rely on", async () => {
    fixture.control.addLease("named", { name: "ide", role: "dev", expiresAt: NOW + 1000, lastUsedAt: NOW });
    const { json, stderr } = await fixture.run(["status", "--json"]);
    expect(stderr).toBe("");
    expect(json).toMatchObject({
      daemon: {
        pid: process.pid,
        version: "0.1.0",
        started_at: "2025-12-31T23:00:00Z",
        endpoint: fixture.control.endpointUrl,
        secret_store: "key_file",
        state: "ready",
        overrides: ["AWS_ENDPOINT_URL_STS=http://127.0.0.1:1"],
        peer_check: { on: true, why: null },
        memory: { on: true, why: null },
      },
      default_role: null,
      sources: [{ name: "ops", type: "keys", state: "ready", expires_at: null }],
      roles: [
        {
          name: "dev",
          source: "ops",
          state: "ready",
          role_arn: "arn:aws:iam::111111111111:role/dev",
          account_id: "111111111111",
          expiration: "2026-01-01T00:59:00Z",
          refresh_at: "2026-01-01T00:00:00Z",
          last_error: null,
        },
      ],
    });
    const { leases } = json as { leases: object[] };
    expect(leases[1]).toMatchObject({
      name: "ide",
      id: "lease-2",
      role: "dev",
      follows_default: false,
      created_at: "2025-12-31T23:00:00Z",
      expires_at: "2026-01-01T00:00:01Z",
      last_used_at: "2026-01-01T00:00:00Z",
      last_used_by: null,
    });
  });

  it("is a page for people, problems and warnings on stderr", async () => {
    Object.assign(fixture.control, {
      state: "degraded",
      warnings: ["a weak key file"],
      problem: { code: "ConfigInvalid", message: "config.yaml:3: no", hint: "brokerctl config edit" },
    });
    const { code, stdout, stderr } = await fixture.run(["status"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^brokerd 0\.1\.0, pid \d+, up 1 h 00 min: degraded\n/);
    expect(stdout).toMatch(/\nSOURCE {2}TYPE {2}STATE {2}LOGIN ENDS\nops +keys +ready +-\n/);
    expect(stdout).toContain("in 59 min");
    expect(stdout).not.toContain(TOKEN);
    expect(stderr).toContain("warning: a weak key file");
    expect(stderr).toContain("config.yaml:3: no");
  });

  it("says whether the user behind a connection is checked, and why not", async () => {
    expect((await fixture.run(["status"])).stdout).toMatch(/\nwho asks {6}programs of your user only\n/);
    fixture.control.peerCheck = { on: false, why: "macOS does not tell it" };
    const { stdout } = await fixture.run(["status"]);
    expect(stdout).toMatch(/\nwho asks {6}not known, the token alone decides: macOS does not tell it\n/);
  });

  it("shows what is in use first, and counts the rest where there is much of it", async () => {
    for (let n = 0; n < 40; n++) fixture.control.addRole(`idle-${n}`);
    fixture.control.addRole("held").addRole("failed", { state: "denied" });
    fixture.control.addLease("named", { name: "ide", role: "held" });
    const { stdout } = await fixture.run(["status"]);
    const rows = [...stdout.matchAll(/^ {3}(\S+) +\d{12} +ops/gm)].map(([, name]) => name);
    expect(rows.slice(0, 4)).toEqual(["failed", "dev", "held", "idle-0"]);
    expect(rows).toHaveLength(20);
    expect(stdout).toContain("\n… and 23 more roles: brokerctl status --all\n");

    const all = (await fixture.run(["status", "--all"])).stdout;
    expect(all.match(/^ {3}\S+ +\d{12} +ops/gm)).toHaveLength(43);
    expect(all).not.toContain("more roles");
    expect((await fixture.run(["status", "--json"])).json).toMatchObject({ roles: Array(43).fill({ source: "ops" }) });
  });

  it("says how many of those that are left out need the user", async () => {
    for (let n = 0; n < 1020; n++) fixture.control.addRole(`failed-${n}`, { state: "denied" });
    const { stdout } = await fixture.run(["status"]);
    expect(stdout).toContain("\n… and 1,001 more roles, 1,000 of which need you: brokerctl status --all\n");
  });

  it("of a brokerd of before this version is a page all the same, with all of it", async () => {
    for (let n = 0; n < 40; n++) fixture.control.addRole(`idle-${n}`);
    fixture.control.knowsRows = false;
    const { code, stdout } = await fixture.run(["status"]);
    expect(code).toBe(0);
    expect(stdout.match(/^ {3}\S+ +\d{12} +ops/gm)).toHaveLength(41);
  });

  it("exits 3 without a daemon, as one JSON object with --json", async () => {
    await fixture.control.close();
    const { code, stdout, error } = await fixture.run(["status", "--json"]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(error).toMatchObject({ code: "DaemonUnreachable", hint: "brokerctl start" });
  });
});

describe("roles", () => {
  it("marks the default role and tells what went wrong behind a role", async () => {
    fixture.control.addRole("prod", {
      state: "denied",
      lastError: { code: "AssumeRoleDenied", message: "not authorized", hint: "see the trust policy" },
    });
    fixture.control.defaultRole = "dev";
    const { stdout, stderr } = await fixture.run(["roles"]);
    expect(stdout).toMatch(/\n\* {2}dev +111111111111 +ops +- +ready/);
    expect(stdout).toMatch(/\n {3}prod .*denied/);
    expect(stderr).toContain("prod: not authorized");
    expect((await fixture.run(["roles", "--json"])).json).toMatchObject({ default_role: "dev", roles: [{}, {}] });
  });

  it.each([
    ["PROD", ["prod", "corp/Prod-2"]],
    ["prod*", ["prod"]],
    ["*/*", ["corp/Prod-2"]],
    ["*", ["dev", "prod", "corp/Prod-2"]],
    ["222222222222", ["corp/Prod-2"]],
    ["nothing", []],
  ])("leaves those that fit %s", async (filter, expected) => {
    fixture.control.addRole("prod").addRole("corp/Prod-2", { accountId: "222222222222" });
    const { json } = await fixture.run(["roles", filter, "--json"]);
    expect((json as { roles: { name: string }[] }).roles.map(({ name }) => name)).toEqual(expected);
    const { code, stdout, stderr } = await fixture.run(["roles", filter]);
    expect(code).toBe(0);
    for (const name of expected) expect(stdout).toContain(` ${name} `);
    if (expected.length === 0) expect([stdout, stderr]).toEqual(["", "no role fits 'nothing', of 3\n"]);
  });

  it("refuses a filter that is no pattern", async () => {
    expect(await fixture.run(["roles", "x".repeat(70_000) + "*"])).toMatchObject({ code: 2 });
  });

  it("says how to add one when there is none", async () => {
    fixture.control.roles.splice(0);
    const { code, stdout, stderr } = await fixture.run(["roles"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("brokerctl role add");
  });
});

describe("whoami", () => {
  it("asks for the role of this shell's lease, the default one's, or the named one", async () => {
    const lease = fixture.control.addLease("child", { role: "dev" });
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/lease/${lease.token}` };
    const { code, stdout, stderr } = await fixture.run(["whoami"], { env });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("arn:aws:sts::111111111111:assumed-role/dev/credbroker");
    expect((await fixture.run(["whoami", "dev", "--json"])).json).toMatchObject({
      role: "dev",
      account: "111111111111",
      user_id: "AROAFAKE:credbroker",
      expiration: "2026-01-01T01:00:00Z",
    });
    expect(fixture.control.requests("whoami")).toEqual([
      { lease: { by: "token", token: lease.token } },
      { role: "dev" },
    ]);
  });

  it("exits 2 when no role is chosen, and warns when this shell's programs would have another role", async () => {
    expect(await fixture.run(["whoami"])).toMatchObject({ code: 2 });
    fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "dev" }));
    expect((await fixture.run(["whoami"])).stderr).toContain("AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
  });
});

describe("whoami in a shell where something comes before the broker", () => {
  it.each(["AWS_PROFILE", "AWS_ACCESS_KEY_ID"])("names %s, with and without a lease in the variables", async (name) => {
    const lease = fixture.control.addLease("child", { role: "dev" });
    fixture.control.leases = fixture.control.leases.map((held) => ({ ...held, role: "dev" }));
    const held = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/lease/${lease.token}` };
    for (const env of [{}, held]) {
      const { code, stderr } = await fixture.run(["whoami"], { env: { ...env, [name]: "mine" } });
      expect(code).toBe(0);
      expect(stderr).toContain(`programs in this shell use ${name} instead of the broker`);
      const { json } = await fixture.run(["whoami", "--json"], { env: { ...env, [name]: "mine" } });
      expect(json).toMatchObject({ role: "dev", shadowed_by: [name] });
    }
    expect((await fixture.run(["whoami", "dev", "--json"], { env: { [name]: "mine" } })).json).toMatchObject({
      shadowed_by: [],
    });
  });
});

describe("refresh", () => {
  it("renews what is held, or one role", async () => {
    expect((await fixture.run(["refresh"])).stderr).toMatch(/^dev: until /);
    expect((await fixture.run(["refresh", "dev", "--json"])).json).toMatchObject({ refreshed: [{ role: "dev" }] });
  });

  it("tells every failure, and exits with the first one's code", async () => {
    fixture.control.addRole("prod");
    fixture.control.failing.set("prod", { code: "AssumeRoleDenied", message: "not authorized" });
    const { code, stderr } = await fixture.run(["refresh"]);
    expect(code).toBe(5);
    expect(stderr).toContain("dev: until");
    expect(stderr).toContain("error: prod: not authorized");
    expect(await fixture.run(["refresh", "prod", "--json"])).toMatchObject({ code: 5, stdout: "" });
  });
});

describe("credential-process", () => {
  it("prints what the AWS setting wants, from the endpoint, and leaves no lease", async () => {
    const { code, json } = await fixture.run(["credential-process", "dev"]);
    expect(code).toBe(0);
    expect(json).toEqual({
      Version: 1,
      AccessKeyId: SERVED.accessKeyId,
      SecretAccessKey: SERVED.secretAccessKey,
      SessionToken: SERVED.sessionToken,
      Expiration: SERVED.expiration,
      AccountId: "111111111111",
    });
    expect(fixture.control.requests("lease-child")).toEqual([{ role: "dev", pid: process.pid, forSeconds: 60 }]);
    expect(fixture.control.leases).toHaveLength(1);
  });

  it("waits for credentials that are still being fetched", async () => {
    fixture.control.pendingAnswers.push(503, 503, 503);
    expect(await fixture.run(["credential-process", "dev"])).toMatchObject({ code: 0 });
  });

  it("ends its lease also when the endpoint refuses", async () => {
    fixture.control.pendingAnswers.push(...Array.from({ length: 30 }, () => 503));
    expect(await fixture.run(["credential-process", "dev"])).toMatchObject({ code: 1, stdout: "" });
    expect(fixture.control.leases).toHaveLength(1);
  });

  it("exits 4 for a missing login, and offers nothing even at a terminal", async () => {
    fixture.control.needMfa("dev", "123456");
    const { code, stdout, asked } = await fixture.run(["credential-process", "dev"], { interactive: true });
    expect([code, stdout, asked]).toEqual([4, "", []]);
  });
});

describe("leases", () => {
  it("are made with a role, an end, or neither", async () => {
    const { code, stdout, stderr } = await fixture.run(["lease", "create", "ide", "dev", "--for", "8h"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/lease\/brk_.{43}\n$/);
    expect(stderr).toContain("brokerctl env --lease ide");
    const { json } = await fixture.run(["lease", "create", "free", "--json"]);
    expect(json).toMatchObject({ lease: { name: "free", follows_default: true }, region: null });
    expect(json).toHaveProperty("lease_url");
    expect(fixture.control.requests("lease-create")).toEqual([
      { name: "ide", role: "dev", forSeconds: 28_800 },
      { name: "free", role: null },
    ]);
  });

  it("are not made for a role that cannot be fetched", async () => {
    fixture.control.needMfa("dev", "123456");
    expect(await fixture.run(["lease", "create", "ide", "dev"])).toMatchObject({ code: 4 });
    expect(fixture.control.leases).toHaveLength(1);
  });

  it("are listed without their tokens", async () => {
    fixture.control.addLease("child", { role: "dev", followsDefault: true, holderPid: 42, expiresAt: NOW + 60_000 });
    const { stdout } = await fixture.run(["lease", "list"]);
    expect(stdout).toMatch(/\nchild +lease-2 +dev \(follows the default\) +yes +with process 42 or in 60 s /);
    const listed = await fixture.run(["lease", "list", "--json"]);
    expect(listed.stdout + stdout).not.toContain("brk_");
    expect(listed.json).toMatchObject({ leases: [{ name: "default" }, { id: "lease-2", holder_pid: 42 }] });
  });

  it("are found by name, id, or the beginning of an id", async () => {
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    for (const typed of ["ide", "lease-2"]) {
      expect((await fixture.run(["lease", "show", typed, "--json"])).json).toMatchObject({ name: "ide" });
    }
    expect((await fixture.run(["lease", "show", "default"])).stdout).toContain("kind       default");
    fixture.control.addLease("named", { name: "ci", role: "dev" });
    fixture.control.leases = fixture.control.leases.map((held) =>
      held.name === "ci" ? { ...held, id: "of-ci" } : held,
    );
    const several = await fixture.run(["lease", "show", "leas"]);
    expect([several.code, several.stderr.includes("2 leases")]).toEqual([2, true]);
    const near = await fixture.run(["lease", "show", "idee"]);
    expect([near.code, near.stderr.includes("did you mean ide?")]).toEqual([2, true]);
  });

  it("get a new token, or end", async () => {
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    expect((await fixture.run(["lease", "rotate", "ide"])).stdout).toContain("/lease/brk_rrr");
    const { code, stderr } = await fixture.run(["lease", "revoke", "ide"]);
    expect([code, stderr]).toEqual([0, "lease ide has ended; its token is refused\n"]);
    expect(fixture.control.leases).toHaveLength(1);
  });
});
