import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { parseRequest, REQUEST_SCHEMAS } from "../../src/control/request-schemas.js";
import type { ControlError, ControlOperation, StatusView } from "../../src/control-api/contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import { BrokerError } from "../../src/core/errors.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn, sessionRole } from "../support/roles.js";

const MFA = "arn:aws:iam::111111111111:mfa/me";
const plain = keysSource("plain");
const withMfa = keysSource("with-mfa", { mfaSerial: MFA });
const dev = roleOn(plain, "dev", { region: "eu-west-1" });
const prod = roleOn(plain, "prod");
const admin = roleOn(withMfa, "admin");
const bare = sessionRole(plain, "bare");

let services: FakeServices;

beforeEach(async () => {
  services = await fakeControlServices([plain, withMfa], [dev, prod, admin, bare]);
  for (const source of ["plain", "with-mfa"]) {
    await ok("keys-add", {
      source,
      accessKeyId: "AKIA0000000000000001",
      secretAccessKey: canarySecretKey(),
      replace: false,
    });
  }
});

async function call(
  operation: string,
  body: object,
): Promise<{ status: number; body: Record<string, unknown>; text: string }> {
  const response = await request(createControlApp(services)).post(`/v1/${operation}`).send(body);
  return { status: response.status, body: response.body as Record<string, unknown>, text: response.text };
}

async function ok<T = Record<string, unknown>>(operation: string, body: object): Promise<T> {
  const answer = await call(operation, body);
  expect(answer.body["error"]).toBeUndefined();
  expect(answer.status).toBe(200);
  return answer.body as T;
}

async function refused(operation: string, body: object): Promise<ControlError & { status: number }> {
  const answer = await call(operation, body);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  return { ...(answer.body["error"] as ControlError), status: answer.status };
}

describe("use", () => {
  it("warms the role, moves the default lease and says old and new", async () => {
    const first = await ok("use", { lease: { by: "default" }, role: "dev" });
    expect(first).toMatchObject({ old: { role: null }, new: { role: "dev", accountId: "222222222222" } });
    const second = await ok("use", { lease: { by: "default" }, role: "prod" });
    expect(second).toMatchObject({ old: { role: "dev" }, new: { role: "prod" } });
    expect(services.sts.calls.map((made) => made.parameters.roleArn?.split("/")[1])).toEqual(["dev", "prod"]);
  });

  it("leaves the lease where it was when the role cannot be had", async () => {
    await ok("use", { lease: { by: "default" }, role: "dev" });
    expect(await refused("use", { lease: { by: "default" }, role: "admin" })).toMatchObject({ code: "MfaRequired" });
    services.sts.failWith = new BrokerError("AwsUnreachable", "no route");
    expect(await refused("use", { lease: { by: "default" }, role: "prod" })).toMatchObject({ code: "AwsUnreachable" });
    expect(await ok<StatusView>("status", {})).toMatchObject({ defaultRole: "dev" });
  });

  it("goes back with a dash, and says when there is nowhere to go", async () => {
    expect(await refused("use", { lease: { by: "default" }, role: "-" })).toMatchObject({ code: "NoRole" });
    await ok("use", { lease: { by: "default" }, role: "dev" });
    await ok("use", { lease: { by: "default" }, role: "prod" });
    expect(await ok("use", { lease: { by: "default" }, role: "-" })).toMatchObject({ new: { role: "dev" } });
  });

  it("for a while falls back by itself", async () => {
    await ok("use", { lease: { by: "default" }, role: "dev" });
    const moved = await ok("use", { lease: { by: "default" }, role: "prod", forSeconds: 1800 });
    expect(moved).toMatchObject({ lease: { temporary: { until: services.clock.now() + 1_800_000, thenRole: "dev" } } });
    await services.clock.advance(1_800_001);
    expect(await ok<StatusView>("status", {})).toMatchObject({ defaultRole: "dev" });
  });

  it("moves a lease found by its token only", async () => {
    const lease = await ok<LeaseAccess>("lease-create", { name: "ide", role: "dev", movable: true });
    await ok("use", { lease: { by: "token", token: lease.token }, role: "prod" });
    expect(await ok("lease-show", { lease: { by: "name", name: "ide" } })).toMatchObject({ role: "prod" });
    expect(await ok<StatusView>("status", {})).toMatchObject({ defaultRole: null });
  });

  it("names a role that is not configured", async () => {
    expect(await refused("use", { lease: { by: "default" }, role: "nope" })).toMatchObject({ code: "RoleUnknown" });
    expect((await refused("use", { lease: { by: "default" }, role: "prdo" })).message).toContain("did you mean prod?");
  });
});

