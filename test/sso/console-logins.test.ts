import { createPublicKey } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import type { ConsoleLoginSource } from "../../src/core/role.js";
import type { Secret } from "../../src/core/secret.js";
import type { CallbackAnswer } from "../../src/sso/callback-pages.js";
import { type ConsoleLogins, createConsoleLogins } from "../../src/sso/sign-in/console-logins.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { LOGIN_SESSION, MemorySignIn } from "../fakes/memory-sign-in.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const source: ConsoleLoginSource = { type: "console_login", name: "console", stsRegion: "eu-west-1" };

/** Its disk may be full. */
class FullableStore extends MemorySecretStore {
  failure: Error | undefined;

  override async put(key: string, value: Secret): Promise<void> {
    if (this.failure) throw this.failure;
    await super.put(key, value);
  }
}

let clock: FakeClock;
let signIn: MemorySignIn;
let secrets: FullableStore;
let logins: ConsoleLogins;
let woken: string[];
let log: LogLine[];
let decide: ((parameters: URLSearchParams) => Promise<CallbackAnswer>) | undefined;

beforeEach(() => {
  clock = new FakeClock();
  signIn = new MemorySignIn(clock);
  secrets = new FullableStore();
  woken = [];
  log = [];
  logins = create();
});

/** As a brokerd that starts: with what is stored. */
function create(): ConsoleLogins {
  return createConsoleLogins({
    ...{ signIn, secrets, clock, logger: memoryLogger(log) },
    listen: async (listening) => {
      decide = listening.decide;
      return { port: 54_321, close: async () => void (decide = undefined) };
    },
    onLoggedIn: (name) => woken.push(name),
  });
}

async function logIn(of = source): Promise<void> {
  const { running } = await logins.logins.start(of, "browser");
  const state = new URL(running.url).searchParams.get("state") ?? "";
  await decide?.(new URLSearchParams({ state, code: `${CANARY}-code` }));
  await running.done;
}

const refreshes = (): number => signIn.grants.filter(({ kind }) => kind === "refresh").length;
const codeOf = async (action: () => unknown): Promise<string> => (await brokerErrorOf(action)).code;

