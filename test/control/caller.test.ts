import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import type { AuditLine } from "../../src/core/audit-line.js";
import { newLeaseToken } from "../../src/core/lease.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { auditLines } from "../support/audit-lines.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";

const source = keysSource("plain");
const dev = roleOn(source, "dev");
const prod = roleOn(source, "prod");

let services: FakeServices;
beforeEach(async () => {
  services = await fakeControlServices([source], [dev, prod]);
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey() };
  await post("keys-add", { source: "plain", ...key, replace: false });
});

async function post(operation: string, body: object, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await request(createControlApp(services)).post(`/v1/${operation}`).set(headers).send(body);
  return response.body;
}

/** The token of a named lease on a role, and its id. */
async function leaseOn(role: string, name: string): Promise<{ token: string; id: string }> {
  const created = (await post("lease-create", { name, role, movable: true })) as {
    token: string;
    lease: { id: string };
  };
  return { token: created.token, id: created.lease.id };
}

async function lines(log?: "audit" | "refusals"): Promise<readonly AuditLine[]> {
  await services.audit.close();
  return auditLines(services.stateDir, log);
}

describe("the caller of a control request", () => {
  it("is on record with its pid, marked as claimed, and the lease whose token it has", async () => {
    const agent = await leaseOn("dev", "agent");

    await post(
      "use",
      { lease: { by: "default" }, role: "prod" },
      { "credbroker-pid": "4711", "credbroker-lease": agent.token },
    );

    expect((await lines()).at(-1)).toMatchObject({
      ...{ event: "use", outcome: "done", lease: "default", role: "prod" },
      ...{ pid: 4711, claimed: true, caller_lease: agent.id },
    });
  });

  it.each([
    ["malformed", () => "brk_no-token-of-ours", "malformed"],
    ["unknown", () => newLeaseToken().reveal(), "LeaseUnknown"],
  ])("is on record as having a token that is %s, and gets its answer", async (_what, token, problem) => {
    const answer = await post("use", { lease: { by: "default" }, role: "dev" }, { "credbroker-lease": token() });

    expect(answer).toMatchObject({ new: { role: "dev" } });
    const last = (await lines()).at(-1);
    expect(last).toMatchObject({ event: "use", caller_problem: problem, pid: null });
    expect(last).not.toHaveProperty("caller_lease");
    expect(last).not.toHaveProperty("claimed");
  });

  it("is on record as having the token of a lease that has ended", async () => {
    const agent = await leaseOn("dev", "agent");
    await post("lease-revoke", { lease: { by: "name", name: "agent" } });

    await post("use", { lease: { by: "default" }, role: "dev" }, { "credbroker-lease": agent.token });

    expect((await lines()).at(-1)).toMatchObject({ event: "use", outcome: "done", caller_problem: "LeaseEnded" });
  });

  it.each(["0", "-1", "1e3", "99999999", "4711 4712", "x"])("has no pid where it says %j", async (pid) => {
    await post("lock", {}, { "credbroker-pid": pid });

    const last = (await lines()).at(-1);
    expect(last).toMatchObject({ event: "lock", pid: null });
    expect(last).not.toHaveProperty("claimed");
  });
});

describe("control requests on record", () => {
  it("are what they did: leases made, moved, given another token, ended", async () => {
    const { id } = await leaseOn("dev", "ide");
    const child = (await post("lease-child", { role: "prod", pid: 4711, forSeconds: 60 })) as { lease: { id: string } };
    await post("lease-hand-over", { id: child.lease.id, pid: 1234 }); // has ended: nothing was done, and nothing has failed
    await post("lease-hand-over", { id: child.lease.id, pid: 4711 });
    await post("use", { lease: { by: "name", name: "ide" }, role: "prod", forSeconds: 60 });
    await post("lease-rotate", { lease: { by: "id", id } });
    await post("lease-access", { lease: { by: "name", name: "ide" } });
    await post("lease-access", { pinnedRole: "dev" });
    await post("lease-revoke", { lease: { by: "id", id } });

    const shown = (await lines()).map(({ event, lease_name: name, lease, role }) => [event, name ?? lease, role]);
    expect(shown).toEqual([
      ["keys-added", null, null],
      ["lease-created", "ide", "dev"],
      ["lease-created", child.lease.id, "prod"],
      ["lease-handed-over", child.lease.id, null],
      ["use", "ide", "prod"],
      ["lease-rotated", "ide", null],
      ["lease-access", "ide", "prod"],
      ["lease-access", "role:dev", "dev"],
      ["lease-revoked", "ide", "prod"],
    ]);
    expect(await lines("refusals")).toEqual([]);
  });

  it("are also what they could not do, in the other file, with the code", async () => {
    await post("use", { lease: { by: "default" }, role: "nope" });
    await post("use", { lease: { by: "name", name: "nope" }, role: "dev" });
    await post("keys-remove", { source: "nope" });

    const shown = (await lines("refusals")).map(({ event, outcome, code, lease }) => [event, outcome, code, lease]);
    expect(shown).toEqual([
      ["use", "failed", "RoleUnknown", "default"],
      ["use", "refused", "LeaseUnknown", null],
      ["keys-removed", "failed", "KeyMissing", null],
    ]);
  });

  it("are none where nothing changes and nothing is given out", async () => {
    const before = (await lines()).length;
    for (const operation of ["status", "keys-list", "lease-list", "login-choices"]) await post(operation, {});
    await post("warm", { role: "dev" });

    expect(await lines()).toHaveLength(before);
    expect(await lines("refusals")).toEqual([]);
  });
});
