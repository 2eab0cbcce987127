import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import type { Source } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import { CredentialsCache } from "../../src/credentials/credentials-cache.js";
import { CredentialsRegistry } from "../../src/credentials/credentials-registry.js";
import { decodeSnapshot } from "../../src/credentials/credentials-snapshot.js";
import { createAssumeRole, createNarrow, RoleProvider } from "../../src/credentials/role-provider.js";
import { KeyStore } from "../../src/credentials/sources/key-store.js";
import { KeysSessions } from "../../src/credentials/sources/keys-sessions.js";
import { MfaCodes } from "../../src/credentials/sources/mfa-codes.js";
import type { SealedCache } from "../../src/secrets/sealed-cache.js";
import { FakePrograms } from "../fakes/fake-programs.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { MemorySts } from "../fakes/memory-sts.js";
import { sourceProviders } from "../fakes/source-providers.js";
import { canarySecretKey } from "../support/canaries.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { keysSource, roleOn } from "../support/roles.js";

const HOUR = 3_600_000;
const SERIAL = "arn:aws:iam::111111111111:mfa/me";

/** What survives a daemon. */
class MemoryCache implements SealedCache {
  text: string | undefined;
  writes = 0;
  failWith: Error | undefined;

  async read(): Promise<string | undefined> {
    return this.text;
  }

  async write(text: () => string): Promise<void> {
    if (this.failWith) throw this.failWith;
    this.writes++;
    this.text = text();
  }
}

let clock: FakeClock;
let sts: MemorySts;
let disk: MemoryCache;
let keys: KeyStore;

beforeEach(async () => {
  clock = new FakeClock();
  sts = new MemorySts(clock);
  disk = new MemoryCache();
  keys = new KeyStore(new MemorySecretStore());
  const secretAccessKey = new Secret(canarySecretKey());
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey, addedAt: 1, rotatedAt: null };
  for (const source of ["plain", "with-mfa"]) await keys.put({ ...key, source });
});

/** A daemon's credentials over what survived the one before. */
function daemon(withMfa = keysSource("with-mfa", { mfaSerial: SERIAL }), role = "dev") {
  const plain = keysSource("plain");
  const logger = memoryLogger();
  const sources = new Map<string, Source>([plain, withMfa].map((source) => [source.name, source]));
  const assumeRole = createAssumeRole({ sts, clock });
  let save = (): void => undefined;
  const codes = new MfaCodes({ programs: new FakePrograms(), clock });
  const sessions = new KeysSessions({ keys, codes, sts, assumeRole, clock, onChange: () => save() });
  const provider = new RoleProvider({
    assumeRole,
    narrow: createNarrow({ sts, clock }),
    sources: sourceProviders({ keys: sessions }),
  });
  const registry = new CredentialsRegistry({
    retrieveUpstream: (wanted, hops) => provider.retrieve(wanted, hops),
    ...{ clock, logger, random: () => 0, onChange: () => save() },
  });
  registry.configure([roleOn(plain, role), roleOn(withMfa, "behind-mfa")], 8 * HOUR);
  const cache = new CredentialsCache({ cache: disk, registry, sessions, logger, sources: () => sources });
  save = cache.save;
  return { registry, sessions, cache, logger, withMfa };
}

