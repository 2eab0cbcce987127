import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import type { Role } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import { CredentialsRegistry } from "../../src/credentials/credentials-registry.js";
import { decodeSnapshot, encodeSnapshot } from "../../src/credentials/credentials-snapshot.js";
import { createAssumeRole, createNarrow, RoleProvider } from "../../src/credentials/role-provider.js";
import { KeyStore } from "../../src/credentials/sources/key-store.js";
import { KeysSessions } from "../../src/credentials/sources/keys-sessions.js";
import { MfaCodes } from "../../src/credentials/sources/mfa-codes.js";
import { FakePrograms } from "../fakes/fake-programs.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { MemorySts } from "../fakes/memory-sts.js";
import { sourceProviders } from "../fakes/source-providers.js";
import { canarySecretKey } from "../support/canaries.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { keysSource, roleOn, sessionRole } from "../support/roles.js";

const HOUR = 3_600_000;
const KEY = "AKIA0000000000000001";

let clock: FakeClock;
let sts: MemorySts;
let secrets: MemorySecretStore;
let keys: KeyStore;
let sessions: KeysSessions;
let registry: CredentialsRegistry;

beforeEach(async () => {
  clock = new FakeClock();
  sts = new MemorySts(clock);
  secrets = new MemorySecretStore();
  keys = new KeyStore(secrets);
  const assumeRole = createAssumeRole({ sts, clock });
  sessions = new KeysSessions({
    keys,
    codes: new MfaCodes({ programs: new FakePrograms(), clock }),
    sts,
    assumeRole,
    clock,
    onChange: () => undefined,
  });
  const provider = new RoleProvider({
    assumeRole,
    narrow: createNarrow({ sts, clock }),
    sources: sourceProviders({ keys: sessions }),
  });
  registry = new CredentialsRegistry({
    retrieveUpstream: (role, hops) => provider.retrieve(role, hops),
    clock,
    logger: memoryLogger(),
    random: () => 0,
    onChange: () => undefined,
  });
  const secretAccessKey = new Secret(canarySecretKey());
  await keys.put({ source: "ops-keys", accessKeyId: KEY, secretAccessKey, addedAt: clock.now(), rotatedAt: null });
});

const configure = (...roles: Role[]): void => registry.configure(roles, 8 * HOUR);
const outcome = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "ok",
    (error: unknown) => (error instanceof BrokerError ? `${error.code} ${error.hint ?? ""}`.trim() : String(error)),
  );
const assumed = (): string[] =>
  sts.calls.map((call) => `${call.signer} → ${call.parameters.roleArn?.split("/")[1] ?? call.action}`);

describe("a role on a keys source", () => {
  it("without MFA is assumed with the long-term key itself", async () => {
    configure(roleOn(keysSource(), "dev"));
    const held = await registry.retrieve("dev");
    expect(held.roleArn).toBe("arn:aws:iam::222222222222:role/dev");
    expect(held.credentials.accountId).toBe("222222222222");
    expect(assumed()).toEqual([`${KEY} → dev`]);
  });

  it("without role_arn is served from GetSessionToken, never the key itself", async () => {
    configure(sessionRole(keysSource(), "plain"));
    const held = await registry.retrieve("plain");
    expect(held.credentials.accessKeyId).not.toBe(KEY);
    expect(assumed()).toEqual([`${KEY} → GetSessionToken`]);
  });

  it("without a key says which command adds one", async () => {
    configure(roleOn(keysSource("other"), "dev"));
    expect(await outcome(registry.retrieve("dev"))).toBe("KeyMissing brokerctl keys add other");
    expect(sts.calls).toEqual([]);
  });

  it("whose key AWS refuses says which key to replace", async () => {
    configure(roleOn(keysSource(), "dev"));
    sts.revoked.add(KEY);
    expect(await outcome(registry.retrieve("dev"))).toBe("AssumeRoleDenied brokerctl keys add ops-keys --replace");
  });

  it("is not served while the store is locked", async () => {
    configure(roleOn(keysSource(), "dev"));
    secrets.locked = true;
    expect(await outcome(registry.retrieve("dev"))).toBe("StoreLocked brokerctl unlock");
  });

  it("that is not in the config is unknown", async () => {
    configure();
    expect(await outcome(registry.retrieve("dev"))).toBe("RoleUnknown brokerctl roles");
  });
});

