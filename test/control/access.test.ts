import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRule } from "../../src/config/config.js";
import { createControlApp } from "../../src/control/app.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { Role } from "../../src/core/role.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const MINUTE = 60_000;
const PID = 4711;
const plain = keysSource("plain");

let services: FakeServices;
let server: Server;
let socketPath: string;

beforeEach(async () => {
  const vault: Role = {
    ...roleOn(plain, "vault"),
    guard: { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 },
  };
  services = await fakeControlServices(
    [plain],
    [roleOn(plain, "dev"), roleOn(plain, "staging"), roleOn(plain, "prod"), vault],
  );
  socketPath = join(tempDir("access"), "control.sock");
  server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  const secretAccessKey = canarySecretKey("access");
  await call()("keys-add", { source: "plain", accessKeyId: "AKIA0000000000000001", secretAccessKey, replace: false });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const call =
  (leaseToken?: string) =>
  <O extends ControlOperation>(operation: O, request: ControlRequest<O>): Promise<ControlResponse<O>> =>
    createControlClient({ socketPath, version: "1.2.3", caller: { pid: PID, leaseToken } }).call(operation, request);

async function refused<O extends ControlOperation>(operation: O, request: ControlRequest<O>, token?: string) {
  return brokerErrorOf(() => call(token)(operation, request));
}

const lease = async (name = "agent", role: string | null = "dev"): Promise<string> =>
  (await call()("lease-create", { name, role })).token;

const ask = (token: string, role = "staging") =>
  call(token)("request-create", { role, reason: "a test", forSeconds: 600 });

/** The first that fits decides; `*` fits all. */
function setRules(...rules: readonly (readonly [role: string, decide: RequestRule["decide"], maxSeconds: number])[]) {
  const { config } = services;
  const requestRules = rules.map(([glob, decide, maxSeconds]) => ({
    ...{ glob, decide, maxSeconds, fits: (name: string) => glob === "*" || name === glob },
  }));
  config.config = { ...config.config!, requestRules };
}

describe("a preview of a request", () => {
  it("says what a request then comes to, for each decision, and the longest grant", async () => {
    setRules(["staging", "allow", 60], ["vault", "allow", 7200], ["prod", "deny", 60]);
    const token = await lease();
    const previews = await Promise.all(
      ["staging", "vault", "prod", "dev"].map((role) => call(token)("request-preview", { role })),
    );

    expect(previews.map(({ decision, maxSeconds }) => [decision, maxSeconds])).toEqual([
      ["allow", 60],
      ["ask", 1800],
      ["deny", 60],
      ["ask", 3600],
    ]);
    expect((await ask(token, "staging")).state).toBe("approved");
    expect((await ask(token, "prod")).state).toBe("denied");
    expect((await ask(token, "vault")).state).toBe("pending");
  });

  it("writes nothing: no request, no limit, no line on record, no role that joins the registry", async () => {
    const token = await lease();
    const lines: unknown[] = [];
    services.audit.record = (event) => void lines.push(event);
    const before = JSON.stringify([services.requests.list(), services.leases.list(), services.credentials.snapshot()]);

    for (let each = 0; each < 30; each++) await call(token)("request-preview", { role: "staging" });
    await call(token)("request-roles", {});
    await call(token)("lease-own", {});

    const after = JSON.stringify([services.requests.list(), services.leases.list(), services.credentials.snapshot()]);
    expect(after).toBe(before);
    expect(lines).toEqual([]);
    expect((await ask(token)).state).toBe("pending");
  });

  it("says why it may not be asked just now", async () => {
    const token = await lease();
    const why = async (role: string, of: string | undefined = token) =>
      (await call(of)("request-preview", { role })).refusal?.code;
    expect(await why("staging")).toBeUndefined();

    const { id } = await ask(token);
    expect(await why("prod")).toBe("RequestPending");
    await call()("request-deny", { id });
    expect(await why("staging")).toBe("RequestDenied");
    const noLease = await call()("request-preview", { role: "staging" });
    expect(noLease.refusal?.code).toBe("LeaseUnknown");
  });

  it("by the rules alone tells nothing of a role that none names, be there one or not", async () => {
    setRules(["staging", "ask", 600], ["prod", "deny", 600]);
    const token = await lease();
    const look = (role: string) => call(token)("request-preview", { role, byRules: true });

    const [there, absent] = [await look("vault"), await look("vault2")];
    expect({ ...absent, role: "vault" }).toEqual(there);
    expect(there).toMatchObject({ decision: "ask", maxSeconds: null, guard: null });
    expect(await look("staging")).toMatchObject({ decision: "ask", maxSeconds: 600 });
    expect((await look("prod")).decision).toBe("deny");
    const { roles } = await call(token)("request-roles", { byRules: true });
    expect(roles.map(({ role }) => role)).toEqual(["staging"]);
    expect((await call(token)("request-roles", {})).roles).toHaveLength(4);
  });
});

describe("a role that may be requested", () => {
  it("is listed where rules let it be read alone, with what becomes of either wish", async () => {
    setRules(["prod", "allow", 600], ["*", "deny", 600]);
    const { config } = services;
    const [first, ...others] = config.config!.requestRules;
    config.config = { ...config.config!, requestRules: [{ ...first!, scope: "read-only" }, ...others] };
    const token = await lease();

    const { roles } = await call(token)("request-roles", { byRules: true });

    expect(roles.map(({ role, decision, readOnly }) => [role, decision, readOnly])).toEqual([
      ["prod", "deny", "allow"],
    ]);
    const scope = { readOnly: true } as const;
    expect(await call(token)("request-preview", { role: "prod", scope })).toMatchObject({ decision: "allow" });
  });
});

describe("what became of a request", () => {
  it("is told to its own lease alone; to another it is one that there is not", async () => {
    const [token, other] = [await lease(), await lease("other")];
    const { id } = await ask(token);

    expect(await call(token)("request-status", { id })).toMatchObject({ id, state: "pending" });
    const [foreign, none] = [
      await refused("request-status", { id }, other),
      await refused("request-status", { id: "aaaaaa" }, other),
    ];
    expect([foreign.code, foreign.message.replace(id, "aaaaaa")]).toEqual([none.code, none.message]);
    expect((await refused("request-release", { id }, other)).code).toBe("UsageInvalid");
    expect((await refused("request-status", { id })).code).toBe("LeaseUnknown");
  });

  it("is told when it is decided, and as it stands where that takes too long", async () => {
    const token = await lease();
    const { id } = await ask(token);
    const { pending } = services.clock;
    const late = call(token)("request-status", { id, waitSeconds: 5 });
    await vi.waitUntil(() => services.clock.pending > pending);
    await services.clock.advance(5000);
    expect((await late).state).toBe("pending");

    const soon = call(token)("request-status", { id, waitSeconds: 50 });
    await call()("request-approve", { id });
    expect((await soon).state).toBe("approved");
    expect((await refused("request-status", { id, waitSeconds: 3600 }, token)).code).toBe("UsageInvalid");
  });
});

describe("a grant that its lease releases", () => {
  it("is gone from the lease and from what was made by it, is on record, and may be asked for again at once", async () => {
    const token = await lease();
    const { id } = await ask(token);
    await call()("request-approve", { id });
    const child = await call(token)("lease-child", { role: null, like: token, pid: PID });
    const lines: unknown[] = [];
    services.audit.record = (event) => void lines.push(event);

    expect(await call(token)("request-release", {})).toMatchObject({ id, state: "released" });

    const roleOfToken = (each: string) => services.leases.roleOf(services.leases.resolve(each));
    expect([roleOfToken(token), roleOfToken(child.token)]).toEqual(["dev", "dev"]);
    expect(lines).toMatchObject([{ event: "released", request: id, role: "staging", outcome: "done" }]);
    expect((await ask(token)).state).toBe("pending");
  });

  it("is one once: what is decided or over is not given back again", async () => {
    const token = await lease();
    expect((await refused("request-release", {}, token)).code).toBe("Conflict");
    const { id } = await ask(token);
    await call(token)("request-release", { id });
    expect((await refused("request-release", { id }, token)).code).toBe("Conflict");
    expect((await refused("request-approve", { id })).code).toBe("Conflict");

    const again = await ask(token);
    await call()("request-approve", { id: again.id });
    await services.clock.advance(11 * MINUTE);
    expect((await refused("request-release", {}, token)).code).toBe("Conflict");
  });
});

describe("one's own lease", () => {
  it("is told with its role, its end, what it waits for, and what a request gave it", async () => {
    const token = await lease();
    expect(await call(token)("lease-own", {})).toMatchObject({
      ...{ label: "agent", kind: "named", role: "dev", pending: null, grant: null, refusal: null },
    });
    const { id } = await ask(token);
    expect(await call(token)("lease-own", {})).toMatchObject({ role: "dev", pending: { id } });

    await call()("request-approve", { id });

    const until = services.clock.now() + 10 * MINUTE;
    expect(await call(token)("lease-own", {})).toMatchObject({
      ...{ role: "staging", pending: null, grant: { until, request: id }, temporary: { until, thenRole: "dev" } },
    });
  });

  it("is the default one for who has none", async () => {
    expect(await call()("lease-own", {})).toMatchObject({ kind: "default", role: null, refusal: { code: "NoRole" } });
  });

  it("is told with what the endpoint would refuse it", async () => {
    const token = await lease("guarded", null);
    await services.leases.assign(services.leases.resolve(token).id, "vault");
    expect((await call(token)("lease-own", {})).refusal?.code).toBe("GuardRefused");
    const plainToken = await lease();
    await call()("lock", {});
    expect((await call(plainToken)("lease-own", {})).refusal?.code).toBe("StoreLocked");
  });
});