describe("the cache of credentials", () => {
  it("carries roles and MFA sessions over a restart, without a call to AWS", async () => {
    const before = daemon();
    await before.cache.restore();
    const held = await before.registry.retrieve("dev");
    await before.sessions.login(before.withMfa, "123456");
    const calls = sts.calls.length;

    const after = daemon();
    await after.cache.restore();

    expect((await after.registry.retrieve("dev")).credentials.accessKeyId).toBe(held.credentials.accessKeyId);
    expect(after.registry.snapshot()[0]?.lastRequestedAt).toBe(clock.now());
    expect(after.sessions.peek("with-mfa")).toBeDefined();
    expect(sts.calls).toHaveLength(calls);
    expect(after.logger.lines.at(-1)).toMatchObject({ level: "debug", fields: { roles: 1, sessions: 1 } });
  });

  it("does not bring back a session of another MFA device", async () => {
    const before = daemon();
    await before.cache.restore();
    await before.sessions.login(before.withMfa, "123456");

    const after = daemon(keysSource("with-mfa", { mfaSerial: `${SERIAL}-new` }));
    await after.cache.restore();

    expect(after.sessions.peek("with-mfa")).toBeUndefined();
  });

  it("saves nothing before it has restored: an empty memory does not write over what was kept", async () => {
    const { registry } = daemon();
    await registry.retrieve("dev");

    expect(disk.writes).toBe(0);
  });

  it("is overwritten with nothing at a lock, and saves nothing after it", async () => {
    const { registry, cache } = daemon();
    await cache.restore();
    await registry.retrieve("dev");
    expect(decodeSnapshot(disk.text).roles.size).toBe(1);

    await cache.clear();
    await registry.refresh("dev");

    expect(decodeSnapshot(disk.text).roles.size).toBe(0);
  });

  it("has no roles in it that hold nothing", async () => {
    const { registry, cache } = daemon();
    await cache.restore();
    await registry.retrieve("dev");
    registry.dropAll();

    expect(decodeSnapshot(disk.text).roles.size).toBe(0);
  });

  it("that cannot be written costs a line in the log and nothing else", async () => {
    const { registry, cache, logger } = daemon();
    await cache.restore();
    disk.failWith = new BrokerError("StoreUnavailable", "disk full");

    await registry.retrieve("dev");
    await settle();

    expect(logger.lines.filter(({ level }) => level === "warn")).toEqual([
      { level: "warn", message: "credentials not cached", fields: { err: disk.failWith } },
    ]);
  });

  it("that is empty or of another version is none", async () => {
    for (const text of [undefined, '{"version":2}']) {
      disk.text = text;
      const { registry, cache } = daemon();
      await cache.restore();
      expect(registry.snapshot().map(({ held }) => held)).toEqual([undefined, undefined]);
    }
  });
});

describe("a keys source", () => {
  it("says what it waits for: a key, a login, or nothing, and until when its session lasts", async () => {
    const { sessions, withMfa } = daemon();
    expect(await sessions.readiness(keysSource("other"))).toEqual({ needs: "KeyMissing", expiresAt: undefined });
    expect(await sessions.readiness(keysSource("plain"))).toEqual({ needs: undefined, expiresAt: undefined });
    expect(await sessions.readiness(withMfa)).toEqual({ needs: "MfaRequired", expiresAt: undefined });

    await sessions.login(withMfa, "123456");
    expect(await sessions.readiness(withMfa)).toEqual({
      needs: undefined,
      expiresAt: clock.now() + 12 * HOUR - 60_000,
      end: { at: clock.now() + 12 * HOUR - 60_000, since: clock.now() },
    });
  });

  it("loses its session to a lock, also one that was being opened", async () => {
    const { sessions, withMfa } = daemon();
    await sessions.login(withMfa, "123456");
    sessions.dropAll();
    expect(sessions.peek("with-mfa")).toBeUndefined();

    clock.jump(60_000);
    const opening = sessions.login(withMfa, "123456");
    sessions.dropAll();
    await expect(opening).rejects.toMatchObject({ code: "StoreLocked", hint: "brokerctl unlock" });
    expect(sessions.peek("with-mfa")).toBeUndefined();
  });

  it("keeps its keys by source, and lists them", async () => {
    expect((await keys.list()).map(({ source, accessKeyId }) => [source, accessKeyId])).toEqual([
      ["plain", "AKIA0000000000000001"],
      ["with-mfa", "AKIA0000000000000001"],
    ]);
    expect([await keys.has("plain"), await keys.delete("plain"), await keys.delete("plain")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await keys.has("plain")).toBe(false);
  });
});
