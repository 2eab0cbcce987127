import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { type ControlClient, createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest } from "../../src/control-api/contract.js";
import type { ConfirmAnswer, GuardTarget } from "../../src/control-api/guard-contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import { conditionOf, type Guard } from "../../src/core/guard.js";
import type { Role } from "../../src/core/role.js";
import { roleDigest } from "../../src/core/role-digest.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const PID = 4711;
const MINUTE = 60_000;
const DESKTOP: Guard = { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 };

let services: FakeServices;
let server: Server;
let socketPath: string;

const plain = keysSource("plain");
const guardedBy = (name: string, guard: Guard): Role => ({ ...roleOn(plain, name), guard });

async function start(roles: readonly Role[]): Promise<void> {
  services = await fakeControlServices([plain], roles);
  socketPath = join(tempDir("guard"), "control.sock");
  server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  await call()("keys-add", {
    ...{
      source: "plain",
      accessKeyId: "AKIA0000000000000001",
      secretAccessKey: canarySecretKey("guard"),
      replace: false,
    },
  });
}

beforeEach(() =>
  start([
    roleOn(plain, "dev"),
    roleOn(plain, "staging"),
    guardedBy("prod", DESKTOP),
    guardedBy("ops", { confirm: "passphrase", reason: true, maxLeaseSeconds: 600 }),
    guardedBy("audit", { confirm: "terminal", reason: false, maxLeaseSeconds: 1800 }),
    guardedBy("short", { reason: false, maxLeaseSeconds: 300 }),
  ]),
);

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A command line whose variables hold this token, or a program that says nothing of itself. */
function client(leaseToken?: string): ControlClient {
  return createControlClient({ socketPath, version: "1.2.3", caller: { pid: PID, leaseToken } });
}

const call =
  (token?: string) =>
  <O extends ControlOperation>(operation: O, request: ControlRequest<O>) =>
    client(token).call(operation, request);

async function refused<O extends ControlOperation>(
  operation: O,
  request: ControlRequest<O>,
  token?: string,
): Promise<string> {
  return (await brokerErrorOf(() => call(token)(operation, request))).code;
}

async function yesTo(role: string, target: GuardTarget, token?: string): Promise<{ readonly confirmation: string }> {
  services.dialogs.answer = { answer: "yes" };
  const answer: ConfirmAnswer = await call(token)("guard-confirm", { role, target });
  if (answer.needs !== null || answer.confirmation === null) throw new Error(`no yes: ${JSON.stringify(answer)}`);
  return { confirmation: answer.confirmation };
}

/** What the endpoint answers a program with this token. */
function answerTo(token: string): string {
  const lease = services.leases.resolve(token);
  const role = services.leases.roleOf(lease);
  const condition = role === null ? undefined : services.credentials.condition(role);
  if (condition === undefined) return "no role";
  try {
    services.leases.requireGrant(lease, condition);
    return condition.name;
  } catch {
    return "GuardRefused";
  }
}

const agent = (role = "dev"): Promise<LeaseAccess> => call()("lease-create", { name: "agent", role });
const DEFAULT = { by: "default" } as const;
const NEW = { by: "new" } as const;

