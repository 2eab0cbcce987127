import { beforeAll, describe, expect, it, vi } from "vitest";
import { createOperations } from "../../src/control/operations.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { Lease } from "../../src/core/lease.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";

const ROLES = 5000;
const LEASES = 1000;
const ROWS = 20;
const source = keysSource("plain");

describe("with thousands of roles and leases", () => {
  let services: FakeServices;
  let shells: readonly Lease[];

  beforeAll(async () => {
    const roles = Array.from({ length: ROLES }, (_, index) => roleOn(source, `role-${index}`));
    services = await fakeControlServices([source, keysSource("another"), keysSource("other")], roles);
    await run("keys-add", {
      ...{ source: "plain", accessKeyId: "AKIA0000000000000001" },
      ...{ secretAccessKey: canarySecretKey(), replace: false },
    });
    const holder = { pid: 4711, startTime: "start-of-4711" };
    const made: Lease[] = [];
    for (let index = 0; index < LEASES; index++) {
      const role = `role-${index}`;
      made.push((await services.leases.createChild({ role, holder, expiresAt: null })).lease);
    }
    shells = made;
  });

  function run<O extends ControlOperation>(
    operation: O,
    body: ControlRequest<O>,
    lease?: Lease,
  ): Promise<ControlResponse<O>> {
    const call = { signal: new AbortController().signal, caller: lease ? { lease } : {} };
    return createOperations(services).run(operation, body, call);
  }

  it("status renders the rows that are wanted: this shell's first, then what is live", async () => {
    await run("warm", { role: "role-4000" });
    const rendered = vi.spyOn(services.audit.holders, "lastUserOf");

    const status = await run("status", { rows: ROWS }, shells[700]);

    expect([status.roles.length, status.leases.length, rendered.mock.calls.length]).toEqual([ROWS, ROWS, ROWS]);
    expect(status.roles.slice(0, 3).map(({ name }) => name)).toEqual(["role-700", "role-4000", "role-0"]);
    expect(status.leases.slice(0, 2).map(({ kind, role }) => [kind, role])).toEqual([
      ["default", null],
      ["child", "role-700"],
    ]);
    expect(status.more).toEqual({
      sources: { count: 0, inTrouble: 0 },
      roles: { count: ROLES - ROWS, inTrouble: 0 },
      leases: { count: LEASES + 1 - ROWS, inTrouble: 0 },
    });
    expect(JSON.stringify(status).length).toBeLessThan(20_000);
    rendered.mockRestore();
  });

  it("status renders one role and its source where those are wanted, also of a role that no entry names", async () => {
    const one = await run("status", { rows: 1, role: "role-4711" }, shells[700]);
    expect([one.roles.map(({ name }) => name), one.sources.length]).toEqual([["role-4711"], 1]);
    const { sources } = await run("status", { rows: 1, role: "other:111111111111/Admin" });
    expect(sources.map(({ name }) => name)).toEqual(["other"]);
  });

  it("status without a wish is complete, in the order of the config", async () => {
    const { roles, leases, more } = await run("status", {});
    expect([roles.length, leases.length, more]).toEqual([ROLES, LEASES + 1, undefined]);
    expect(roles[ROLES - 1]?.name).toBe(`role-${ROLES - 1}`);
  });

  it("env and use look at no lease but their own", async () => {
    await run("use", { lease: { by: "default" }, role: "role-1" });
    const listed = vi.spyOn(services.leases, "list");

    const moved = await run("use", { lease: { by: "default" }, role: "role-2" });
    const { lease } = await run("lease-access", { lease: { by: "default" } });

    expect([moved.old.role, moved.new.role, lease.role]).toEqual(["role-1", "role-2", "role-2"]);
    expect(listed).not.toHaveBeenCalled();
  });
});
