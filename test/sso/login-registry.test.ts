import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { SCOPE, type SsoFixture, ssoFixture, ssoSource } from "./sso-fixture.js";

const MINUTE = 60_000;
const corp = ssoSource();
let fixture: SsoFixture;

beforeEach(() => {
  fixture = ssoFixture();
});

async function storedKeys(): Promise<readonly string[]> {
  return fixture.secrets.keys("sso-token:");
}

function parametersOf(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams);
}

describe("a login in the browser", () => {
  it("asks for a code with PKCE, and stores the token before it says that it is done", async () => {
    const { loginId, running } = await fixture.sso.logins.start(corp, "browser");
    const asked = parametersOf(running.url);
    expect(asked).toMatchObject({
      response_type: "code",
      client_id: "client-1",
      redirect_uri: "http://127.0.0.1:54321/oauth/callback",
      code_challenge_method: "S256",
      scopes: SCOPE,
    });
    expect(fixture.center.registered).toMatchObject([
      { redirectUris: ["http://127.0.0.1/oauth/callback"], grantTypes: ["authorization_code", "refresh_token"] },
    ]);
    const waiting = fixture.sso.logins.wait(loginId, new AbortController().signal);
    const page = await fixture.callback({ code: "right", state: asked["state"]! });
    expect(page).toMatchObject({ status: 200 });
    expect((await waiting).expiresAt).toBe(fixture.clock.now() + 60 * MINUTE);
    expect(await storedKeys()).toHaveLength(1);
    expect(fixture.woken).toEqual(["corp"]);
    expect(fixture.center.grants).toMatchObject([{ kind: "authorization_code", redirectUri: asked["redirect_uri"] }]);
  });

  it.each([
    ["another state", { code: "x", state: "wrong" }],
    ["no state", { code: "x" }],
  ])("refuses an answer with %s, and goes on waiting", async (_, parameters) => {
    const { running } = await fixture.sso.logins.start(corp, "browser");
    expect((await fixture.callback(parameters))?.status).toBe(400);
    expect(fixture.center.grants).toEqual([]);
    const right = { code: "right", state: parametersOf(running.url)["state"]! };
    expect((await fixture.callback(right))?.status).toBe(200);
  });

  it("refuses a state that is given twice", async () => {
    const { running } = await fixture.sso.logins.start(corp, "browser");
    const { state } = parametersOf(running.url);
    const twice = new URLSearchParams([
      ["code", "x"],
      ["state", state!],
      ["state", "another"],
    ]);
    expect((await fixture.callback(twice))?.status).toBe(400);
    expect(fixture.center.grants).toEqual([]);
  });

  it("takes one answer only, also while the first is being looked at", async () => {
    let open = (): void => undefined;
    fixture.center.gate = new Promise((resolve) => (open = resolve));
    const { running } = await fixture.sso.logins.start(corp, "browser");
    const answer = { code: "right", state: parametersOf(running.url)["state"]! };
    const first = fixture.callback(answer);
    expect((await fixture.callback(answer))?.status).toBe(400);
    open();
    expect((await first)?.status).toBe(200);
    expect(fixture.center.grants).toHaveLength(1);
  });

  it("with a code that Identity Center refuses fails, and stores nothing", async () => {
    fixture.center.next.push({ outcome: "invalid_grant", message: "Invalid authorization code provided" });
    const { running } = await fixture.sso.logins.start(corp, "browser");
    const page = await fixture.callback({ code: "wrong", state: parametersOf(running.url)["state"]! });
    expect(page?.status).toBe(400);
    expect((await brokerErrorOf(() => running.done)).code).toBe("LoginRequired");
    expect(await storedKeys()).toEqual([]);
  });

  it("that is denied fails, and stores nothing", async () => {
    const { running } = await fixture.sso.logins.start(corp, "browser");
    const state = parametersOf(running.url)["state"]!;
    expect((await fixture.callback({ error: "access_denied", state }))?.status).toBe(400);
    expect((await brokerErrorOf(() => running.done)).message).toContain("denied");
    expect(await storedKeys()).toEqual([]);
  });

  it("stores nothing when its user leaves while the code is redeemed", async () => {
    let open = (): void => undefined;
    fixture.center.gate = new Promise((resolve) => (open = resolve));
    const { loginId, running } = await fixture.sso.logins.start(corp, "browser");
    const leave = new AbortController();
    const waiting = brokerErrorOf(() => fixture.sso.logins.wait(loginId, leave.signal));
    const page = fixture.callback({ code: "right", state: parametersOf(running.url)["state"]! });
    await settle();
    leave.abort();
    expect((await waiting).code).toBe("LoginRequired");
    open();
    expect((await page)?.status).toBe(400);
    expect(await storedKeys()).toEqual([]);
    expect(fixture.woken).toEqual([]);
  });

  it("gives up after ten minutes, and registers anew the next time", async () => {
    const { loginId } = await fixture.sso.logins.start(corp, "browser");
    const waiting = brokerErrorOf(() => fixture.sso.logins.wait(loginId, new AbortController().signal));
    await fixture.clock.advance(10 * MINUTE);
    expect((await waiting).code).toBe("LoginRequired");
    expect(await fixture.callback({})).toBeUndefined();
    await fixture.sso.logins.start(corp, "browser");
    expect(fixture.center.registered).toHaveLength(2);
  });

  it("that cannot be stored says why", async () => {
    fixture.secrets.failure = new BrokerError("StoreUnavailable", "no space left on device");
    const starting = brokerErrorOf(() => fixture.sso.logins.start(corp, "browser"));
    expect((await starting).code).toBe("StoreUnavailable");
  });
});