describe("a pinned lease", () => {
  it("is not moved by use, by its token, name or id, nor by what it runs", async () => {
    const { token, lease } = await agent();
    const selectors = [
      { by: "token", token },
      { by: "name", name: "agent" },
      { by: "id", id: lease.id },
    ] as const;

    for (const selector of selectors) {
      expect(await refused("use", { lease: selector, role: "staging" }, token)).toBe("LeasePinned");
      expect(await refused("use", { lease: selector, role: "staging" })).toBe("LeasePinned");
    }
    expect(answerTo(token)).toBe("dev");
  });

  it("lets its holder move no other lease, approve nothing and deny nothing", async () => {
    const { token } = await agent();
    await call()("lease-create", { name: "ide", role: null });
    const { id } = await call(token)("request-create", { role: "staging", reason: "a test" });

    expect(await refused("use", { lease: DEFAULT, role: "staging" }, token)).toBe("LeasePinned");
    expect(await refused("use", { lease: { by: "name", name: "ide" }, role: "staging" }, token)).toBe("LeasePinned");
    expect(await refused("lease-set", { lease: { by: "name", name: "agent" }, role: "staging" }, token)).toBe(
      "LeasePinned",
    );
    expect(await refused("request-approve", { id }, token)).toBe("LeasePinned");
    expect(await refused("request-deny", { id }, token)).toBe("LeasePinned");
    expect(answerTo(token)).toBe("dev");
  });

  it("is moved by lease set from a shell of its user's, keeps its URL and stays pinned", async () => {
    const { token } = await agent();
    const { token: shell } = await call()("lease-child", { role: null, pid: PID });

    await call(shell)("lease-set", { lease: { by: "name", name: "agent" }, role: "staging" });

    expect(answerTo(token)).toBe("staging");
    expect(await refused("use", { lease: { by: "token", token }, role: "dev" })).toBe("LeasePinned");
    for (const lease of [DEFAULT, { by: "token", token: shell }] as const) {
      expect(await refused("lease-set", { lease, role: "dev" })).toBe("UsageInvalid");
    }
  });

  it("passes role, pin and end on to what is made like it, a movable one its role alone", async () => {
    const { token } = await call()("lease-create", { name: "agent", role: "dev", forSeconds: 600 });
    const child = await call(token)("lease-child", { role: null, like: token, pid: PID, forSeconds: 3600 });
    expect(child.lease).toMatchObject({ role: "dev", movable: false, expiresAt: services.clock.now() + 10 * MINUTE });

    const { token: movable } = await call()("lease-create", {
      name: "ide",
      role: "dev",
      movable: true,
      forSeconds: 600,
    });
    const free = await call(movable)("lease-child", { role: null, like: movable, pid: PID });
    expect(free.lease).toMatchObject({ role: "dev", movable: true, expiresAt: null });
  });

  it("is what a role makes, and movable what follows or is made so", async () => {
    const made = [
      await call()("lease-create", { name: "a", role: "dev" }),
      await call()("lease-create", { name: "b", role: "dev", movable: true }),
      await call()("lease-create", { name: "c", role: null }),
      await call()("lease-child", { role: "dev", pid: PID }),
      await call()("lease-child", { role: null, pid: PID }),
      await call()("lease-access", { pinnedRole: "dev" }),
      await call()("lease-access", { lease: DEFAULT }),
    ];

    expect(made.map(({ lease }) => lease.movable)).toEqual([false, true, true, false, true, false, true]);
  });
});

