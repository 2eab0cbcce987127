import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { get, type InProcessBroker } from "../support/in-process-broker.js";
import { type SsoBroker, startSsoBroker } from "../support/sso-broker.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let fixture: SsoBroker;

beforeEach(async () => {
  fixture = await startSsoBroker();
});

afterEach(() => fixture.close());

/** Real sockets need real turns of the event loop. */
async function wire(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await settle();
}

async function advance(ms: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await fixture.broker.clock.advance(stepMs);
    await wire();
  }
}

async function until<T>(look: () => Promise<T>, want: (seen: T) => boolean): Promise<T> {
  for (;;) {
    const seen = await look();
    if (want(seen)) return seen;
    await wire();
  }
}

/** In steps shorter than our own deadline for AWS, whose answers are on the wire meanwhile. */
function ticking<T>(look: () => Promise<T>, want: (seen: T) => boolean): Promise<T> {
  const tick = async (): Promise<T> => {
    await fixture.broker.clock.advance(SECOND);
    return look();
  };
  return until(tick, want);
}

const codeOf = async (url: string): Promise<string | undefined> => {
  const { status, body } = await get(url);
  return status === 200 ? "200" : body["Code"];
};

async function isStored(): Promise<boolean> {
  return (await fixture.sourceState()) === "ready";
}

describe("a login in the browser", () => {
  it("serves the role that waited, whose credentials AWS accepts, and stands in status", async () => {
    const { broker, center } = fixture;
    const url = await broker.urlOf("dev");
    expect(await get(url)).toMatchObject({ status: 400, body: { Code: "LoginRequired" } });
    await fixture.logIn();
    await until(
      () => codeOf(url),
      (code) => code === "200",
    );
    const { arn, account } = await broker.call("whoami", { role: "dev" });
    expect([arn, account]).toEqual([expect.stringContaining("AWSReservedSSO_AdministratorAccess"), "100000000001"]);
    const { sources, roles } = await broker.call("status", {});
    expect(sources).toMatchObject([{ state: "ready", expiresAt: broker.clock.now() + HOUR }]);
    expect(roles[0]).toMatchObject({ name: "dev", state: "ready", accountId: "100000000001" });
    expect(center.lastOf("RegisterClient").params).toMatchObject({ redirectUris: ["http://127.0.0.1/oauth/callback"] });
  });

  it("denies a role that is not assigned, and says how to see which are", async () => {
    await fixture.logIn();
    const error = await brokerErrorOf(() => fixture.broker.call("warm", { role: "foreign" }));
    expect(error).toMatchObject({ code: "AssumeRoleDenied", hint: "brokerctl sso roles corp" });
    expect(await fixture.sourceState()).toBe("ready");
  });

  it("leaves no token in any file or log line", async () => {
    await fixture.logIn();
    await fixture.broker.call("warm", { role: "dev" });
    const token = fixture.center.lastOf("GetRoleCredentials").accessToken!;
    expect(token.length).toBeGreaterThan(20);
    expect(JSON.stringify(fixture.broker.log)).not.toContain(token);
    const sealed = readFileSync(join(fixture.broker.home, "state", "secrets.sealed")).toString("latin1");
    expect(sealed).not.toContain(token);
  });
});