describe("a login by device", () => {
  it("asks once before anything is shown: a client that was approved before is logged in at once", async () => {
    fixture.center.decision = "approved";
    const { loginId, running } = await fixture.sso.logins.start(corp, "device");
    expect(fixture.center.grants).toHaveLength(1);
    await running.done;
    expect(await fixture.sso.logins.wait(loginId, new AbortController().signal)).toMatchObject({
      expiresAt: fixture.clock.now() + 60 * MINUTE,
    });
  });

  it("polls at its interval, 5 s slower after each slow_down, and over a broken connection", async () => {
    fixture.center.next.push({ outcome: "pending" }, { outcome: "slow_down" });
    fixture.center.next.push(new BrokerError("AwsUnreachable", "no route"));
    const { loginId, running } = await fixture.sso.logins.start(corp, "device");
    const waiting = fixture.sso.logins.wait(loginId, new AbortController().signal);
    expect(running).toMatchObject({ userCode: "ABCD-EFGH", url: "https://device.example/?user_code=ABCD-EFGH" });
    const counts: number[] = [];
    for (let second = 1; second <= 16; second++) {
      await fixture.clock.advance(1000);
      if (second === 10) fixture.center.decision = "approved";
      counts.push(fixture.center.grants.length);
    }
    // The first before showing, then after 5 s (slow_down), after 10 more.
    expect(counts.indexOf(2)).toBe(4);
    expect(counts.indexOf(3)).toBe(14);
    await fixture.clock.advance(10_000);
    await waiting;
    expect(await storedKeys()).toHaveLength(1);
  });

  it.each(["denied", "expired", "invalid_client", "invalid_grant"] as const)("ends when it is %s", async (outcome) => {
    const { running } = await fixture.sso.logins.start(corp, "device");
    fixture.center.next.push({ outcome, message: "no" });
    await fixture.clock.advance(5000);
    expect((await brokerErrorOf(() => running.done)).code).toBe("LoginRequired");
    expect(await storedKeys()).toEqual([]);
    expect(fixture.clock.pending).toBeLessThanOrEqual(2);
  });

  it("ends by our clock when the code has expired", async () => {
    fixture.center.deviceLifeMs = 12_000;
    const { loginId } = await fixture.sso.logins.start(corp, "device");
    const failed = brokerErrorOf(() => fixture.sso.logins.wait(loginId, new AbortController().signal));
    await fixture.clock.advance(15_000);
    expect((await failed).message).toContain("not answered in time");
  });
});

