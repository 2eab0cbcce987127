import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import type { Guard } from "../../src/core/guard.js";
import type { LeaseScope } from "../../src/core/lease-scope.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const PID = 4711;
const MINUTE = 60_000;
const READ_ONLY: LeaseScope = { readOnly: true };
const GUARD: Guard = { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 };
const DEFAULT = { by: "default" } as const;
const AGENT = { by: "name", name: "agent" } as const;
const NEW = { by: "new" } as const;

let services: FakeServices;
let server: Server;
let socketPath: string;

beforeEach(async () => {
  const plain = keysSource("plain");
  const roles = [roleOn(plain, "dev"), roleOn(plain, "staging"), { ...roleOn(plain, "prod"), guard: GUARD }];
  services = await fakeControlServices([plain], roles);
  socketPath = join(tempDir("scope"), "control.sock");
  server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("scope"), replace: false };
  await call()("keys-add", { source: "plain", ...key });
  await call()("use", { lease: DEFAULT, role: "staging" });
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

async function refused<O extends ControlOperation>(
  operation: O,
  request: ControlRequest<O>,
  token?: string,
): Promise<string> {
  return (await brokerErrorOf(() => call(token)(operation, request))).code;
}

const agent = (scope: LeaseScope | undefined = READ_ONLY, more: object = {}): Promise<LeaseAccess> =>
  call()("lease-create", { name: "agent", role: "dev", scope, ...more });

/** What the endpoint would serve a program with this token: its role and what narrows that, or why not. */
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

const yes = async (request: Omit<ControlRequest<"guard-confirm">, "quiet">, token?: string) => {
  services.dialogs.answer = { answer: "yes" };
  const answer = await call(token)("guard-confirm", request);
  return answer.needs === null && answer.confirmation !== null ? { confirmation: answer.confirmation } : {};
};

describe("what the holder of a narrowed lease makes", () => {
  it("is narrowed at least as much, whichever way and role", async () => {
    const { token } = await agent();
    const made = [
      await call(token)("lease-access", { pinnedRole: "dev" }),
      await call(token)("lease-access", { pinnedRole: "staging" }),
      await call(token)("lease-create", { name: "mine", role: "dev", movable: true }),
      await call(token)("lease-child", { role: "staging", pid: PID }),
      await call(token)("lease-child", { role: null, pid: PID }),
      await call(token)("lease-child", { role: null, pid: PID, like: token }),
      await call(token)("lease-child", { role: "dev", pid: PID, scope: { services: ["s3"] } }),
    ];

    expect(made.map((one) => has(one.token))).toEqual([
      'dev {"readOnly":true}',
      'staging {"readOnly":true}',
      'dev {"readOnly":true}',
      'staging {"readOnly":true}',
      'staging {"readOnly":true}',
      'dev {"readOnly":true}',
      'dev {"services":["s3:read"]}',
    ]);
  });

  it("is refused where it would be wider", async () => {
    const { token } = await agent({ services: ["s3:read"], sessionSeconds: 60 });
    const wider: readonly LeaseScope[] = [
      { services: ["s3"] },
      { services: ["s3:read", "ec2:read"] },
      { sessionSeconds: 3600 },
    ];

    for (const scope of wider) {
      expect(await refused("lease-child", { role: "dev", pid: PID, scope }, token)).toBe("ScopeRefused");
      expect(await refused("lease-child", { role: null, like: token, pid: PID, scope }, token)).toBe("ScopeRefused");
      expect(await refused("lease-create", { name: "b", role: "dev", scope }, token)).toBe("ScopeRefused");
      expect(await refused("lease-access", { pinnedRole: "dev", scope }, token)).toBe("ScopeRefused");
    }
  });
});

describe("what is made like a narrowed lease", () => {
  it("ends with it, movable or not", async () => {
    const { token } = await agent(READ_ONLY, { movable: true, forSeconds: 600 });

    const { lease } = await call(token)("lease-child", { role: null, like: token, pid: PID, forSeconds: 3600 });

    expect(lease).toMatchObject({ movable: true, expiresAt: services.clock.now() + 10 * MINUTE });
  });

  it("may be narrowed further under the yes that its role was given by", async () => {
    const { token } = await call()("lease-create", {
      ...{ name: "agent", role: "prod", scope: READ_ONLY },
      ...(await yes({ role: "prod", target: NEW, scope: READ_ONLY })),
    });

    const child = await call(token)("lease-child", { role: null, like: token, pid: PID, scope: { services: ["s3"] } });

    expect(has(child.token)).toBe('prod {"services":["s3:read"]}');
  });

  it("is narrowed too where another lease's token is named", async () => {
    const { token } = await agent();
    const wide = await call()("lease-access", { lease: DEFAULT });

    const child = await call(token)("lease-child", { role: null, like: wide.token, pid: PID });

    expect(has(child.token)).toBe('staging {"readOnly":true}');
  });
});

describe("the holder of a narrowed lease", () => {
  it("moves no other lease, gets no other one's token, and approves nothing", async () => {
    const { token } = await agent(READ_ONLY, { movable: true });
    await call()("lease-create", { name: "ide", role: "dev", movable: true });
    const ide = { by: "name", name: "ide" } as const;
    const request = await call(token)("request-create", { role: "prod", reason: "x" });
    const tried: readonly (readonly [ControlOperation, object])[] = [
      ["use", { lease: DEFAULT, role: "dev" }],
      ["use", { lease: ide, role: "staging" }],
      ["lease-set", { lease: AGENT, role: "staging" }],
      ["request-approve", { id: request.id }],
      ["request-deny", { id: request.id }],
    ];
    for (const [operation, body] of tried) {
      expect([operation, await refused(operation, body as never, token)]).toEqual([operation, "LeasePinned"]);
    }
    for (const lease of [DEFAULT, ide]) {
      expect(await refused("lease-access", { lease }, token)).toBe("ScopeRefused");
    }
    expect(await refused("lease-rotate", { lease: ide }, token)).toBe("ScopeRefused");
    expect((await call(token)("lease-access", { lease: AGENT })).token).toBe(token);
  });

  it("takes its scope along where it moves", async () => {
    const { token } = await agent(READ_ONLY, { movable: true });

    await call(token)("use", { lease: { by: "token", token }, role: "staging" });
    expect(has(token)).toBe('staging {"readOnly":true}');
    await call()("lease-set", { lease: AGENT, role: "dev", forSeconds: 600 });
    expect(has(token)).toBe('dev {"readOnly":true}');
    await services.clock.advance(10 * MINUTE);
    expect(has(token)).toBe('staging {"readOnly":true}');
  });
});

describe("a request of a narrowed lease", () => {
  it("that is approved widens it in place until its end, and it falls back", async () => {
    const { token } = await agent();
    const { id, scope } = await call(token)("request-create", { role: "dev", reason: "deploy", forSeconds: 600 });
    expect([scope, has(token)]).toEqual(["any", 'dev {"readOnly":true}']);

    await call()("request-approve", { id });

    expect(has(token)).toBe("dev whole");
    expect((await call()("lease-show", { lease: AGENT })).temporary).toMatchObject({
      thenRole: "dev",
      thenScope: READ_ONLY,
    });
    await services.clock.advance(10 * MINUTE);
    expect(has(token)).toBe('dev {"readOnly":true}');
    await services.leases.sweep();
    expect(has(token)).toBe('dev {"readOnly":true}');
  });

  it("carries a scope of its own, in words and with the text of a policy", async () => {
    const { token } = await agent({ services: ["s3:read"] });
    const wish = { role: "prod", reason: "look", forSeconds: 600, scope: READ_ONLY };
    const { id } = await call(token)("request-create", wish);
    const given = await yes({ role: "prod", target: { by: "request", id } });

    expect(services.dialogs.shown.at(-1)?.lines.join("\n")).toContain("No more of it than: read-only");
    await call()("request-approve", { id, ...given });

    expect(has(token)).toBe('prod {"readOnly":true}');
    expect((await call()("request-list", {})).requests[0]).toMatchObject({
      id,
      scope: { readOnly: true },
      state: "approved",
    });
    expect(services.leases.resolve(token).scope?.description).toBe("credbroker: lease agent: look");
  });

  it("that is denied later, or given back, has it narrowed at once", async () => {
    const { token } = await agent();
    const first = await call(token)("request-create", { role: "dev", reason: "deploy" });
    await call()("request-approve", { id: first.id });
    await call()("request-deny", { id: first.id });
    expect(has(token)).toBe('dev {"readOnly":true}');

    await services.clock.advance(11 * MINUTE);
    const second = await call(token)("request-create", { role: "dev", reason: "deploy" });
    await call()("request-approve", { id: second.id });
    expect(has(token)).toBe("dev whole");
    await call(token)("use", { lease: { by: "token", token }, role: "-" });
    expect(has(token)).toBe('dev {"readOnly":true}');
  });

  it("gives what the lease makes meanwhile no more than it had, but for what is made like it", async () => {
    const { token } = await agent();
    const { id } = await call(token)("request-create", { role: "dev", reason: "deploy", forSeconds: 600 });
    await call()("request-approve", { id });
    const [beside, like] = [
      await call(token)("lease-child", { role: "dev", pid: PID }),
      await call(token)("lease-child", { role: null, pid: PID, like: token }),
    ];

    expect([has(beside.token), has(like.token)]).toEqual(['dev {"readOnly":true}', "dev whole"]);
    await call()("request-deny", { id });
    expect(has(like.token)).toBe('dev {"readOnly":true}');
  });

  it("is decided by the first rule that fits its role and its scope", async () => {
    const fits = (): boolean => true;
    const rules = [
      { glob: "*", fits, scope: "read-only", decide: "allow", maxSeconds: 60 },
      { glob: "*", fits, decide: "ask", maxSeconds: 3600 },
    ] as const;
    services.config.config = { ...services.config.config!, requestRules: rules };
    const { token } = await agent({ services: ["s3:read"] });
    const ask = (scope?: LeaseScope) =>
      call(token)("request-create", { role: "staging", reason: "x", ...(scope && { scope }) });

    expect(await ask({ services: ["ec2:read"] })).toMatchObject({
      state: "approved",
      decidedBy: "rule",
      forSeconds: 60,
    });
    expect(await ask({ services: ["ec2"] })).toMatchObject({ state: "pending" });
  });
});

describe("the guard of a role", () => {
  it("holds for what is narrowed of it, and a yes is for just that", async () => {
    expect(await refused("lease-child", { role: "prod", pid: PID, scope: READ_ONLY })).toBe("GuardRefused");
    const narrow = await yes({ role: "prod", target: NEW, scope: READ_ONLY });

    expect(await refused("lease-child", { role: "prod", pid: PID, ...narrow })).toBe("GuardRefused");
    expect(await refused("lease-child", { role: "prod", pid: PID, scope: { services: ["s3"] }, ...narrow })).toBe(
      "GuardRefused",
    );
    const made = await call()("lease-child", { role: "prod", pid: PID, scope: READ_ONLY, ...narrow });
    expect(has(made.token)).toBe('prod {"readOnly":true}');
  });

  it("takes a yes to all of the role for less of it", async () => {
    const whole = await yes({ role: "prod", target: NEW });

    const made = await call()("lease-child", { role: "prod", pid: PID, scope: READ_ONLY, ...whole });

    expect(has(made.token)).toBe('prod {"readOnly":true}');
  });

  it("covers with a yes what the lease makes that is narrowed the same, and not all of the role", async () => {
    const { token } = await call()("lease-create", {
      ...{ name: "agent", role: "prod", scope: READ_ONLY },
      ...(await yes({ role: "prod", target: NEW, scope: READ_ONLY })),
    });

    const child = await call(token)("lease-child", { role: "prod", pid: PID });

    expect([has(token), has(child.token)]).toEqual(['prod {"readOnly":true}', 'prod {"readOnly":true}']);
    expect(child.lease.expiresAt).toBe(services.clock.now() + GUARD.maxLeaseSeconds * 1000);
  });
});

describe("what brokerd does for the holder of a narrowed lease", () => {
  it.each([
    ["lambda-trust", { function: "f", via: "staging", action: "apply" }],
    ["lambda-code", { function: "f", via: "staging" }],
  ] as const)(
    "is signed by what narrows that, so that AWS refuses what it may not (%s)",
    async (operation, request) => {
      const { token } = await agent();

      await call(token)(operation, request as never).catch(() => undefined);

      const assumed = services.sts.calls.filter(({ action }) => action === "AssumeRole");
      expect(assumed.map(({ parameters }) => parameters.policyArns)).toEqual([
        ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
      ]);
    },
  );

  it("opens the console no wider, and not by a portal, which opens all of the role", async () => {
    const { token } = await agent();

    await call(token)("console", { lease: { by: "token", token } });
    await call(token)("console", { role: "staging" });

    const assumed = services.sts.calls.filter(({ action }) => action === "AssumeRole");
    expect(assumed.map(({ parameters }) => parameters.policyArns?.length)).toEqual([1, 1]);
  });
});

describe("env ROLE", () => {
  it("is one lease for role and scope", async () => {
    const names: (string | null)[] = [];
    for (const scope of [undefined, READ_ONLY, { readOnly: true } as const, { services: ["s3"] }]) {
      const { lease } = await call()("lease-access", { pinnedRole: "dev", ...(scope && { scope }) });
      names.push(lease.name);
    }

    expect(names[0]).toBe("role:dev");
    expect(names[1]).toMatch(/^role:dev#[0-9a-f]{12}$/);
    expect(names[2]).toBe(names[1]);
    expect(new Set(names).size).toBe(3);
  });
});