describe("every way to a guarded role, by a program that knows the control socket", () => {
  it("is refused without a yes, and nothing is asked of AWS", async () => {
    await agent();
    const ways: readonly (readonly [ControlOperation, object])[] = [
      ["use", { lease: DEFAULT, role: "prod" }],
      ["use", { lease: DEFAULT, role: "prod", forSeconds: 60 }],
      ["use", { lease: DEFAULT, role: "prod", forSeconds: 60, confirmation: "x" }],
      ["lease-set", { lease: { by: "name", name: "agent" }, role: "prod" }],
      ["lease-access", { pinnedRole: "prod" }],
      ["lease-create", { name: "b", role: "prod" }],
      ["lease-create", { name: "b", role: "prod", movable: true }],
      ["lease-child", { role: "prod", pid: PID }],
      ["lease-child", { role: "prod", pid: PID, forSeconds: 60, movable: true }],
      ["guard-confirm", { role: "prod", target: NEW, quiet: true }],
      ["guard-confirm", { role: "prod", target: NEW, confirmed: true, passphrase: "guessed one" }],
      ["lambda-role", { function: "f", via: "prod", mode: "assume" }],
      ["lambda-trust", { function: "f", via: "prod", action: "apply" }],
      ["lambda-code", { function: "f", via: "prod" }],
    ];

    for (const [operation, request] of ways) {
      expect([operation, await refused(operation, request as never)]).toEqual([operation, "GuardRefused"]);
    }
    expect(services.sts.calls).toEqual([]);
    expect(services.leases.list().map(({ name }) => name)).toEqual(["default", "agent"]);
  });

  it("is refused with a yes that was said to another role, target or lease", async () => {
    const { token } = await agent();
    const { lease: ide } = await call()("lease-create", { name: "ide", role: null });
    const yes = await yesTo("prod", NEW);
    const other = await yesTo("prod", { by: "id", id: ide.id });

    expect(await refused("use", { lease: DEFAULT, role: "prod", forSeconds: 60, ...yes })).toBe("GuardRefused");
    expect(await refused("lease-set", { lease: { by: "token", token }, role: "prod", ...yes })).toBe("GuardRefused");
    expect(await refused("lease-set", { lease: { by: "token", token }, role: "prod", ...other })).toBe("GuardRefused");
    expect(await refused("lease-child", { role: "prod", pid: PID, ...other })).toBe("GuardRefused");
    expect(await refused("lease-child", { role: "ops", pid: PID, ...yes })).toBe("GuardRefused");
    expect(answerTo((await call()("lease-child", { role: "prod", pid: PID, ...yes })).token)).toBe("prod");
  });

  it("is refused with a yes to what the role was", async () => {
    const yes = await yesTo("prod", NEW);
    const { config } = services;
    const next = guardedBy("prod", { ...DESKTOP, maxLeaseSeconds: 3600 });
    config.config = { ...config.config!, roles: new Map([["prod", next]]) };
    services.credentials.configure([next], 1);

    expect(await refused("lease-child", { role: "prod", pid: PID, ...yes })).toBe("GuardRefused");
  });

  it("gives no other program the token of a lease that has one", async () => {
    const yes = await yesTo("prod", NEW);
    const { token } = await call()("lease-create", { name: "agent", role: "prod", ...yes });
    const agentByName = { by: "name", name: "agent" } as const;
    services.dialogs.answer = { answer: "no" };

    expect(await refused("lease-access", { lease: agentByName })).toBe("GuardRefused");
    expect(await refused("lease-rotate", { lease: agentByName })).toBe("GuardRefused");
    expect((await call(token)("lease-access", { lease: agentByName })).token).toBe(token);
  });

  it("takes no display from a program that unlocks", async () => {
    await call()("unlock", { display: { DISPLAY: ":99" } });
    await call()("unlock", { passphrase: "a right passphrase", display: { DISPLAY: ":99" } });

    expect(services.display.told).toEqual([]);
  });

  it("takes a display from who has the passphrase, and from no other, also while the store is open", async () => {
    services.said.secretStore = "passphrase";

    await call()("unlock", { display: { DISPLAY: ":99" } });
    await call()("unlock", { passphrase: "a wrong passphrase", display: { DISPLAY: ":99" } });
    expect(services.display.told).toEqual([]);

    await call()("unlock", { passphrase: "a right passphrase", display: { DISPLAY: ":1" } });
    expect(services.display.told).toEqual([{ DISPLAY: ":1" }]);
  });
});