describe("a command that waits for a login", () => {
  it("shares the one of the session, whichever source and flow they came with", async () => {
    const other = ssoSource("corp-too");
    fixture = ssoFixture([corp, other, ssoSource("elsewhere", { startUrl: "https://else.awsapps.com/start" })]);
    const [first, second] = await Promise.all([
      fixture.sso.logins.start(corp, "device"),
      fixture.sso.logins.start(other, "browser"),
    ]);
    expect(second).toMatchObject({ loginId: first.loginId, joined: true });
    expect(first.joined).toBe(false);
    fixture.center.decision = "approved";
    const waits = [first, second].map(({ loginId }) => fixture.sso.logins.wait(loginId, new AbortController().signal));
    await fixture.clock.advance(5000);
    await Promise.all(waits);
    expect(fixture.center.calls).toEqual(["StartDeviceAuthorization"]);
    expect(fixture.woken).toEqual(["corp", "corp-too"]);
  });

  it("leaves it running while another waits, and ends it as the last one", async () => {
    const { loginId, running } = await fixture.sso.logins.start(corp, "device");
    await fixture.sso.logins.start(corp, "device");
    const [a, b] = [new AbortController(), new AbortController()];
    const waits = [a, b].map(({ signal }) => brokerErrorOf(() => fixture.sso.logins.wait(loginId, signal)));
    a.abort();
    await waits[0];
    await fixture.clock.advance(5000);
    expect(fixture.center.grants).toHaveLength(2);
    b.abort();
    await waits[1];
    expect((await brokerErrorOf(() => running.done)).code).toBe("LoginRequired");
    fixture.center.decision = "approved";
    await fixture.clock.advance(60_000);
    expect(fixture.center.grants).toHaveLength(2);
    expect(await storedKeys()).toEqual([]);
  });

  it("is expected for 15 s after the start, then the login ends", async () => {
    const { running } = await fixture.sso.logins.start(corp, "device");
    const ended = brokerErrorOf(() => running.done);
    await fixture.clock.advance(15_000);
    expect((await ended).code).toBe("LoginRequired");
  });

  it("is on record, how it began and how it ended, and its reason where it came to nothing", async () => {
    const lines = (): unknown[] => fixture.log.map(({ message, fields }) => [message, fields]);
    await fixture.logIn();
    const source = "corp";
    const flow = "device";
    expect(lines()).toEqual([
      ["login started", { source, flow }],
      ["logged in", { source, flow, expiresAt: fixture.clock.now() + 60 * MINUTE }],
    ]);

    const { running } = await fixture.sso.logins.start(corp, flow);
    fixture.center.decision = "denied";
    await fixture.clock.advance(5000);
    const { message: reason } = await brokerErrorOf(() => running.done);
    expect(lines().slice(2)).toEqual([
      ["login started", { source, flow }],
      ["no login", { source, flow, reason }],
    ]);
  });

  it("finds no login under another id", async () => {
    const error = await brokerErrorOf(() => fixture.sso.logins.wait("nope", new AbortController().signal));
    expect(error.code).toBe("UsageInvalid");
  });

  it("can start another login after one that failed to start", async () => {
    fixture.secrets.locked = true;
    expect((await brokerErrorOf(() => fixture.sso.logins.start(corp, "device"))).code).toBe("StoreLocked");
    fixture.secrets.locked = false;
    await fixture.logIn();
    expect(await storedKeys()).toHaveLength(1);
  });
});

describe("a client registration", () => {
  it("is kept until seven days before its end, one for each flow", async () => {
    await fixture.logIn();
    await fixture.logIn();
    expect(fixture.center.registered).toHaveLength(1);
    const browser = await fixture.sso.logins.start(corp, "browser");
    expect(fixture.center.registered).toHaveLength(2);
    await fixture.sso.logins.cancel(corp);
    await brokerErrorOf(() => browser.running.done);
    await fixture.clock.advance(fixture.center.registrationLifeMs - 7 * 24 * 60 * MINUTE - 1);
    await fixture.logIn();
    expect(fixture.center.registered).toHaveLength(2);
    await fixture.clock.advance(1);
    await fixture.logIn();
    expect(fixture.center.registered).toHaveLength(3);
  });

  it("that Identity Center has forgotten is made anew", async () => {
    await fixture.logIn();
    const start = fixture.center.startDeviceAuthorization.bind(fixture.center);
    let refusals = 1;
    fixture.center.startDeviceAuthorization = async () => {
      if (refusals-- > 0) throw new BrokerError("LoginRequired", "client not known", { signer: "refused" });
      return start();
    };
    await fixture.logIn();
    expect(fixture.center.registered).toHaveLength(2);
  });
});