describe("leases", () => {
  it("of a role are the same each time and name its region", async () => {
    const once = await ok<LeaseAccess>("lease-access", { pinnedRole: "dev" });
    const twice = await ok<LeaseAccess>("lease-access", { pinnedRole: "dev" });
    expect(twice.token).toBe(once.token);
    expect(once).toMatchObject({ region: "eu-west-1", credentialsUrl: "http://127.0.0.1:9171/creds" });
    expect(once.leaseUrl).toBe(`http://127.0.0.1:9171/lease/${once.token}`);
  });

  it("of a process need one that lives, and are handed over only to one that lives", async () => {
    expect(await refused("lease-child", { role: "dev", pid: 1234 })).toMatchObject({ code: "UsageInvalid" });
    const child = await ok<LeaseAccess>("lease-child", { role: null, pid: 4711, forSeconds: 60 });
    expect(child.lease).toMatchObject({ followsDefault: true, holderPid: 4711 });
    expect(await ok("lease-hand-over", { id: child.lease.id, pid: 1234 })).toEqual({ handedOver: false });
    expect(await ok("lease-show", { lease: { by: "id", id: child.lease.id } })).toMatchObject({ holderPid: 4711 });
    expect(await ok("lease-hand-over", { id: child.lease.id, pid: 4711 })).toEqual({ handedOver: true });
    expect(await refused("lease-hand-over", { id: "nosuch", pid: 1234 })).toMatchObject({ code: "LeaseUnknown" });
  });

  it("are listed without their tokens, rotated and revoked", async () => {
    const made = await ok<LeaseAccess>("lease-create", { name: "ide", role: null });
    const rotated = await ok<LeaseAccess>("lease-rotate", { lease: { by: "name", name: "ide" } });
    expect(rotated.token).not.toBe(made.token);
    const list = await call("lease-list", {});
    expect(list.text).not.toContain(rotated.token);
    expect(list.text).not.toContain("brk_");
    await ok("lease-revoke", { lease: { by: "name", name: "ide" } });
    expect(await refused("lease-show", { lease: { by: "token", token: rotated.token } })).toMatchObject({
      code: "LeaseEnded",
    });
  });

  it("cannot be told while the store is locked", async () => {
    services.secrets.locked = true;
    expect(await refused("lease-access", { lease: { by: "default" } })).toMatchObject({ code: "StoreLocked" });
  });
});

describe("keys", () => {
  it("enter and never leave", async () => {
    const list = await call("keys-list", {});
    expect(list.body).toMatchObject({ keys: [{ source: "plain", accessKeyIdSuffix: "0001" }, { source: "with-mfa" }] });
    expect(list.text).not.toContain(CANARY);
    expect(list.text).not.toContain("AKIA0000");
  });

  it("are not replaced by accident", async () => {
    const key = { source: "plain", accessKeyId: "AKIA0000000000000002", secretAccessKey: canarySecretKey("2") };
    expect(await refused("keys-add", { ...key, replace: false })).toMatchObject({
      code: "Conflict",
      hint: "brokerctl keys add plain --replace",
    });
    expect(await ok("keys-add", { ...key, replace: true })).toMatchObject({ accessKeyIdSuffix: "0002" });
  });

  it("say what AWS will refuse", async () => {
    const key = { source: "plain", accessKeyId: "AKIA0000000000000002", secretAccessKey: canarySecretKey("2") };
    expect(JSON.stringify(await ok("keys-add", { ...key, replace: true }))).toContain("refuses IAM");
  });

  it("of a source that is not configured are refused with the command that makes it", async () => {
    const key = {
      source: "nope",
      accessKeyId: "AKIA0000000000000002",
      secretAccessKey: canarySecretKey(),
      replace: false,
    };
    expect(await refused("keys-add", key)).toMatchObject({
      code: "SourceUnknown",
      hint: "brokerctl source add nope --type keys",
    });
  });

  it("that are removed take their credentials along", async () => {
    await ok("warm", { role: "dev" });
    await ok("keys-remove", { source: "plain" });
    expect(await refused("warm", { role: "dev" })).toMatchObject({ code: "KeyMissing" });
    expect(await refused("keys-remove", { source: "plain" })).toMatchObject({ code: "KeyMissing" });
  });

  it("rotate: the new one is proven before the old one goes", async () => {
    services.iam.keys.add("AKIA0000000000000001");
    const rotated = await ok("keys-rotate", { source: "plain" });
    expect(rotated).toMatchObject({ accessKeyIdSuffix: "0001", notes: ["the old key …0001 was deleted"] });
    expect([...services.iam.keys]).toEqual(["AKIANEW0000000000001"]);
    expect((await services.keys.get("plain")).accessKeyId).toBe("AKIANEW0000000000001");
  });

  it("rotate: a new key that never works is taken back and the old one stays", async () => {
    services.iam.keys.add("AKIA0000000000000001");
    services.iam.newKeyWorks = false;
    await refused("keys-rotate", { source: "plain" });
    expect([...services.iam.keys]).toEqual(["AKIA0000000000000001"]);
    expect((await services.keys.get("plain")).accessKeyId).toBe("AKIA0000000000000001");
  });

  it("rotate: an old key that cannot be deleted is said, and the new one is in force", async () => {
    services.iam.mayDelete = false;
    expect(JSON.stringify(await ok("keys-rotate", { source: "plain" }))).toContain("could not be deleted");
    expect((await services.keys.get("plain")).accessKeyId).toBe("AKIANEW0000000000001");
  });
});