describe("an answer of the browser that is not the one awaited", () => {
  let url: string;
  let loginId: string;
  let leave: AbortController;
  let ended: Promise<string>;
  let callback: URL;

  beforeEach(async () => {
    const { broker } = fixture;
    ({ loginId, url } = await broker.call("login-start", { source: "corp", flow: "browser" }));
    leave = new AbortController();
    ended = broker.call("login-wait", { loginId }, leave.signal).then(
      () => "logged in",
      (error: unknown) => (error instanceof Error ? error.message : ""),
    );
    callback = new URL(new URL(url).searchParams.get("redirect_uri")!);
  });

  afterEach(() => leave.abort());

  async function rightAnswer(): Promise<URL> {
    const { location } = await decideInBrowser(url, "approve");
    return new URL(location!);
  }

  it.each<[string, (right: URL) => URL]>([
    ["another state", (right) => withParameters(right, { state: "x".repeat(43) })],
    ["no state", (right) => withParameters(right, { state: undefined })],
    ["another path", (right) => new URL(`/other${right.search}`, right)],
  ])("with %s is refused, nothing is stored, and the right one still counts", async (_, change) => {
    const right = await rightAnswer();
    const answer = await fetch(change(right));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(fixture.center.countOf("CreateToken")).toBe(0);
    expect(await isStored()).toBe(false);
    expect((await fetch(right)).status).toBe(200);
    expect(await ended).toBe("logged in");
  });

  it("under another Host is refused", async () => {
    const right = await rightAnswer();
    expect(await statusUnderHost(right, "rebound.example")).toBe(403);
    expect(await statusUnderHost(right, `localhost:${right.port}`)).toBe(403);
    expect(fixture.center.countOf("CreateToken")).toBe(0);
  });

  it("with a wrong code ends the login, and stores nothing", async () => {
    const right = await rightAnswer();
    const answer = await fetch(withParameters(right, { code: "wrong" }));
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("brokerctl login corp");
    expect(await ended).not.toBe("logged in");
    expect(await isStored()).toBe(false);
    await expect(fetch(right)).rejects.toThrow();
  });

  it("that comes a second time finds no listener", async () => {
    const right = await rightAnswer();
    const [first, second] = await Promise.allSettled([fetch(right), fetch(right)]);
    const statuses = [first, second].map((each) => (each.status === "fulfilled" ? each.value.status : "refused"));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(fixture.center.countOf("CreateToken")).toBe(1);
    await ended;
    await expect(fetch(right)).rejects.toThrow();
  });

  it("after Ctrl-C finds no listener, and nothing is stored", async () => {
    const right = await rightAnswer();
    leave.abort();
    await ended;
    // Asked for another path until the listener is gone: until then the right answer would still count. It goes at once,
    // or, where Ctrl-C came before the daemon had read that a command waits, with the 15 s in which a waiter is expected.
    await ticking(
      () => fetch(new URL("/other", right)).then(String, () => "refused"),
      (seen) => seen === "refused",
    );
    await expect(fetch(right)).rejects.toThrow();
    expect(fixture.center.countOf("CreateToken")).toBe(0);
    expect(await isStored()).toBe(false);
  });

  it("denied ends the login", async () => {
    const { location } = await decideInBrowser(url, "deny");
    expect((await fetch(location!)).status).toBe(400);
    expect(await ended).toContain("denied");
    expect(callback.hostname).toBe("127.0.0.1");
  });
});

describe("a login by device", () => {
  it("ends when the code is confirmed, and not before", async () => {
    const { broker, center } = fixture;
    const started = await broker.call("login-start", { source: "corp", flow: "device" });
    expect(center.pendingUserCodes()).toEqual([started.userCode]);
    expect(started.url).toContain(started.userCode!);
    let isDone = false;
    const waiting = broker.call("login-wait", { loginId: started.loginId }).then(() => (isDone = true));
    await advance(10 * SECOND, SECOND);
    expect(isDone).toBe(false);
    await decideInBrowser(started.url, "approve");
    await advance(10 * SECOND, SECOND);
    await waiting;
    await broker.call("warm", { role: "power" });
  });

  it("ends when it is denied", async () => {
    const { broker, center } = fixture;
    const { loginId, userCode } = await broker.call("login-start", { source: "corp", flow: "device" });
    const failed = brokerErrorOf(() => broker.call("login-wait", { loginId }));
    center.deny(userCode!);
    await advance(10 * SECOND, SECOND);
    expect((await failed).code).toBe("LoginRequired");
  });

  it("of a client that was approved before needs no user", async () => {
    const { broker, center } = fixture;
    center.settings.preAuthorized = true;
    const { loginId, isDone } = await broker.call("login-start", { source: "corp", flow: "device" });
    expect(isDone).toBe(true);
    await broker.call("login-wait", { loginId });
    expect(await fixture.sourceState()).toBe("ready");
  });

  it("is asked for again with another client where Identity Center forgot ours", async () => {
    const { broker, center } = fixture;
    center.settings.preAuthorized = true;
    await broker.call("login-start", { source: "corp", flow: "device" });
    center.forgetRegistrations();
    expect(await broker.call("login-start", { source: "corp", flow: "device" })).toMatchObject({ isDone: true });
    expect(center.countOf("RegisterClient")).toBe(2);
  });
});