describe("a login to the console", () => {
  it("is asked for in AWS's own words: its client, its spelling of the challenge, a UUID for a state", async () => {
    const { running } = await logins.logins.start(source, "browser");
    const url = new URL(running.url);
    expect(url.host + url.pathname).toBe("eu-west-1.signin.aws.amazon.com/v1/authorize");
    const query = Object.fromEntries(url.searchParams);
    expect(query).toMatchObject({
      ...{ response_type: "code", scope: "openid", code_challenge_method: "SHA-256" },
      client_id: "arn:aws:signin:::devtools/same-device",
      redirect_uri: "http://127.0.0.1:54321/oauth/callback",
    });
    expect(query["state"]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(query["code_challenge"]).toMatch(/^[\w-]{43}$/);
    const elsewhere = await logins.logins.start({ ...source, name: "other" }, "device");
    expect(Object.fromEntries(new URL(elsewhere.running.url).searchParams)).toMatchObject({
      client_id: "arn:aws:signin:::devtools/cross-device",
      redirect_uri: "https://eu-west-1.signin.aws.amazon.com/v1/sessions/confirmation",
    });
  });

  it("has a key of its own, on P-256, and wakes its source", async () => {
    await logIn();
    await logIn();
    const keys = signIn.grants.map(({ dpopKey }) => dpopKey);
    expect(new Set(keys).size).toBe(2);
    expect(createPublicKey(keys[0] ?? "").asymmetricKeyDetails).toMatchObject({ namedCurve: "prime256v1" });
    expect(woken).toEqual(["console", "console"]);
    expect((await logins.sessions.current(source)).credentials.accountId).toBe("111111111111");
    expect(JSON.stringify(log)).not.toContain(CANARY);
  });

  it("is renewed with the key, as the client and in the region that it was made in, whatever the config says by then", async () => {
    await logIn();
    logins = create();
    await logins.sessions.current({ ...source, stsRegion: "us-east-1" });
    const [first, second] = signIn.grants;
    expect(second).toMatchObject({
      kind: "refresh",
      region: "eu-west-1",
      clientId: first?.clientId,
      dpopKey: first?.dpopKey,
    });
  });

  it("is renewed once, however many ask, and each time with the token that came last", async () => {
    await logIn();
    await clock.advance(10 * MINUTE);
    await Promise.all([1, 2, 3].map(() => logins.sessions.current(source)));
    expect(refreshes()).toBe(1);
    await clock.advance(10 * MINUTE);
    await logins.sessions.current(source);
    const tokens = signIn.grants.flatMap((grant) => (grant.kind === "refresh" ? [grant.refreshToken.reveal()] : []));
    expect(tokens).toEqual([`${CANARY}-refresh-1`, `${CANARY}-refresh-2`]);
  });

  it("whose renewal the disk did not take is not used before it is durable, and is not lost", async () => {
    await logIn();
    await clock.advance(10 * MINUTE);
    secrets.failure = new BrokerError("StoreUnavailable", "no space");
    expect(await codeOf(() => logins.sessions.current(source))).toBe("StoreUnavailable");
    expect(logins.sessions.unsaved).toEqual(["console"]);
    secrets.failure = undefined;
    await logins.sessions.current(source);
    expect(logins.sessions.unsaved).toEqual([]);
    const last = signIn.grants.at(-1);
    expect(last?.kind === "refresh" && last.refreshToken.reveal()).toBe(`${CANARY}-refresh-2`);
  });

  it("that AWS cannot be reached for stays, and what still lives signs", async () => {
    await logIn();
    await clock.advance(10 * MINUTE);
    signIn.next.push(new BrokerError("AwsUnreachable", "no network"), new BrokerError("AwsUnreachable", "no network"));
    expect(await codeOf(() => logins.sessions.current(source))).toBe("AwsUnreachable");
    expect((await logins.sessions.signer(source)).credentials.accessKeyId).toContain("1");
    expect((await logins.sessions.readiness(source)).isLoggedIn).toBe(true);
  });

  it.each(["ended", "changed", "invalid"] as const)("that AWS calls %s is dropped", async (outcome) => {
    await logIn();
    await clock.advance(10 * MINUTE);
    signIn.next.push({ outcome });
    expect(await codeOf(() => logins.sessions.current(source))).toBe("LoginRequired");
    expect(await secrets.keys("console-login:")).toEqual([]);
    expect(await codeOf(() => logins.sessions.current(source))).toBe("LoginRequired");
    expect(refreshes()).toBe(1);
  });

  it("lasts 12 hours at most, which is known beforehand", async () => {
    await logIn();
    const endsAt = clock.now() + 12 * HOUR;
    expect(await logins.sessions.readiness(source)).toEqual({ isLoggedIn: true, expiresAt: endsAt });
    await clock.advance(12 * HOUR);
    expect(await logins.sessions.readiness(source)).toEqual({ isLoggedIn: false, expiresAt: undefined });
  });

  it("of another than login_session names by now is none", async () => {
    await logIn({ ...source, loginSession: LOGIN_SESSION });
    logins = create();
    const bob = { ...source, loginSession: "arn:aws:iam::111111111111:user/bob" };
    expect((await logins.sessions.readiness(bob)).isLoggedIn).toBe(false);
    expect(await codeOf(() => logins.sessions.current(bob))).toBe("LoginRequired");
    expect(refreshes()).toBe(0);
  });

  it("is not in memory after a lock, nor is a renewal that was under way", async () => {
    await logIn();
    await clock.advance(10 * MINUTE);
    let open = (): void => undefined;
    signIn.gate = new Promise((resolve) => (open = resolve));
    const renewing = codeOf(() => logins.sessions.current(source));
    const locking = logins.lock();
    await clock.advance(2000);
    await locking;
    secrets.locked = true;
    open();
    expect(await renewing).toBe("StoreLocked");
    expect(await codeOf(() => logins.sessions.current(source))).toBe("StoreLocked");
  });

  it("ends with the last command that waits for it, and nothing of it is stored", async () => {
    const { running, loginId } = await logins.logins.start(source, "device");
    const leaving = new AbortController();
    const waiting = brokerErrorOf(() => logins.logins.wait(loginId, leaving.signal));
    leaving.abort();
    expect((await waiting).code).toBe("LoginRequired");
    expect((await brokerErrorOf(() => running.done)).message).toContain("cancelled");
    expect(await secrets.keys("console-login:")).toEqual([]);
  });

  it("that no one answers is given up after ten minutes", async () => {
    const { running } = await logins.logins.start(source, "device");
    const failed = brokerErrorOf(() => running.done);
    await clock.advance(10 * MINUTE);
    expect((await failed).message).toMatch(/not answered in time|cancelled/);
  });
});