describe("login", () => {
  it("lists what can be logged in to and what it needs", async () => {
    expect(await ok("login-choices", {})).toEqual({
      sources: [
        {
          name: "with-mfa",
          type: "keys",
          state: "mfa_required",
          expiresAt: null,
          needs: "mfa_code",
          mfaSerial: MFA,
          mfaProcess: false,
        },
      ],
    });
  });

  it("with the right code wakes the roles that waited", async () => {
    expect(await refused("warm", { role: "admin" })).toMatchObject({
      code: "MfaRequired",
      hint: "brokerctl login with-mfa",
    });
    expect(await refused("login-mfa", { source: "with-mfa", code: "000000" })).toMatchObject({ code: "MfaRequired" });
    await ok("login-mfa", { source: "with-mfa", code: "123456" });
    await ok("warm", { role: "admin" });
    expect(await ok("login-choices", {})).toMatchObject({ sources: [{ state: "ready", needs: null }] });
  });

  it("of a source without MFA says that none is needed", async () => {
    expect(await refused("login-mfa", { source: "plain", code: "123456" })).toMatchObject({ code: "UsageInvalid" });
  });

  it("without a code is for sources whose config has a program for it", async () => {
    expect(await refused("login-mfa", { source: "with-mfa" })).toMatchObject({
      code: "UsageInvalid",
      hint: "brokerctl login with-mfa --mfa-code-stdin",
    });
  });
});

describe("credentials", () => {
  it("are named by AWS for a role and for a lease, never told", async () => {
    const answer = await call("whoami", { role: "dev" });
    expect(answer.body).toMatchObject({ role: "dev", account: "111111111111" });
    expect(answer.text).not.toContain(CANARY);
    expect(await refused("whoami", { lease: { by: "default" } })).toMatchObject({ code: "NoRole" });
  });

  it("of all held roles are refreshed, and each failure is told beside the others", async () => {
    await ok("warm", { role: "dev" });
    await ok("warm", { role: "prod" });
    expect(await ok("refresh", {})).toMatchObject({ refreshed: [{ role: "dev" }, { role: "prod" }], failed: [] });
    services.sts.failWith = new BrokerError("AwsUnreachable", "no route", { hint: "check the network" });
    expect(await ok("refresh", { role: "dev" })).toMatchObject({
      failed: [{ role: "dev", code: "AwsUnreachable", hint: "check the network" }],
    });
  });
});