describe("a keys source with MFA", () => {
  const source = keysSource("ops-keys", { mfaSerial: "arn:aws:iam::111111111111:mfa/me" });

  it("asks for a login without calling AWS, and one login serves all its roles", async () => {
    configure(roleOn(source, "dev"), roleOn(source, "prod"), sessionRole(source, "plain"));
    expect(await outcome(registry.retrieve("dev"))).toBe("MfaRequired brokerctl login ops-keys");
    expect(sts.calls).toEqual([]);
    await sessions.login(source, "123456");
    registry.wake("ops-keys");
    await settle();
    for (const role of ["dev", "prod", "plain"]) expect(await outcome(registry.retrieve(role))).toBe("ok");
    expect(sts.calls.filter((call) => call.action === "GetSessionToken")).toHaveLength(1);
    expect((await registry.retrieve("plain")).credentials.accountId).toBe("111111111111");
  });

  it("keeps no session of a wrong code", async () => {
    expect(await outcome(sessions.login(source, "000000"))).toBe("MfaRequired");
    expect(sessions.peek("ops-keys")).toBeUndefined();
  });

  it("asks again once the session ended, while role credentials live on", async () => {
    configure(roleOn(source, "dev"));
    await sessions.login(source, "123456");
    await clock.advance(12 * HOUR - 2 * 60_000);
    expect(await outcome(registry.retrieve("dev"))).toBe("ok");
    await clock.advance(90_000);
    expect(sessions.peek("ops-keys")).toBeUndefined();
    expect(await outcome(registry.retrieve("dev"))).toBe("ok");
  });

  it("whose session AWS no longer accepts asks for a new login", async () => {
    configure(roleOn(source, "dev"));
    const session = await sessions.login(source, "123456");
    sts.revoked.add(session.credentials.accessKeyId);
    expect(await outcome(registry.retrieve("dev"))).toBe("MfaRequired brokerctl login ops-keys");
    expect(sessions.peek("ops-keys")).toBeUndefined();
  });
});

describe("a role chain", () => {
  const first = roleOn(keysSource(), "first");
  const second = roleOn(first, "second");
  const third = roleOn(second, "third");

  it("is assumed hop by hop, and hops are shared by the roles behind them", async () => {
    const sibling = roleOn(second, "sibling");
    configure(first, second, third, sibling);
    await Promise.all([registry.retrieve("third"), registry.retrieve("sibling")]);
    expect(sts.calls).toHaveLength(4);
    expect(new Set(sts.calls.map((call) => call.signer)).size).toBe(3);
  });

  it("renews a hop that AWS calls expired, once", async () => {
    configure(first, second);
    const hop = await registry.retrieve("first");
    sts.revoked.add(hop.credentials.accessKeyId);
    expect(await outcome(registry.retrieve("second"))).toBe("ok");
    expect(sts.calls).toHaveLength(4);
  });

  it("says why when an early hop is denied", async () => {
    configure(first, second, third);
    sts.failWith = new BrokerError("AssumeRoleDenied", "role first trusts another principal");
    await expect(registry.retrieve("third")).rejects.toThrow("role first trusts another principal");
  });
});