describe("a yes", () => {
  it("is for the default lease with an end, and for nothing of it else", async () => {
    expect(await refused("guard-confirm", { role: "prod", target: { by: "shell" } })).toBe("GuardRefused");
    expect(await refused("guard-confirm", { role: "prod", target: DEFAULT })).toBe("GuardRefused");
    expect(services.dialogs.shown).toEqual([]);
    services.dialogs.answer = { answer: "yes" };
    const answer = await call()("guard-confirm", { role: "prod", target: DEFAULT, forSeconds: 600 });
    const confirmation = answer.needs === null ? answer.confirmation : null;

    const { lease } = await call()("use", {
      lease: DEFAULT,
      role: "prod",
      forSeconds: 600,
      confirmation: confirmation ?? "",
    });

    expect(lease.temporary).toEqual({ until: services.clock.now() + 10 * MINUTE, thenRole: null });
    expect(services.dialogs.shown[0]?.lines.join("\n")).toContain(
      "the default lease, which every program of yours has",
    );
  });

  it("covers the lease that asked and its commands until it ends, and no other asker", async () => {
    const { token: shell } = await call()("lease-child", { role: null, pid: PID });
    await yesTo("prod", NEW, shell);

    for (let again = 0; again < 3; again++) {
      const { token, lease } = await call(shell)("lease-child", { role: "prod", pid: PID });
      expect(answerTo(token)).toBe("prod");
      expect(lease.expiresAt).toBe(services.clock.now() + 30 * MINUTE);
    }
    expect(services.dialogs.shown).toHaveLength(1);
    expect(await refused("lease-child", { role: "prod", pid: PID })).toBe("GuardRefused");
    expect(await refused("use", { lease: DEFAULT, role: "prod", forSeconds: 60 }, shell)).toBe("GuardRefused");
    await services.clock.advance(30 * MINUTE);
    expect(await refused("lease-child", { role: "prod", pid: PID }, shell)).toBe("GuardRefused");
  });

  it("of the default lease's holder covers that one command: every program has that token", async () => {
    const { token } = await call()("lease-access", { lease: DEFAULT });
    const yes = await yesTo("prod", NEW, token);
    await call(token)("lease-child", { role: "prod", pid: PID, ...yes });

    expect(await refused("lease-child", { role: "prod", pid: PID }, token)).toBe("GuardRefused");
  });

  it("ends with use of another role", async () => {
    const { token } = await call()("lease-child", { role: null, pid: PID });
    const own = { by: "token", token } as const;
    await call(token)("use", { lease: own, role: "prod", ...(await yesTo("prod", own, token)) });
    expect(answerTo(token)).toBe("prod");
    await call(token)("use", { lease: own, role: "dev" });

    expect(await refused("use", { lease: own, role: "prod" }, token)).toBe("GuardRefused");
  });

  it("caps the lease by the guard's longest, never beyond --for, and needs none where no question is asked", async () => {
    const yes = await yesTo("prod", NEW);
    const lease = async (request: object): Promise<number | null> =>
      (await call()("lease-child", { pid: PID, role: "prod", ...yes, ...request })).lease.expiresAt;
    const now = services.clock.now();

    expect(await lease({})).toBe(now + 30 * MINUTE);
    expect(await lease({ forSeconds: 60 })).toBe(now + MINUTE);
    expect(await lease({ forSeconds: 7200 })).toBe(now + 30 * MINUTE);
    expect(await lease({ role: "short" })).toBe(now + 5 * MINUTE);
  });

  it("to the passphrase needs the reason and the passphrase, whatever else is said", async () => {
    const ask = (more: object) => call()("guard-confirm", { role: "ops", target: NEW, ...more });
    const refused = await brokerErrorOf(() => ask({}));
    expect([refused.message, refused.hint]).toEqual([
      expect.stringContaining("takes a reason"),
      expect.stringMatching(/^brokerctl (?:exec|use) ops .*--reason TEXT/),
    ]);
    expect(await ask({ reason: "ticket", confirmed: true })).toMatchObject({ needs: "passphrase" });
    expect((await brokerErrorOf(() => ask({ reason: "ticket", passphrase: "wrong one" }))).message).toContain("wrong");

    expect(await ask({ reason: "ticket", passphrase: "a right passphrase" })).toMatchObject({ needs: null });
  });

  it("at the terminal is the CLI's word", async () => {
    const ask = (more: object) => call()("guard-confirm", { role: "audit", target: NEW, ...more });
    expect(await ask({ reason: "x\u202ey" })).toMatchObject({
      needs: "terminal",
      question: { reason: "x?y", seconds: 1800 },
    });
    expect(await ask({ confirmed: true })).toMatchObject({ needs: null });
  });
});

