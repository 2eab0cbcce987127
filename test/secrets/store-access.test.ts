import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { newDataKey } from "../../src/secrets/data-key.js";
import { SealedFileCache } from "../../src/secrets/sealed-cache.js";
import { SealedSecretStore } from "../../src/secrets/secret-store.js";
import { SealedStoreAccess } from "../../src/secrets/store-access.js";
import { FakeDataKeyHolder } from "../fakes/fake-data-key-holder.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";

const secret = new Secret(canarySecretKey("access"));
const noSpace = systemError("ENOSPC", -28);
const LOCKED = { outcome: "locked", message: "closed by the test", hint: "open it" } as const;
const UNAVAILABLE = { outcome: "unavailable", message: "gone by the test", hint: "bring it back" } as const;

let stateDir: string;
let holder: FakeDataKeyHolder;
let fileSystem: RecordingFileSystem;
let logLines: LogLine[];

beforeEach(() => {
  stateDir = tempDir("access");
  holder = new FakeDataKeyHolder();
  fileSystem = new RecordingFileSystem();
  logLines = [];
});

interface TestStore {
  readonly access: SealedStoreAccess;
  readonly secrets: SealedSecretStore;
  readonly cache: SealedFileCache;
}

/** A daemon's start: memory is new, the state directory and the holder are as they were left. */
function start(kind: "keychain" | "key_file" = "keychain"): TestStore {
  const files = { fileSystem, writeAtomic: (to: string, data: Uint8Array) => writeFileAtomic(fileSystem, to, data) };
  const shared = { kind, files, clock: new FakeClock(), logger: memoryLogger(logLines) };
  const sealedPath = join(stateDir, "secrets.sealed");
  const secrets = new SealedSecretStore({ ...shared, path: sealedPath });
  const cache = new SealedFileCache({ ...shared, path: join(stateDir, "cache.sealed") });
  const lockedMarkerPath = join(stateDir, "locked");
  return {
    secrets,
    cache,
    access: new SealedStoreAccess({ ...shared, holder, sealedPath, lockedMarkerPath, secrets, cache }),
  };
}

/** A store that was made, holds one secret and a cached text, and whose daemon has ended. */
async function madeBefore(): Promise<void> {
  const { access, secrets, cache } = start();
  await access.create({});
  await secrets.put("keys:ops", secret);
  await cache.write(() => `cached ${CANARY}`);
  await cache.flush();
}

const file = (name: string): string => join(stateDir, name);
const sealedBytes = (): string => readFileSync(file("secrets.sealed")).toString("hex");

async function expectOpen({ access, secrets, cache }: TestStore): Promise<void> {
  expect(access.current()).toEqual({ state: "open", warnings: [] });
  expect((await secrets.get("keys:ops"))?.reveal()).toBe(secret.reveal());
  await cache.read();
}

async function expectRefusing({ access, secrets, cache }: TestStore): Promise<void> {
  expect(access.current().state).not.toBe("open");
  const uses = [
    () => secrets.get("keys:ops"),
    () => secrets.put("keys:ops", secret),
    () => cache.read(),
    () => cache.write(() => "x"),
  ];
  for (const use of uses) {
    const error = await brokerErrorOf(use);
    expect(error.code).toBe("StoreLocked");
    expect(error.message).toBe((access.current() as { message: string }).message);
  }
}