describe("a new config", () => {
  it("keeps the credentials of unchanged roles and fetches changed ones anew", async () => {
    configure(roleOn(keysSource(), "dev"), roleOn(keysSource(), "prod"));
    const [dev, prod] = [await registry.retrieve("dev"), await registry.retrieve("prod")];
    configure(roleOn(keysSource(), "dev", { region: "us-east-1" }), roleOn(keysSource(), "prod"));
    expect(await registry.retrieve("prod")).toBe(prod);
    expect(await registry.retrieve("dev")).not.toBe(dev);
  });

  it("without a role renews its credentials no more", async () => {
    configure(roleOn(keysSource(), "dev"));
    await registry.retrieve("dev");
    configure();
    await clock.advance(2 * HOUR);
    expect([sts.calls.length, clock.pending]).toEqual([1, 0]);
  });

  it("without a role makes it unknown, and known again when it returns", async () => {
    configure(roleOn(keysSource(), "dev"));
    await registry.retrieve("dev");
    configure();
    expect(await outcome(registry.retrieve("dev"))).toContain("RoleUnknown");
    configure(roleOn(keysSource(), "dev"));
    expect(await outcome(registry.retrieve("dev"))).toBe("ok");
  });
});

describe("roles that no entry of the config names", () => {
  const names = (): string[] => registry.snapshot().map(({ role }) => role.name);

  it("are let go an hour after they were named, unless a lease needs them, a client fetches them, or another role goes through them", async () => {
    configure(roleOn(keysSource(), "dev"));
    const via = roleOn(keysSource(), "corp:111111111111/Dev");
    for (let count = 0; count < 1000; count++) registry.adopt(roleOn(keysSource(), `lambda:f${count}@dev`));
    for (const role of [
      via,
      roleOn(via, "lambda:leased@corp:111111111111/Dev"),
      roleOn(keysSource(), "lambda:used@dev"),
    ])
      registry.adopt(role);
    await registry.retrieve("lambda:used@dev");
    const needed = new Set(["lambda:leased@corp:111111111111/Dev"]);

    registry.release(needed);
    await clock.advance(HOUR);
    registry.release(needed);
    expect(names()).toHaveLength(1004);
    await clock.advance(1);
    registry.adopt(roleOn(keysSource(), "lambda:new@dev"));
    registry.release(needed);

    const kept = ["dev", via.name, ...needed, "lambda:used@dev", "lambda:new@dev"];
    expect(names()).toEqual(kept);
    expect(await outcome(registry.retrieve("lambda:f1@dev"))).toContain("RoleUnknown");
  });
});

describe("a blocked registry", () => {
  it("answers every fetch with the reason, until it is unblocked", async () => {
    configure(roleOn(keysSource(), "dev"));
    registry.block(new BrokerError("StoreLocked", "locked"));
    expect(await outcome(registry.retrieve("dev"))).toBe("StoreLocked");
    registry.block(undefined);
    expect(await outcome(registry.retrieve("dev"))).toBe("ok");
  });

  it("renews nothing meanwhile", async () => {
    configure(roleOn(keysSource(), "dev"));
    await registry.retrieve("dev");
    const calls = sts.calls.length;
    registry.block(new BrokerError("StoreLocked", "locked"));
    clock.jump(2 * HOUR);
    registry.sweep();
    await settle();
    expect(sts.calls).toHaveLength(calls);
    registry.block(undefined);
    registry.sweep();
    await settle();
    expect(sts.calls).toHaveLength(calls + 1);
  });

  it("forgets everything when told to, and fetches again what was wanted after a wake", async () => {
    configure(roleOn(keysSource(), "dev"));
    await registry.retrieve("dev");
    registry.dropAll();
    expect(registry.snapshot()[0]?.held).toBeUndefined();
    registry.wake("ops-keys");
    await settle();
    expect(registry.snapshot()[0]?.held).toBeDefined();
  });
});

