import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import type { LeaseScope } from "../../src/core/lease-scope.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const PID = 4711;
const READ_ONLY: LeaseScope = { readOnly: true };
const AGENT = { by: "name", name: "agent" } as const;
const GUARD = { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 } as const;

let services: FakeServices;
let server: Server;
let socketPath: string;

beforeEach(async () => {
  const plain = keysSource("plain");
  const roles = [roleOn(plain, "dev"), roleOn(plain, "staging"), { ...roleOn(plain, "prod"), guard: GUARD }];
  services = await fakeControlServices([plain], roles);
  socketPath = join(tempDir("narrow"), "control.sock");
  server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("narrow"), replace: false };
  await call()("keys-add", { source: "plain", ...key });
  await call()("use", { lease: { by: "default" }, role: "staging" });
  services.sts.calls.length = 0;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A command line whose variables hold this token. */
const call =
  (leaseToken?: string) =>
  <O extends ControlOperation>(operation: O, request: ControlRequest<O>): Promise<ControlResponse<O>> =>
    createControlClient({ socketPath, version: "1.2.3", caller: { pid: PID, leaseToken } }).call(operation, request);

const refused = async (request: ControlRequest<"lease-narrow">, token?: string): Promise<string> =>
  (await brokerErrorOf(() => call(token)("lease-narrow", request))).code;

const agent = (more: Partial<ControlRequest<"lease-create">> = {}): Promise<LeaseAccess> =>
  call()("lease-create", { name: "agent", role: "dev", ...more });

/** What the endpoint would serve a program with this token. */
function has(token: string): string {
  const lease = services.leases.resolve(token);
  const role = services.leases.roleOf(lease)!;
  try {
    services.leases.requireGrant(lease, services.credentials.condition(role, lease.scope)!);
  } catch {
    return "GuardRefused";
  }
  return `${role} ${lease.scope ? JSON.stringify({ ...lease.scope, description: undefined }) : "whole"}`;
}

async function yesTo(target: ControlRequest<"guard-confirm">["target"], scope?: LeaseScope) {
  services.dialogs.answer = { answer: "yes" };
  const answer = await call()("guard-confirm", { role: "prod", target, ...(scope && { scope }) });
  return answer.needs === null && answer.confirmation !== null ? { confirmation: answer.confirmation } : {};
}

describe("lease narrow", () => {
  it("takes from a lease at once, without AWS, and says what it had", async () => {
    const { token } = await agent();

    const narrowed = await call()("lease-narrow", { lease: AGENT, scope: READ_ONLY, forSeconds: 600 });

    expect(has(token)).toBe('dev {"readOnly":true}');
    expect(narrowed).toMatchObject({
      lease: { name: "agent", scope: READ_ONLY, expiresAt: services.clock.now() + 600_000 },
      old: { scope: null, expiresAt: null },
      made: [],
    });
    expect(JSON.stringify(narrowed)).not.toContain(token);
    expect(services.sts.calls).toEqual([]);
  });

  it("is on record with what the lease has and had, a refused one too", async () => {
    const { token } = await agent();
    const child = await call(token)("lease-child", { role: "dev", pid: PID });
    await call()("lease-narrow", { lease: AGENT, scope: { services: ["s3"] } });
    await refused({ lease: AGENT, scope: { services: ["ec2"] } });
    await services.audit.flush();

    const lines = (await services.audit.newest(100)).filter(({ event }) => event === "lease-narrowed");
    expect(lines.map(({ outcome, lease_name: name, scope }) => [outcome, name, scope])).toEqual([
      ["done", "agent", "s3"],
      ["refused", "agent", "s3"],
    ]);
    expect(lines[0]?.detail).toBe(`it had all of its role; with it ${child.lease.id}`);
  });

  it("is for leases with a name and of processes, and takes something to narrow by", async () => {
    await agent();
    const child = await call()("lease-child", { role: "dev", pid: PID });
    const pinned = await call()("lease-access", { pinnedRole: "dev" });
    const byId = ({ lease }: LeaseAccess) => ({ by: "id", id: lease.id }) as const;

    await call()("lease-narrow", { lease: byId(child), scope: READ_ONLY });
    expect(has(child.token)).toBe('dev {"readOnly":true}');
    expect(await refused({ lease: byId(pinned), scope: READ_ONLY })).toBe("UsageInvalid");
    expect(await refused({ lease: { by: "default" }, scope: READ_ONLY })).toBe("UsageInvalid");
    for (const scope of [{}, { description: "why" }])
      expect(await refused({ lease: AGENT, scope })).toBe("UsageInvalid");
    expect(await refused({ lease: AGENT, scope: { services: ["s4"] } })).toBe("UsageInvalid");
    expect(await refused({ lease: AGENT, scope: { sessionSeconds: 7200 } })).toBe("ScopeRefused");
    expect([has(pinned.token), services.leases.select(AGENT).scope]).toEqual(["dev whole", undefined]);
  });

  it("is refused to who has a pinned or narrowed lease, of any lease; the shell of a person may", async () => {
    const { token } = await agent();
    const own = await call()("lease-create", { name: "own", role: "dev", movable: true });

    expect(await refused({ lease: AGENT, scope: READ_ONLY }, token)).toBe("LeasePinned");
    await call(own.token)("lease-narrow", { lease: { by: "token", token: own.token }, scope: { services: ["s3"] } });
    expect(await refused({ lease: { by: "name", name: "own" }, scope: READ_ONLY }, own.token)).toBe("LeasePinned");
    expect([has(token), has(own.token)]).toEqual(["dev whole", 'dev {"services":["s3"]}']);
  });

  it("keeps the yes that a guarded role was given by, for what is left and no more", async () => {
    const scope: LeaseScope = { services: ["ec2", "s3"] };
    const { token } = await agent({ role: "prod", scope, ...(await yesTo({ by: "new" }, scope)) });
    expect(has(token)).toBe('prod {"services":["ec2","s3"]}');

    await call()("lease-narrow", { lease: AGENT, scope: { services: ["s3"] } });

    expect(has(token)).toBe('prod {"services":["s3"]}');
    const { grants = [] } = services.leases.select(AGENT);
    const digests = services.credentials.condition("prod", scope)!.digests;
    expect(grants.filter(({ digest }) => digests.includes(digest))).toEqual([]);
  });

  it("takes from what a request gave for a time, and from what the lease has after it", async () => {
    const { token } = await agent({ scope: { services: ["ec2", "s3"] } });
    const { id } = await call(token)("request-create", { role: "dev", reason: "deploy", forSeconds: 600 });
    await call()("request-approve", { id });
    expect(has(token)).toBe("dev whole");

    await call()("lease-narrow", { lease: AGENT, scope: { services: ["s3:read"] } });

    expect(has(token)).toBe('dev {"services":["s3:read"]}');
    await services.clock.advance(600_000);
    expect(has(token)).toBe('dev {"services":["s3:read"]}');
  });

  it("takes from what the lease's programs made, by whichever way", async () => {
    const { token } = await agent({ movable: true });
    const made = [
      await call(token)("lease-child", { role: "staging", pid: PID }),
      await call(token)("lease-child", { role: null, pid: PID, like: token }),
      await call()("lease-child", { role: null, pid: PID, like: token }),
      await call(token)("lease-create", { name: "mine", role: "dev" }),
    ];
    const outside = await call()("lease-child", { role: "dev", pid: PID });

    const narrowed = await call()("lease-narrow", { lease: AGENT, scope: READ_ONLY, forSeconds: 60 });

    expect(narrowed.made.map(({ id }) => id).sort()).toEqual(made.map(({ lease }) => lease.id).sort());
    expect(made.map((one) => has(one.token))).toEqual(
      ["staging", "dev", "dev", "dev"].map((role) => `${role} {"readOnly":true}`),
    );
    expect(has(outside.token)).toBe("dev whole");
  });
});

describe("a narrowed lease", () => {
  it("has no more by lease set, use, a role for a time, a new token, or a child of its own", async () => {
    const { token } = await agent({ movable: true });
    await call()("lease-narrow", { lease: AGENT, scope: READ_ONLY });

    await call()("lease-set", { lease: AGENT, role: "staging", forSeconds: 60 });
    expect(has(token)).toBe('staging {"readOnly":true}');
    await services.clock.advance(60_000);
    expect(has(token)).toBe('dev {"readOnly":true}');
    await call(token)("use", { lease: { by: "token", token }, role: "staging" });
    await call(token)("use", { lease: { by: "token", token }, role: "-" });
    expect(has(token)).toBe('dev {"readOnly":true}');
    const child = await call(token)("lease-child", { role: "staging", pid: PID });
    expect(has(child.token)).toBe('staging {"readOnly":true}');
    expect(has((await call()("lease-rotate", { lease: AGENT })).token)).toBe('dev {"readOnly":true}');
  });

  it("has no more where it moved, or made a lease, while it was narrowed", async () => {
    const { token } = await agent({ movable: true });
    const moving = call()("lease-set", { lease: AGENT, role: "staging" });
    const making = call(token)("lease-child", { role: "staging", pid: PID }).catch(() => undefined);
    await call()("lease-narrow", { lease: AGENT, scope: READ_ONLY });
    await moving;
    const made = await making;

    expect(has(token)).toBe('staging {"readOnly":true}');
    if (made) expect(has(made.token)).toBe('staging {"readOnly":true}');
    expect(services.leases.list().filter(({ kind, scope }) => kind !== "default" && !scope)).toEqual([]);
  });
});
