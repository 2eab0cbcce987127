import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REQUEST_SCHEMAS } from "../../src/control/request-schemas.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { PageOperation, PageRequest } from "../../src/control-api/page-contract.js";
import { auditLines } from "../support/audit-lines.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { ask, PageTab, partsOf } from "../support/page-client.js";

const CONFIG = `
defaults: { region: eu-west-1 }
sources:
  ops-keys: { type: keys }
  break-glass: { type: keys, mfa_serial: "arn:aws:iam::111111111111:mfa/me" }
roles:
  dev: { source: ops-keys, role_arn: "${roleArn("dev")}" }
  prod: { source: ops-keys, role_arn: "${roleArn("prod")}" }
  asked: { source: ops-keys, role_arn: "${roleArn("prod")}", guard: { confirm: terminal, reason: true, max_lease: 30m } }
  timed: { source: ops-keys, role_arn: "${roleArn("prod")}", guard: { reason: true, max_lease: 30m } }
`;
const DEFAULT = { by: "default" } as const;

let broker: InProcessBroker;

beforeEach(async () => {
  broker = await InProcessBroker.ready({ config: CONFIG });
});
afterEach(async () => broker.close());

const open = async (): Promise<PageTab> => PageTab.open((await broker.call("ui-open", { findings: [] })).url);

/** As a `brokerctl` whose variables hold this lease's token. */
function holding<O extends ControlOperation>(
  leaseToken: string,
  operation: O,
  request: ControlRequest<O>,
): Promise<ControlResponse<O>> {
  const socketPath = join(broker.home, "run", "control.sock");
  const caller = { pid: process.pid, leaseToken };
  return createControlClient({ socketPath, version: "0.0.0-test", caller }).call(operation, request);
}

const lines = (log?: "refusals") => auditLines(join(broker.home, "state"), log);

/** Of each, one that does what it says; what an id is of, the test puts in. */
const EACH: { readonly [O in PageOperation]: (ids: Ids) => PageRequest<O> } = {
  status: () => ({}),
  "login-choices": () => ({}),
  "login-start": () => ({ source: "ops-keys", flow: "device" }),
  "login-wait": () => ({ loginId: "none" }),
  "login-code": () => ({ loginId: "none", code: "abc" }),
  "login-mfa": () => ({ source: "break-glass", code: "123456" }),
  logout: () => ({ source: "break-glass" }),
  "request-list": () => ({}),
  "request-approve": ({ approved }) => ({ id: approved }),
  "request-deny": ({ denied }) => ({ id: denied }),
  refresh: () => ({ role: "dev" }),
  warm: () => ({ role: "dev" }),
  who: () => ({ role: "dev" }),
  use: () => ({ lease: DEFAULT, role: "dev" }),
  "lease-set": () => ({ lease: { by: "name", name: "agent" }, role: "prod" }),
  "lease-create": () => ({ name: "ide", role: "dev", scope: { readOnly: true } }),
  "lease-narrow": () => ({ lease: { by: "name", name: "ide" }, scope: { services: ["s3"] }, forSeconds: 600 }),
  "lease-show": () => ({ lease: { by: "name", name: "agent" } }),
  "lease-revoke": () => ({ lease: { by: "name", name: "ide" } }),
  "page-holders": () => ({}),
  "page-audit": () => ({}),
  "page-findings": () => ({}),
  lock: () => ({}),
  unlock: () => ({}),
};

interface Ids {
  readonly approved: string;
  readonly denied: string;
}

/** A lease of an agent's, and what it has asked for. */
async function agentWith(reason: string): Promise<Ids & { readonly token: string }> {
  const { token } = await broker.call("lease-create", { name: "agent", role: "dev" });
  const denied = await holding(token, "request-create", { role: "prod", reason, forSeconds: 600 });
  const other = await broker.call("lease-create", { name: "other", role: "dev" });
  const approved = await holding(other.token, "request-create", { role: "prod", reason, forSeconds: 600 });
  return { token, approved: approved.id, denied: denied.id };
}