describe("what comes of a source", () => {
  const other = keysSource("other-keys");

  beforeEach(async () => {
    const secretAccessKey = new Secret(canarySecretKey("other"));
    const key = { accessKeyId: "AKIA0000000000000002", secretAccessKey, addedAt: clock.now(), rotatedAt: null };
    await keys.put({ source: "other-keys", ...key });
    const chained = roleOn(roleOn(keysSource(), "first"), "second");
    configure(roleOn(keysSource(), "first"), chained, roleOn(other, "apart"));
    for (const role of ["second", "apart"]) await registry.retrieve(role);
  });

  const heldOf = (): Record<string, boolean> =>
    Object.fromEntries(registry.snapshot().map(({ role, held }) => [role.name, held !== undefined]));

  it("a source that is logged out takes the credentials of all its roles with it, and no others", async () => {
    registry.dropSource("ops-keys");
    expect(heldOf()).toEqual({ first: false, second: false, apart: true });

    registry.wake("other-keys");
    await settle();
    expect(heldOf()).toEqual({ first: false, second: false, apart: true });
    registry.wake("ops-keys");
    await settle();
    expect(heldOf()).toEqual({ first: true, second: true, apart: true });
  });

  it("a store that was opened wakes the roles of all sources", async () => {
    registry.dropAll();
    registry.wakeAll();
    await settle();
    expect(heldOf()).toEqual({ first: true, second: true, apart: true });
  });

  it("a role can be looked at without being fetched", () => {
    registry.dropSource("ops-keys");
    expect(registry.peek("second")).toMatchObject({ role: { name: "second" }, held: undefined });
    expect(registry.peek("nothing")).toBeUndefined();
  });

  it("renewals begin with the role that was asked for last", async () => {
    configure(...["a", "b", "c", "unused"].map((name) => roleOn(keysSource(), name)));
    for (const name of ["c", "a", "b"]) {
      await registry.retrieve(name);
      await clock.advance(1000);
    }
    sts.calls.length = 0;
    clock.jump(HOUR);
    registry.onResume(HOUR);
    registry.sweep();
    await settle();
    expect(assumed()).toEqual([`${KEY} → b`, `${KEY} → a`, `${KEY} → c`]);
  });

  it("a command renews what is still good", async () => {
    const before = await registry.warm("apart");
    expect(await registry.warm("apart")).toBe(before);
    expect(await registry.refresh("apart")).not.toBe(before);
  });
});

describe("the snapshot for the sealed cache", () => {
  it("brings roles and sessions back with their secrets", async () => {
    configure(roleOn(keysSource(), "dev"));
    const held = await registry.retrieve("dev");
    const role = registry.snapshot()[0]!;
    const snapshot = {
      roles: new Map([["dev", { digest: role.role.digest, held, lastRequestedAt: clock.now() }]]),
      sessions: new Map([["ops-keys", { mfaSerial: "arn:aws:iam::111111111111:mfa/me", held }]]),
    };
    const back = decodeSnapshot(encodeSnapshot(snapshot));
    expect(back.roles.get("dev")?.held.credentials.secretAccessKey.reveal()).toBe(
      held.credentials.secretAccessKey.reveal(),
    );
    expect(back.sessions.get("ops-keys")?.held.credentials.sessionToken.reveal()).toBe(
      held.credentials.sessionToken.reveal(),
    );
    expect(back.roles.get("dev")).toEqual({ digest: role.role.digest, held, lastRequestedAt: clock.now() });
    const bare = { credentials: held.credentials, receivedAt: held.receivedAt };
    const sessions = new Map([["ops-keys", { mfaSerial: "arn:aws:iam::111111111111:mfa/me", held: bare }]]);
    expect(decodeSnapshot(encodeSnapshot({ roles: new Map(), sessions })).sessions.get("ops-keys")?.held).toStrictEqual(
      bare,
    );
  });

  it("is restored only under the same definition", async () => {
    configure(roleOn(keysSource(), "dev"));
    const held = await registry.retrieve("dev");
    const calls = sts.calls.length;
    configure(roleOn(keysSource(), "dev", { region: "us-east-1" }));
    registry.restore(new Map([["dev", { digest: "other", held, lastRequestedAt: undefined }]]));
    await registry.retrieve("dev");
    expect(sts.calls).toHaveLength(calls + 1);
  });

  it.each(["", "{}", "null", '{"version":2}', '{"version":1,"roles":[["a",{}]],"sessions":[]}', "garbage"])(
    "that does not read (%j) is an empty one",
    (text) => {
      const { roles, sessions: none } = decodeSnapshot(text);
      expect([roles.size, none.size]).toEqual([0, 0]);
    },
  );
});