describe("status", () => {
  it("tells sources, roles and leases, and no secret", async () => {
    await ok("use", { lease: { by: "default" }, role: "dev" });
    const answer = await call("status", {});
    expect(answer.body).toMatchObject({
      daemon: { pid: 99, version: "1.2.3", state: "ready", problem: null, warnings: ["weak key file"] },
      defaultRole: "dev",
      sources: [
        { name: "plain", state: "ready" },
        { name: "with-mfa", state: "mfa_required" },
      ],
      roles: [
        { name: "dev", state: "ready", source: "plain" },
        { state: "idle" },
        { state: "idle" },
        { state: "idle" },
      ],
    });
    for (const secret of [CANARY, "brk_", "ASIA", "AKIA"]) expect(answer.text).not.toContain(secret);
  });

  it("says locked, degraded and a config that changed on disk", async () => {
    await ok("lock", {});
    expect(await ok("status", {})).toMatchObject({
      daemon: { state: "locked", problem: { code: "StoreLocked" } },
      sources: [{ state: "locked" }, {}],
    });
    await ok("unlock", {});
    services.config.changed = true;
    expect(JSON.stringify(await ok("status", {}))).toContain("changed on disk");
    services.config.config = undefined;
    expect(await ok("status", {})).toMatchObject({ daemon: { state: "degraded", problem: { code: "ConfigInvalid" } } });
  });

  it("shows the last error of a role", async () => {
    await refused("warm", { role: "admin" });
    const { roles } = await ok<StatusView>("status", {});
    expect(roles.find((role) => role.name === "admin")).toMatchObject({
      state: "mfa_required",
      lastError: { code: "MfaRequired" },
    });
  });

  it("of stop answers before it ends", async () => {
    expect(await ok("stop", {})).toEqual({ pid: 99 });
    expect(services.said.stopped).toBe(1);
  });
});

describe("the store", () => {
  it("is unlocked with the right passphrase only", async () => {
    await ok("lock", {});
    expect(await refused("unlock", { passphrase: "wrong" })).toMatchObject({ code: "StoreLocked" });
    expect(await ok("unlock", { passphrase: "right" })).toMatchObject({ state: "open" });
  });

  it("is made once", async () => {
    expect(await refused("store-create", {})).toMatchObject({ code: "Conflict", status: 409 });
  });
});

describe("config edits", () => {
  it("are planned on the text that came, and checked", async () => {
    expect(await ok("source-add", { text: "version: 1\n", path: "x", name: "corp", fields: {} })).toMatchObject({
      text: "version: 1\n# corp\n",
    });
    expect(
      await ok("role-add", { text: "version: 1\n", path: "x", name: "dev", fields: { tags: ["a=b"] } }),
    ).toMatchObject({ summary: ["role dev"] });
    expect(await ok("config-check", { text: "", path: "x" })).toEqual({
      ...{ roles: 4, sources: 2, endpointPort: 9171, programs: [], notes: [] },
    });
    expect(await ok("config-reload", {})).toEqual({ roles: 4, sources: 2, notes: [] });
    expect(await ok("config-schema", {})).toEqual({ schema: { type: "object" } });
  });

  it("name the projects with the account of each role, as far as it is known, and those that are not in force", async () => {
    const config = services.config.config ?? expect.fail("no config");
    services.config.config = {
      ...config,
      projects: [
        { name: "orders", path: "~/orders", role: "dev", stages: [{ stage: "prod", role: "gone" }] },
        { name: "infra", path: "/infra", stages: [] },
      ],
      leftOut: [
        { kind: "project", name: "bad", message: "project bad is not in force: why" },
        { kind: "role", name: "gone", message: "role gone is not in force: why" },
      ],
    };

    expect(await ok("projects", {})).toEqual({
      projects: [
        {
          name: "orders",
          path: "~/orders",
          role: { role: "dev", accountId: "222222222222" },
          stages: [{ stage: "prod", role: "gone", accountId: null }],
        },
        { name: "infra", path: "/infra", role: null, stages: [] },
      ],
      problems: ["project bad is not in force: why"],
    });
  });

  it("without a config in force name what is wrong with it", async () => {
    services.config.config = undefined;
    expect(await ok("projects", {})).toEqual({ projects: [], problems: [] });
    expect(await refused("warm", { role: "dev" })).toMatchObject({ code: "ConfigInvalid" });
    expect(await refused("config-check", { text: "", path: "x" })).toMatchObject({ code: "ConfigInvalid" });
  });
});