describe("before anything was made", () => {
  it("the store is absent, says how to make it, and nothing is written", async () => {
    const store = start();
    expect(await store.access.probe()).toMatchObject({ state: "absent", hint: "brokerctl init" });
    expect(await store.access.unlock({})).toMatchObject({ state: "absent" });
    await store.access.lock();
    await expectRefusing(store);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it("create makes a key, and the store is open now and after a restart", async () => {
    const store = start();
    await store.access.probe();
    expect(await store.access.create({})).toEqual({ state: "open", warnings: [] });
    await store.secrets.put("keys:ops", secret);
    const again = start();
    expect(await again.access.probe()).toEqual({ state: "open", warnings: [] });
    await expectOpen(again);
  });

  it.each([
    ["locked", LOCKED],
    ["error", UNAVAILABLE],
  ])("a holder that cannot say is %s, and create makes nothing", async (state, obstacle) => {
    holder.obstacle = obstacle;
    const { message, hint } = obstacle;
    const store = start();
    expect(await store.access.probe()).toEqual({ state, message, hint });
    expect(await store.access.create({})).toEqual({ state, message, hint });
    expect(holder.kept).toBeUndefined();
    await expectRefusing(store);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it("a key that the holder could not keep makes nothing", async () => {
    holder.saveError = new BrokerError("StoreUnavailable", "not kept");
    const store = start();
    expect(await brokerErrorOf(() => store.access.create({}))).toBe(holder.saveError);
    await expectRefusing(store);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it("unlock completes a create that a full disk interrupted: the key that was kept is not lost", async () => {
    const store = start();
    fileSystem.fail("create", noSpace);
    expect(await store.access.create({})).toMatchObject({ state: "error" });
    const kept = holder.kept;
    expect(await brokerErrorOf(() => store.access.create({}))).toMatchObject({
      code: "Conflict",
      hint: "brokerctl unlock",
    });
    fileSystem.fail("create", undefined);
    expect(await store.access.unlock({})).toMatchObject({ state: "open" });
    expect(holder.kept).toBe(kept);
  });
});

describe("a new key", () => {
  it("a new key is not made while the store is open", async () => {
    const store = start();
    await store.access.create({});
    expect(await brokerErrorOf(() => store.access.create({}))).toMatchObject({ code: "Conflict" });
    expect(store.access.current().state).toBe("open");
  });

  it("a new key is not made where the holder has one", async () => {
    holder.kept = newDataKey();
    expect(await brokerErrorOf(() => start().access.create({}))).toMatchObject({ code: "Conflict" });
  });

  it("a new key is not made where there is a sealed file, even if its key is lost; the file stays as it is", async () => {
    await madeBefore();
    const before = sealedBytes();
    holder.kept = undefined;
    const store = start();
    const state = await store.access.probe();
    expect(state).toMatchObject({ state: "error" });
    expect(JSON.stringify(state)).toContain(holder.place);
    expect(await store.access.unlock({})).toMatchObject({ state: "error" });
    expect(await brokerErrorOf(() => store.access.create({}))).toMatchObject({ code: "Conflict" });
    await expectRefusing(store);
    expect(sealedBytes()).toBe(before);
    expect(holder.kept).toBeUndefined();
  });
});

describe("at start", () => {
  it("the key is asked for without a prompt, and with one only by unlock and create", async () => {
    await madeBefore();
    holder.loads.length = 0;
    holder.obstacle = LOCKED;
    const store = start();
    await store.access.probe();
    const passphrase = new Secret(CANARY);
    await store.access.unlock({ passphrase });
    expect(holder.loads).toEqual([{ interactive: false }, { interactive: true, passphrase }]);
  });

  it.each([
    ["locked", LOCKED],
    ["error", UNAVAILABLE],
  ])(
    "a holder in the way makes it %s with the holder's reason, until unlock finds the key",
    async (state, obstacle) => {
      await madeBefore();
      const before = sealedBytes();
      holder.obstacle = obstacle;
      const store = start();
      expect(await store.access.probe()).toEqual({ state, message: obstacle.message, hint: obstacle.hint });
      await expectRefusing(store);
      expect(sealedBytes()).toBe(before);
      holder.obstacle = undefined;
      expect(await store.access.unlock({})).toMatchObject({ state: "open" });
      await expectOpen(store);
    },
  );

  it("a second probe opens what the first found locked", async () => {
    await madeBefore();
    holder.obstacle = LOCKED;
    const store = start();
    await store.access.probe();
    holder.obstacle = undefined;
    expect(await store.access.probe()).toMatchObject({ state: "open" });
  });

  it("another key than the file's is an error that leaves the file as it is", async () => {
    await madeBefore();
    const before = sealedBytes();
    holder.kept = newDataKey();
    const store = start();
    expect(await store.access.probe()).toMatchObject({ state: "error" });
    await expectRefusing(store);
    expect(sealedBytes()).toBe(before);
  });

  it("another holder than the file's is refused before its key is asked for, naming both", async () => {
    await madeBefore();
    const before = sealedBytes();
    holder.loads.length = 0;
    const store = start("key_file");
    const state = await store.access.probe();
    expect(state).toMatchObject({ state: "error" });
    expect(JSON.stringify(state)).toMatch(/keychain.*key_file/);
    expect(await store.access.unlock({})).toMatchObject({ state: "error" });
    expect(await brokerErrorOf(() => store.access.create({}))).toMatchObject({ code: "Conflict" });
    expect(holder.loads).toEqual([]);
    expect(sealedBytes()).toBe(before);
  });

  it("a newer version's file is refused, unasked and untouched", async () => {
    await madeBefore();
    const newer = readFileSync(file("secrets.sealed"));
    newer.writeUInt16BE(2, 8);
    writeFileSync(file("secrets.sealed"), newer);
    const store = start();
    expect(await store.access.probe()).toMatchObject({ state: "error" });
    expect(readFileSync(file("secrets.sealed")).equals(newer)).toBe(true);
  });

  it("a damaged file is set aside and said so, also after further restarts, until the user removes it", async () => {
    await madeBefore();
    writeFileSync(file("secrets.sealed"), readFileSync(file("secrets.sealed")).subarray(0, -1));
    const store = start();
    const state = await store.access.probe();
    expect(state).toMatchObject({ state: "open", warnings: [expect.stringContaining("secrets.sealed.broken-")] });
    expect(await store.secrets.get("keys:ops")).toBeUndefined();
    expect(await start().access.probe()).toEqual(state);
  });

  it("a damaged file without its key is left where it is", async () => {
    await madeBefore();
    writeFileSync(file("secrets.sealed"), "");
    holder.kept = undefined;
    expect(await start().access.probe()).toMatchObject({ state: "error" });
    expect(readdirSync(stateDir)).toContain("secrets.sealed");
  });

  it("an unforeseen failure is an error with its cause in the log, and the store stays closed", async () => {
    await madeBefore();
    const store = start();
    const error = new TypeError("from the test");
    holder.load = () => Promise.reject(error);
    logLines.length = 0;
    expect(await store.access.probe()).toMatchObject({ state: "error", hint: "brokerctl logs" });
    expect(logLines).toEqual([{ level: "error", message: "secret store not opened", fields: { err: error } }]);
    await expectRefusing(store);
  });
});

describe("lock", () => {
  it("lock refuses everything at once, also after a restart with the key at hand, until unlock", async () => {
    await madeBefore();
    const store = start();
    await store.access.probe();
    const locking = store.access.lock();
    await expectRefusing(store);
    await locking;
    expect(store.access.current()).toMatchObject({ state: "locked", hint: "brokerctl unlock" });

    const again = start();
    expect(await again.access.probe()).toMatchObject({ state: "locked", hint: "brokerctl unlock" });
    expect(await again.access.probe()).toMatchObject({ state: "locked" });
    await expectRefusing(again);
    expect(await again.access.unlock({})).toMatchObject({ state: "open" });
    await expectOpen(again);

    expect(await start().access.probe()).toMatchObject({ state: "open" });
  });

  it("lock leaves no cached credential for later, even where it was interrupted", async () => {
    await madeBefore();
    const cached = readFileSync(file("cache.sealed"));
    const store = start();
    await store.access.probe();
    expect(await store.cache.read()).toContain("cached");
    await store.access.lock();
    expect(existsSync(file("cache.sealed"))).toBe(false);

    writeFileSync(file("cache.sealed"), cached);
    const again = start();
    await again.access.probe();
    expect(existsSync(file("cache.sealed"))).toBe(false);
    await again.access.unlock({});
    expect(await again.cache.read()).toBeUndefined();
  });

  it("lock outlives an unlock that fails, and a restart after it", async () => {
    await madeBefore();
    const store = start();
    await store.access.lock();
    holder.obstacle = LOCKED;
    expect(await store.access.unlock({})).toMatchObject({ state: "locked" });
    holder.obstacle = undefined;
    expect(await start().access.probe()).toMatchObject({ state: "locked" });
  });

  it("lock waits for no prompt, and a prompt that is answered after it opens nothing", async () => {
    await madeBefore();
    const store = start();
    const answer = holder.leavePromptOpen();
    const unlocking = store.access.unlock({});
    await settle();
    await store.access.lock();
    answer();
    expect(await unlocking).toMatchObject({ state: "locked" });
    await expectRefusing(store);
    expect(await start().access.probe()).toMatchObject({ state: "locked" });
  });

  it.each([0, 1, 2, 3, 5, 8])("lock wins over an unlock that is %i turns under way", async (turns) => {
    await madeBefore();
    const store = start();
    const unlocking = store.access.unlock({});
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([store.access.lock(), unlocking]);
    expect(store.access.current().state).toBe("locked");
    await expectRefusing(store);
    expect(await start().access.probe()).toMatchObject({ state: "locked" });
  });

  it("a lock that cannot be made durable says so, and is in force all the same", async () => {
    await madeBefore();
    const store = start();
    await store.access.probe();
    fileSystem.fail("create", noSpace);
    expect(await brokerErrorOf(() => store.access.lock())).toMatchObject({ code: "StoreUnavailable" });
    await expectRefusing(store);
    expect(existsSync(file("cache.sealed"))).toBe(false);
  });

  it("lock keeps a write that was acknowledged", async () => {
    await madeBefore();
    const store = start();
    await store.access.probe();
    const put = store.secrets.put("keys:late", secret);
    await new Promise((resolve) => setImmediate(resolve));
    await store.access.lock();
    await put;
    const again = start();
    await again.access.unlock({});
    expect(await again.secrets.get("keys:late")).toBeDefined();
  });
});

describe("unlock", () => {
  it("unlock of an open store changes nothing and asks for no key", async () => {
    await madeBefore();
    const store = start();
    await store.access.probe();
    holder.loads.length = 0;
    expect(await store.access.unlock({})).toMatchObject({ state: "open" });
    expect(holder.loads).toEqual([]);
  });

  it("unlock called twice at the same time asks for the key once", async () => {
    await madeBefore();
    const store = start();
    holder.loads.length = 0;
    const answer = holder.leavePromptOpen();
    const both = [store.access.unlock({}), store.access.unlock({})];
    await settle();
    answer();
    expect((await Promise.all(both)).map(({ state }) => state)).toEqual(["open", "open"]);
    expect(holder.loads).toHaveLength(1);
  });

  it("unlock opens nothing when the end of the lock cannot be made durable", async () => {
    await madeBefore();
    const store = start();
    await store.access.lock();
    fileSystem.fail("remove", systemError("EROFS", -30));
    expect(await store.access.unlock({})).toMatchObject({ state: "error" });
    await expectRefusing(store);
  });

  it("an open store shows a cache that cannot be written as a warning", async () => {
    await madeBefore();
    const store = start();
    await store.access.probe();
    fileSystem.fail("create", noSpace);
    await store.cache.write(() => "x");
    await store.cache.flush();
    expect(store.access.current()).toMatchObject({
      state: "open",
      warnings: [expect.stringContaining("cache.sealed")],
    });
  });
});