describe("a session", () => {
  it("is renewed behind under continuous load: an hour of ten-minute tokens without a gap", async () => {
    const { broker, center } = fixture;
    Object.assign(center.settings, { accessTokenSeconds: 600, roleSessionSeconds: 900 });
    await fixture.logIn();
    const url = await broker.urlOf("dev");
    await broker.call("warm", { role: "dev" });
    const seen = new Set<string | undefined>();
    for (let passed = 0; passed < HOUR; passed += 5 * SECOND) {
      await broker.clock.advance(5 * SECOND);
      seen.add(await codeOf(url));
      await wire();
      // What is asked is answered within a step, however busy the machine is.
      for (const action of ["CreateToken", "GetRoleCredentials"] as const) {
        await center.finished(action, center.countOf(action));
      }
      await wire();
    }
    expect([...seen]).toEqual(["200"]);
    expect(center.countOf("CreateToken")).toBeGreaterThanOrEqual(7);
    expect(center.countOf("GetRoleCredentials")).toBeGreaterThanOrEqual(6);
  });

  it("whose refresh token is revoked needs a login within a sweep, and serves what is valid to its end", async () => {
    const { broker, center } = fixture;
    center.settings.roleSessionSeconds = 4 * 3600;
    await fixture.logIn();
    const url = await broker.urlOf("dev");
    await broker.call("warm", { role: "dev" });
    center.revokeRefreshTokens();
    await advance(40 * MINUTE, 5 * MINUTE);
    await ticking(
      () => fixture.sourceState(),
      (state) => state === "login_required",
    );
    expect(center.countOf("CreateToken")).toBe(2);
    expect(await codeOf(url)).toBe("200");
    await advance(3 * HOUR + 10 * MINUTE, 5 * MINUTE);
    expect(await codeOf(url)).toBe("200");
    await advance(10 * MINUTE, MINUTE);
    expect(await codeOf(url)).toBe("LoginRequired");
    expect(center.countOf("CreateToken")).toBe(2);
  });

  it("that has ended tells 200 clients at once, and one login serves them all", async () => {
    const { broker, center } = fixture;
    await fixture.logIn();
    const url = await broker.urlOf("dev");
    await broker.call("warm", { role: "dev" });
    center.endSessions();
    await advance(2 * HOUR, 10 * MINUTE);
    const before = center.countOf("Authorize") + center.countOf("StartDeviceAuthorization");
    const calls = center.calls.length;
    const codes = await Promise.all(Array.from({ length: 200 }, async () => codeOf(url)));
    expect(new Set(codes)).toEqual(new Set(["LoginRequired"]));
    expect(center.calls.length - calls).toBeLessThanOrEqual(1);
    const logins = await Promise.all(
      Array.from({ length: 20 }, () => broker.call("login-start", { source: "corp", flow: "browser" })),
    );
    expect(new Set(logins.map(({ loginId }) => loginId)).size).toBe(1);
    expect(logins.filter(({ joined }) => !joined)).toHaveLength(1);
    expect(center.countOf("Authorize") + center.countOf("StartDeviceAuthorization")).toBe(before);
    const waiting = logins.map(({ loginId }) => broker.call("login-wait", { loginId }));
    const { location } = await decideInBrowser(logins[0]!.url, "approve");
    await fetch(location!);
    await Promise.all(waiting);
    await until(
      () => codeOf(url),
      (code) => code === "200",
    );
  });

  it("outlives a restart, and goes on being renewed", async () => {
    const { broker, center } = fixture;
    await fixture.logIn();
    await broker.stop();
    await broker.start();
    expect(await fixture.sourceState()).toBe("ready");
    await broker.call("warm", { role: "power" });
    await advance(40 * MINUTE, 5 * MINUTE);
    await ticking(
      async () => center.countOf("CreateToken"),
      (renewals) => renewals > 1,
    );
    await advance(10 * MINUTE, SECOND);
    expect(center.countOf("CreateToken")).toBe(2);
  });

  it.each([
    ["brokerd is stopped", (broker: InProcessBroker) => broker.stop(), (broker: InProcessBroker) => broker.start()],
    [
      "the store is locked",
      (broker: InProcessBroker) => broker.call("lock", {}),
      (broker: InProcessBroker) => broker.call("unlock", {}),
    ],
  ])("in the middle of a renewal when %s keeps the new refresh token", async (_, end, begin) => {
    const { broker, center } = fixture;
    await fixture.logIn();
    const renewal = center.faults.hold("CreateToken");
    await broker.clock.advance(44 * MINUTE);
    // In one step the clock would pass our own deadline for AWS before the call is on the wire.
    await ticking(
      async () => renewal.waiting,
      (waiting) => waiting > 0,
    );
    let isEnded = false;
    const ended = end(broker).then(() => (isEnded = true));
    // Far more work than an end takes that waits for nothing.
    for (let turn = 0; turn < 50; turn++) await fetch(center.url);
    expect(isEnded).toBe(false);
    center.faults.clear("CreateToken");
    await ended;
    await begin(broker);
    await broker.clock.advance(HOUR);
    await broker.call("warm", { role: "dev" });
    expect(await fixture.sourceState()).toBe("ready");
  });

  it("that was due when brokerd ended is renewed when it starts, before a client asks", async () => {
    const { broker, center } = fixture;
    await fixture.logIn();
    await broker.stop();
    broker.clock.jump(46 * MINUTE);
    await broker.start();
    await center.finished("CreateToken", 2);
    expect(center.lastOf("CreateToken").status).toBe(200);
  });

  it("is not used while the store is locked, and is there again after unlock", async () => {
    const { broker } = fixture;
    await fixture.logIn();
    await broker.call("lock", {});
    const error = await brokerErrorOf(() => broker.call("login-start", { source: "corp", flow: "device" }));
    expect(error.code).toBe("StoreLocked");
    await broker.call("unlock", {});
    await broker.call("warm", { role: "dev" });
  });
});