describe("a request", () => {
  const ask = (token: string, role = "staging") =>
    call(token)("request-create", { role, reason: "a test", forSeconds: 600 });

  it("widens its lease in place, at the same token, until its end; then the lease has its role again", async () => {
    const { token } = await agent();
    const { id } = await ask(token);
    expect(answerTo(token)).toBe("dev");

    await call()("request-approve", { id });

    expect(answerTo(token)).toBe("staging");
    expect(services.leases.resolve(token).pinned).toBe(true);
    await services.clock.advance(10 * MINUTE);
    expect(answerTo(token)).toBe("dev");
  });

  it("is taken back by deny, and given back by use of a dash", async () => {
    const { token } = await agent();
    const { id } = await ask(token);
    await call()("request-approve", { id });
    await call()("request-deny", { id });
    expect(answerTo(token)).toBe("dev");

    await services.clock.advance(11 * MINUTE);
    await call()("request-approve", { id: (await ask(token)).id });
    await call(token)("use", { lease: { by: "token", token }, role: "-" });
    expect(answerTo(token)).toBe("dev");
  });

  it("is taken back from what was made by it, too", async () => {
    const { token } = await agent();
    const { id } = await ask(token, "prod");
    await call()("request-approve", { id, ...(await yesTo("prod", { by: "request", id })) });
    const made = [
      await call(token)("lease-child", { role: null, like: token, pid: PID }),
      await call(token)("lease-child", { role: "prod", pid: PID }),
      await call(token)("lease-create", { name: "kept", role: "prod" }),
      await call(token)("lease-access", { pinnedRole: "prod" }),
    ];
    const [first] = made;
    made.push(await call(first?.token)("lease-create", { name: "kept-too", role: "prod" }));
    expect(made.map((each) => answerTo(each.token))).toEqual(made.map(() => "prod"));

    await call()("request-deny", { id });

    expect(answerTo(token)).toBe("dev");
    expect(made.map((each) => answerTo(each.token))).toEqual(["dev", ...made.slice(1).map(() => "GuardRefused")]);
  });

  it("that is decided is told to be that, whatever its role's guard would ask", async () => {
    const { token } = await agent();
    const { id } = await ask(token, "prod");
    await call()("request-deny", { id });

    expect(await refused("request-approve", { id })).toBe("Conflict");
  });

  it("for a guarded role takes what its guard asks of who approves", async () => {
    const { token } = await agent();
    const { id } = await ask(token, "prod");
    expect(await refused("request-approve", { id })).toBe("GuardRefused");
    const other = await yesTo("prod", NEW);
    expect(await refused("request-approve", { id, ...other })).toBe("GuardRefused");

    await call()("request-approve", { id, ...(await yesTo("prod", { by: "request", id })) });

    expect(answerTo(token)).toBe("prod");
    expect(services.dialogs.shown.at(-1)?.lines.join("\n")).toContain(`lease agent, by request ${id}`);
    expect(services.dialogs.shown.at(-1)?.lines.join("\n")).toContain("a test");
  });

  it("is void where the role is another by the time it is approved", async () => {
    const { token } = await agent();
    const { id } = await ask(token);
    const { config } = services;
    const definition = { ...roleOn(plain, "staging"), stsRegion: "eu-central-1" };
    const next = { ...definition, digest: roleDigest(definition) };
    const roles = new Map([...config.config!.roles, ["staging", next] as const]);
    config.config = { ...config.config!, roles };
    services.credentials.configure(roles.values(), 1);

    expect(await refused("request-approve", { id })).toBe("Conflict");
    expect((await call()("request-list", {})).requests).toMatchObject([{ id, state: "void" }]);
    expect(answerTo(token)).toBe("dev");
  });

  it("is decided by the first rule that fits, but a guard's yes is a person's", async () => {
    const { config } = services;
    const rule = (role: string, decide: "allow" | "ask" | "deny", maxSeconds = 3600) => ({
      ...{ glob: role, decide, maxSeconds, fits: (name: string) => name === role || role === "*" },
    });
    config.config = {
      ...config.config!,
      requestRules: [rule("staging", "allow", 60), rule("prod", "allow"), rule("*", "deny")],
    };
    const { token } = await agent();
    const decided = async (role: string) => {
      const { state, decidedBy, forSeconds } = await ask(token, role);
      return [state, decidedBy, forSeconds];
    };

    expect(await decided("staging")).toEqual(["approved", "rule", 60]);
    expect(answerTo(token)).toBe("staging");
    expect(await decided("short")).toEqual(["denied", "rule", 300]);
    expect(await decided("prod")).toEqual(["pending", null, 600]);
    expect(answerTo(token)).toBe("staging");
  });

  it("is for a lease of one's own", async () => {
    const { token } = await call()("lease-access", { lease: DEFAULT });

    expect(await refused("request-create", { role: "staging", reason: "x" })).toBe("LeaseUnknown");
    expect(await refused("request-create", { role: "staging", reason: "x" }, token)).toBe("LeaseUnknown");
  });

  it("of two hundred at once from one lease is one, and approved twice at once it is given once", async () => {
    const { token } = await agent();
    const made = await Promise.all(Array.from({ length: 200 }, () => ask(token)));
    const [{ id } = { id: "" }] = made;
    expect(new Set(made.map((one) => one.id)).size).toBe(1);

    const approved = await Promise.allSettled([1, 2, 3].map(() => call()("request-approve", { id })));

    expect(approved.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(services.leases.resolve(token).grants).toHaveLength(1);
  });
});

describe("a guard that a config adds", () => {
  it("is in force for the leases that have the role already, until they are confirmed", async () => {
    const { token } = await agent("staging");
    const { config } = services;
    const next = guardedBy("staging", DESKTOP);
    const roles = new Map([...config.config!.roles, ["staging", next] as const]);
    config.config = { ...config.config!, roles };
    services.credentials.configure(roles.values(), 1);
    expect(answerTo(token)).toBe("GuardRefused");

    const lease = { by: "name", name: "agent" } as const;
    await call()("lease-set", { lease, role: "staging", ...(await yesTo("staging", lease)) });

    expect(answerTo(token)).toBe("staging");
    expect(conditionOf(next).guarded).toBe(true);
  });
});

describe("the record", () => {
  it("has one line for each refusal, with the lease of who asked", async () => {
    const { token, lease } = await agent();
    const lines: unknown[] = [];
    services.audit.record = (event) => void lines.push(event);

    await refused("use", { lease: { by: "token", token }, role: "staging" }, token);
    await refused("use", { lease: DEFAULT, role: "staging" }, token);
    await refused("lease-set", { lease: { by: "name", name: "agent" }, role: "staging" }, token);
    await refused("lease-child", { role: "prod", pid: PID }, token);
    await call(token)("lease-child", { role: "staging", pid: PID });

    expect(lines).toMatchObject([
      {
        event: "use",
        outcome: "refused",
        code: "LeasePinned",
        lease: { id: lease.id },
        caller: { lease: { id: lease.id } },
      },
      { event: "use", outcome: "refused", code: "LeasePinned", caller: { lease: { id: lease.id } } },
      { event: "lease-set", outcome: "refused", code: "LeasePinned", caller: { lease: { id: lease.id } } },
      {
        event: "lease-created",
        outcome: "refused",
        code: "GuardRefused",
        role: "prod",
        caller: { lease: { id: lease.id } },
      },
      { event: "lease-created", outcome: "done", role: "staging", caller: { lease: { id: lease.id } } },
    ]);
  });
});