describe("what a page gets", () => {
  it("has in no answer and no event a token or URL of a lease, a key or a credential", async () => {
    const ids = await agentWith("looking");
    const tab = await open();
    const secrets = [USER_KEY.secretAccessKey, ids.token];
    const accesses = [
      await broker.call("lease-access", { lease: DEFAULT }),
      await broker.call("lease-access", { pinnedRole: "dev" }),
    ];
    let isOver = false;
    const followed = tab.follow(() => isOver);

    const outcomes: Record<string, number> = {};
    for (const [operation, requestFor] of Object.entries(EACH)) {
      outcomes[operation] = (await tab.send(operation, JSON.stringify(requestFor(ids)))).status;
      if (operation !== "use") continue;
      for (const { leaseUrl, token } of accesses) {
        const { status, body } = await get(leaseUrl);
        expect(status).toBe(200);
        secrets.push(token, body["SecretAccessKey"] ?? "", body["Token"] ?? "");
      }
    }
    await broker.pass(5000);
    isOver = true;
    await broker.call("lease-create", { name: "last", role: null });
    await broker.clock.advance(1000);
    await followed;

    const failed = Object.entries(outcomes).filter(([, status]) => status !== 200);
    // There is no such login here, and no such MFA device.
    expect(failed.map(([operation]) => operation).sort()).toEqual([
      "login-code",
      "login-mfa",
      "login-start",
      "login-wait",
    ]);
    expect(tab.received).toContain('"type":"audit"');
    expect(secrets.filter((secret) => secret === "" || tab.received.includes(secret))).toEqual([]);
    expect(/brk_|\/lease\/|\/creds|ASIA|AKIA/.exec(tab.received)?.[0]).toBeUndefined();
  });

  it("is no operation that is not on the list: each other one of control is refused", async () => {
    const tab = await open();
    const others = Object.keys(REQUEST_SCHEMAS).filter((operation) => !(operation in EACH));
    expect(others).toEqual(
      expect.arrayContaining(["lease-access", "lease-rotate", "console", "stop", "keys-add", "ui-open"]),
    );

    for (const operation of [...others, "constructor", "page-secret"]) {
      const { status, json } = await tab.send(operation, "{}");
      expect([status, json], operation).toMatchObject([501, { error: { code: "NotSupported" } }]);
    }
    expect(await broker.call("status", {})).toMatchObject({ daemon: { state: "ready" } });
  });

  it.each([
    ["a yes that was said elsewhere", "use", { lease: DEFAULT, role: "asked", forSeconds: 60, confirmation: "x" }],
    ["that a terminal was asked", "use", { lease: DEFAULT, role: "asked", forSeconds: 60, confirmed: true }],
    ["a passphrase", "unlock", { passphrase: "a passphrase" }],
    ["where a screen is", "unlock", { display: { DISPLAY: ":7" } }],
    ["a lease by its token", "use", { lease: { by: "token", token: "brk_x" }, role: "dev" }],
    ["a socket", "lease-create", { name: "x", role: "dev", socket: "/tmp/x.sock" }],
    ["a list", "status", []],
    ["nothing at all", "status", null],
  ])("takes no %s", async (_what, operation, body) => {
    const tab = await open();
    const { status, json } = await tab.send(operation, JSON.stringify(body));
    expect([status, json]).toMatchObject([400, { error: { code: "UsageInvalid" } }]);
  });

  it.each(["__proto__", "constructor", "prototype"])(
    "takes no %s in JSON, at the top or within, and stays whole",
    async (name) => {
      const tab = await open();
      for (const body of [
        `{"${name}":{"isAdmin":true}}`,
        `{"lease":{"by":"default","${name}":{"by":"token"}},"role":"dev"}`,
      ]) {
        expect((await tab.send("use", body)).status).toBe(400);
      }
      expect(({} as Record<string, unknown>)["isAdmin"]).toBeUndefined();
      expect(await tab.call("who", { role: "dev" })).toMatchObject({ role: "dev" });
    },
  );

  it("holds names and reasons as they are, as data: HTML in them is text in JSON that no browser takes for a page", async () => {
    const html = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    await agentWith(html);
    const tab = await open();

    const { text, headers, json } = await tab.send("request-list", "{}");

    expect((json as { requests: { reason: string }[] }).requests[0]?.reason).toBe(html);
    expect(text).toContain("onerror");
    expect(headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "x-content-type-options": "nosniff",
    });
  });
});

describe("who opens a page", () => {
  it("holds no pinned and no narrowed lease: it would get by the page what its lease could not do; the try is on record", async () => {
    const pinned = await broker.call("lease-create", { name: "agent", role: "dev" });
    const narrowed = await broker.call("lease-create", {
      ...{ name: "reader", role: "dev", movable: true, scope: { readOnly: true } },
    });
    const child = await broker.call("lease-child", { role: "dev", pid: process.pid });
    for (const { token } of [pinned, narrowed, child]) {
      expect(await brokerErrorOf(() => holding(token, "ui-open", { findings: [] }))).toMatchObject({
        code: "LeasePinned",
      });
    }
    await expect
      .poll(() => lines("refusals").map(({ event, code }) => `${event} ${String(code)}`))
      .toContain("page-opened LeasePinned");
  });

  it("may be a shell with a lease of its own that moves, or with the default one", async () => {
    const shell = await broker.call("lease-child", { role: null, pid: process.pid });
    const { token } = await broker.call("lease-access", { lease: DEFAULT });
    for (const own of [shell.token, token]) {
      expect(await holding(own, "ui-open", { findings: [] })).toMatchObject({
        url: expect.stringContaining("#") as string,
      });
    }
  });
});