describe("a logout", () => {
  it("ends the session, drops what came from it, and leases answer LoginRequired", async () => {
    const { broker, center } = fixture;
    await fixture.logIn();
    const url = await broker.urlOf("dev");
    await broker.call("warm", { role: "dev" });
    expect(await broker.call("logout", { source: "corp" })).toEqual({
      wasLoggedIn: true,
      sources: ["corp"],
      problem: null,
    });
    expect(center.countOf("Logout")).toBe(1);
    expect(await codeOf(url)).toBe("LoginRequired");
    await broker.stop();
    await broker.start();
    expect(await codeOf(url)).toBe("LoginRequired");
  });
});

describe("SOURCE:ACCOUNT/ROLE", () => {
  const ADMIN = "corp:100000000003/AdministratorAccess";

  it("is a role for use, warm, whoami and leases, and outlives restarts while a lease names it", async () => {
    const { broker } = fixture;
    await fixture.logIn();
    await broker.call("use", { lease: { by: "default" }, role: ADMIN });
    await broker.call("use", { lease: { by: "default" }, role: "dev", forSeconds: 600 });
    const pinned = await broker.call("lease-access", { pinnedRole: ADMIN });
    expect(pinned.region).toBe("eu-west-1");
    expect((await broker.call("whoami", { role: ADMIN })).account).toBe("100000000003");
    await broker.stop();
    await broker.start();
    expect(await codeOf(pinned.leaseUrl)).toBe("200");
    await broker.reload();
    expect(await codeOf(pinned.leaseUrl)).toBe("200");
    await advance(11 * MINUTE, MINUTE);
    const access = await broker.call("lease-access", { lease: { by: "default" } });
    expect(access.lease.role).toBe(ADMIN);
    expect(await codeOf(access.leaseUrl)).toBe("200");
  });

  it("takes the account's name where only one account has it, and keeps the id through restarts", async () => {
    const { broker } = fixture;
    await fixture.logIn();
    const typed = "corp:team 03 production/administratoraccess";
    const moved = await broker.call("use", { lease: { by: "default" }, role: typed });
    expect(moved.new.role).toBe(ADMIN);
    await broker.stop();
    await broker.start();
    const access = await broker.call("lease-access", { lease: { by: "default" } });
    expect([access.lease.role, await codeOf(access.leaseUrl)]).toEqual([ADMIN, "200"]);
  });

  it.each(["corp:1/x", "corp:missing/Admin", "nowhere:100000000003/AdministratorAccess"])(
    "%s is none",
    async (role) => {
      await fixture.logIn();
      expect((await brokerErrorOf(() => fixture.broker.call("warm", { role }))).code).toBe("RoleUnknown");
    },
  );
});

function withParameters(url: URL, changes: Readonly<Record<string, string | undefined>>): URL {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  }
  return changed;
}

function statusUnderHost(url: URL, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once("error", reject).end();
  });
}