describe("requests that are not of the contract", () => {
  it("are refused by name: an unknown operation, path or method", async () => {
    expect(await refused("nope", {})).toMatchObject({ code: "NotSupported", status: 501 });
    expect(await refused("__proto__", {})).toMatchObject({ code: "NotSupported" });
    const response = await request(createControlApp(services)).get("/v1/status");
    expect(response.body).toMatchObject({ error: { code: "UsageInvalid" } });
  });

  it.each(Object.keys(REQUEST_SCHEMAS))("%s refuses a field it does not know", async (operation) => {
    expect(await refused(operation, { surprise: 1 })).toMatchObject({ code: "UsageInvalid", status: 400 });
  });

  it("without JSON, with broken JSON or too much of it are refused without an echo", async () => {
    const app = createControlApp(services);
    for (const body of ["{", "[1]", `"${CANARY}"`, `{"passphrase": "${CANARY}"`]) {
      const response = await request(app).post("/v1/unlock").set("Content-Type", "application/json").send(body);
      expect(response.body).toMatchObject({ error: { code: "UsageInvalid" } });
      expect(response.text).not.toContain(CANARY);
    }
    const plainText = await request(app).post("/v1/unlock").set("Content-Type", "text/plain").send("{}");
    expect(plainText.body).toMatchObject({ error: { code: "UsageInvalid" } });
  });

  it("with a bad secret are refused without an echo of it", async () => {
    const key = {
      source: "plain",
      accessKeyId: "AKIA0000000000000001",
      secretAccessKey: `${CANARY} with spaces`,
      replace: true,
    };
    const answer = await call("keys-add", key);
    expect(answer.body).toMatchObject({ error: { code: "UsageInvalid" } });
    expect(answer.text).not.toContain(CANARY);
  });

  it("from a browser are refused", async () => {
    for (const header of ["Origin", "Referer", "Cookie"]) {
      const response = await request(createControlApp(services)).post("/v1/status").set(header, "http://evil").send({});
      expect(response.status).toBe(403);
    }
  });

  it("get the daemon's version and no other trace of what serves them", async () => {
    const response = await request(createControlApp(services)).post("/v1/status").send({});
    expect(response.headers).toMatchObject({ "credbroker-version": "1.2.3", "cache-control": "no-store" });
    expect(response.headers).not.toHaveProperty("x-powered-by");
    expect(response.headers).not.toHaveProperty("etag");
  });

  it("that fail unexpectedly are answered without detail", async () => {
    services.sts.failWith = new TypeError(`${CANARY} inside`) as unknown as BrokerError;
    const answer = await call("warm", { role: "dev" });
    expect(answer.body).toMatchObject({ error: { code: "InternalError" } });
    expect(answer.text).not.toContain(CANARY);
  });
});

describe("a request that is not as it should be", () => {
  it.each([
    ["use", { lease: { by: "default" } }, "the name of the role is missing"],
    ["use", { lease: { by: "default" }, role: 7 }, "the name of the role must be text"],
    ["use", { lease: { by: "default" }, role: "" }, "the name of the role must not be empty"],
    ["warm", { role: "x".repeat(1025) }, "the name of the role has more than 1,024 characters, which no role has"],
    ["use", { lease: { by: "default" }, role: "dev", forSeconds: 0.5 }, "--for must be a whole number"],
    ["use", { lease: { by: "default" }, role: "dev", forSeconds: 0 }, "--for must be more than 0"],
    ["use", { lease: { by: "default" }, role: "dev", forSeconds: 1e9 }, "--for must be at most 31622400"],
    ["use", { lease: { by: "smell" }, role: "dev" }, "this brokerd does not know this form of the request use"],
    ["warm", { role: "dev", reason: "x" }, "this brokerd does not know reason of the request warm"],
    ["keys-list", [], "the request keys-list must be a JSON object"],
    ["login-mfa", { source: "with-mfa", code: "12" }, "an MFA code is 6 digits"],
    ["login-start", { source: "x", flow: "smoke" }, "flow of the request login-start must be one of browser, device"],
  ])("is told in a sentence: %s %j", async (operation, body, message) => {
    expect(await refused(operation, body)).toMatchObject({ code: "UsageInvalid", message });
  });

  it("is told without zod's words and without the value, whatever field of whatever operation it is", () => {
    const wrong: readonly unknown[] = [undefined, null, 7, CANARY, [], {}, true, CANARY.repeat(100_000)];
    const fields = ["lease", "role", "source", "name", "pid", "forSeconds", "passphrase", "code", "text", "aws"];
    let told = 0;
    for (const operation of Object.keys(REQUEST_SCHEMAS) as ControlOperation[]) {
      for (const field of fields) {
        for (const value of wrong) {
          const refusal = refusalOf(operation, { [field]: value });
          if (!refusal) continue;
          const { message, hint = "" } = refusal;
          expect(message + hint).not.toMatch(/Invalid|expected|Unrecognized|Too (?:big|small)|received/);
          expect(message + hint).not.toContain(CANARY);
          told++;
        }
      }
    }
    expect(told).toBeGreaterThan(2000);
  });
});

function refusalOf(operation: ControlOperation, body: unknown): BrokerError | undefined {
  try {
    parseRequest(operation, body);
    return undefined;
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
}