describe("what a page does", () => {
  it("is on record as a command's is, with who: the page", async () => {
    const ids = await agentWith("looking");
    const tab = await open();
    await tab.call("use", { lease: DEFAULT, role: "dev" });
    await tab.call("lease-create", { name: "ide", role: "dev" });
    await tab.call("lease-set", { lease: { by: "name", name: "ide" }, role: "prod" });
    await tab.call("lease-narrow", { lease: { by: "name", name: "ide" }, scope: { readOnly: true } });
    await tab.call("lease-revoke", { lease: { by: "name", name: "ide" } });
    await tab.call("refresh", { role: "dev" });
    await tab.call("request-approve", { id: ids.approved });
    await tab.call("request-deny", { id: ids.denied });
    await tab.call("lock", {});
    await tab.call("unlock", {});

    const byPage = () => lines().filter(({ via }) => via === "page");
    const events = [
      "page-opened",
      "use",
      "lease-created",
      "lease-set",
      "lease-narrowed",
      "lease-revoked",
      "refresh",
      "approved",
      "denied",
      "lock",
      "unlock",
    ];
    await expect.poll(() => byPage().map(({ event }) => event)).toEqual(events);
    expect(byPage().every(({ uid, claimed }) => uid === 1000 && claimed === undefined)).toBe(true);
  });

  it("gives no guarded role whose yes is asked at a terminal, says which command does, and the try is on record", async () => {
    const { token } = await broker.call("lease-create", { name: "agent", role: "dev" });
    const { id } = await holding(token, "request-create", { role: "asked", reason: "deploy", forSeconds: 600 });
    const tab = await open();

    await expect(
      tab.call("use", { lease: DEFAULT, role: "asked", forSeconds: 600, reason: "deploy it" }),
    ).rejects.toThrow(/GuardRefused: .*at a terminal.*brokerctl use asked --default --for 600s --reason 'deploy it'/);
    await expect(tab.call("lease-create", { name: "x", role: "asked", reason: "deploy" })).rejects.toThrow(
      /GuardRefused.*brokerctl lease create NAME asked --reason deploy/,
    );
    await expect(tab.call("request-approve", { id })).rejects.toThrow(
      new RegExp(`GuardRefused.*brokerctl approve ${id}`),
    );
    expect((await broker.call("request-list", {})).requests[0]).toMatchObject({ id, state: "pending" });
    await expect
      .poll(
        () =>
          lines("refusals").filter(
            ({ code, via, role }) => code === "GuardRefused" && via === "page" && role === "asked",
          ).length,
      )
      .toBeGreaterThan(0);
  });

  it("gives a role whose guard asks a reason and a time, within both", async () => {
    const tab = await open();
    await expect(tab.call("use", { lease: DEFAULT, role: "timed", forSeconds: 600 })).rejects.toThrow(
      "it takes a reason",
    );
    await expect(tab.call("use", { lease: DEFAULT, role: "timed", reason: "deploy" })).rejects.toThrow(
      "every program of yours",
    );

    const moved = await tab.call("use", { lease: DEFAULT, role: "timed", forSeconds: 600, reason: "deploy" });

    expect(moved.lease.temporary?.until).toBe(broker.clock.now() + 600_000);
  });
});

describe("what doctor found", () => {
  it("is told to the page that the shell opened where it was found, and not to one of another shell", async () => {
    const openFinding = async (title: string): Promise<PageTab> => {
      const findings = [{ level: "warning", title, fix: null }] as const;
      return PageTab.open((await broker.call("ui-open", { findings })).url);
    };
    const first = await openFinding("AWS_PROFILE is set");
    const second = await openFinding("what a program says of itself");

    expect(await first.call("page-findings", {})).toMatchObject({ findings: [{ title: "AWS_PROFILE is set" }] });
    expect((await second.call("page-findings", {})).findings).toHaveLength(1);
  });
});

describe("a page after its brokerd", () => {
  it("is none of the next one: its port is closed, and its secret of no use", async () => {
    const tab = await open();
    const followed = tab.follow(() => false);
    await tab.call("status", { rows: 0 });

    await broker.stop();

    expect((await followed).at(-1)).toEqual({ type: "end" });
    await expect(ask(tab.port, { path: "/" })).rejects.toThrow("ECONNREFUSED");
    await broker.start();
    const { port } = partsOf((await broker.call("ui-open", { findings: [] })).url);
    const headers = { "credbroker-page": tab.secret, "Content-Type": "application/json" };
    expect((await ask(port, { method: "POST", path: "/api/status", headers, body: "{}" })).status).toBe(403);
  });

  it("that is locked says so, and opens it again", async () => {
    const tab = await open();
    await tab.call("lock", {});
    expect(await tab.call("status", { rows: 0 })).toMatchObject({ daemon: { state: "locked" } });
    await tab.call("unlock", {});
    expect(await tab.call("status", { rows: 0 })).toMatchObject({ daemon: { state: "ready" } });
  });
});
