import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { newDataKey } from "../../src/secrets/data-key.js";
import { SealedFileCache } from "../../src/secrets/sealed-cache.js";
import { SealedSecretStore } from "../../src/secrets/sealed-secret-store.js";
import { StoreDoor } from "../../src/secrets/store-door.js";
import { FakeDataKeyHolder } from "../fakes/fake-data-key-holder.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";

const secret = new Secret(canarySecretKey("door"));
const noSpace = systemError("ENOSPC", -28);
const LOCKED = { outcome: "locked", message: "closed by the test", hint: "open it" } as const;
const UNAVAILABLE = { outcome: "unavailable", message: "gone by the test", hint: "bring it back" } as const;

let stateDir: string;
let holder: FakeDataKeyHolder;
let fileSystem: RecordingFileSystem;
let logLines: LogLine[];

beforeEach(() => {
  stateDir = tempDir("door");
  holder = new FakeDataKeyHolder();
  fileSystem = new RecordingFileSystem();
  logLines = [];
});

interface Room {
  readonly door: StoreDoor;
  readonly secrets: SealedSecretStore;
  readonly cache: SealedFileCache;
}

/** A daemon's start: memory is new, the state directory and the holder are as they were left. */
function start(kind: "keychain" | "key_file" = "keychain"): Room {
  const files = { fileSystem, writeAtomic: (to: string, data: Uint8Array) => writeFileAtomic(fileSystem, to, data) };
  const shared = { kind, files, clock: new FakeClock(), logger: memoryLogger(logLines) };
  const sealedPath = join(stateDir, "secrets.sealed");
  const secrets = new SealedSecretStore({ ...shared, path: sealedPath });
  const cache = new SealedFileCache({ ...shared, path: join(stateDir, "cache.sealed") });
  const lockedMarkerPath = join(stateDir, "locked");
  return { secrets, cache, door: new StoreDoor({ ...shared, holder, sealedPath, lockedMarkerPath, secrets, cache }) };
}

/** A store that was made, holds one secret and a cached text, and whose daemon has ended. */
async function madeBefore(): Promise<void> {
  const { door, secrets, cache } = start();
  await door.create({});
  await secrets.put("keys:ops", secret);
  await cache.write(`cached ${CANARY}`);
  await cache.flush();
}

const file = (name: string): string => join(stateDir, name);
const sealedBytes = (): string => readFileSync(file("secrets.sealed")).toString("hex");

async function expectOpen({ door, secrets, cache }: Room): Promise<void> {
  expect(door.current()).toEqual({ state: "open", warnings: [] });
  expect((await secrets.get("keys:ops"))?.reveal()).toBe(secret.reveal());
  await cache.read();
}

async function expectRefusing({ door, secrets, cache }: Room): Promise<void> {
  expect(door.current().state).not.toBe("open");
  const uses = [
    () => secrets.get("keys:ops"),
    () => secrets.put("keys:ops", secret),
    () => cache.read(),
    () => cache.write("x"),
  ];
  for (const use of uses) {
    const error = await brokerErrorOf(use);
    expect(error.code).toBe("StoreLocked");
    expect(error.message).toBe((door.current() as { message: string }).message);
  }
}

describe("before anything was made", () => {
  it("the store is absent, says how to make it, and nothing is written", async () => {
    const room = start();
    expect(await room.door.probe()).toMatchObject({ state: "absent", hint: "brokerctl init" });
    expect(await room.door.unlock({})).toMatchObject({ state: "absent" });
    await room.door.lock();
    await expectRefusing(room);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it("create makes a key, and the store is open now and after a restart", async () => {
    const room = start();
    await room.door.probe();
    expect(await room.door.create({})).toEqual({ state: "open", warnings: [] });
    await room.secrets.put("keys:ops", secret);
    const again = start();
    expect(await again.door.probe()).toEqual({ state: "open", warnings: [] });
    await expectOpen(again);
  });

  it.each([
    ["locked", LOCKED],
    ["error", UNAVAILABLE],
  ])("a holder that cannot say is %s, and create makes nothing", async (state, obstacle) => {
    holder.obstacle = obstacle;
    const { message, hint } = obstacle;
    const room = start();
    expect(await room.door.probe()).toEqual({ state, message, hint });
    expect(await room.door.create({})).toEqual({ state, message, hint });
    expect(holder.kept).toBeUndefined();
    await expectRefusing(room);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it("a key that the holder could not keep makes nothing", async () => {
    holder.saveError = new BrokerError("StoreUnavailable", "not kept");
    const room = start();
    expect(await brokerErrorOf(() => room.door.create({}))).toBe(holder.saveError);
    await expectRefusing(room);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it("a disk that is full during create is mended by unlock: the key that was kept is not lost", async () => {
    const room = start();
    fileSystem.fail("create", noSpace);
    expect(await room.door.create({})).toMatchObject({ state: "error" });
    const kept = holder.kept;
    expect(await brokerErrorOf(() => room.door.create({}))).toMatchObject({
      code: "Conflict",
      hint: "brokerctl unlock",
    });
    fileSystem.fail("create", undefined);
    expect(await room.door.unlock({})).toMatchObject({ state: "open" });
    expect(holder.kept).toBe(kept);
  });
});

describe("a new key", () => {
  it("is not made while the store is open", async () => {
    const room = start();
    await room.door.create({});
    expect(await brokerErrorOf(() => room.door.create({}))).toMatchObject({ code: "Conflict" });
    expect(room.door.current().state).toBe("open");
  });

  it("is not made where the holder has one", async () => {
    holder.kept = newDataKey();
    expect(await brokerErrorOf(() => start().door.create({}))).toMatchObject({ code: "Conflict" });
  });

  it("is not made where a sealed file lies, though its key is lost; the file stays as it is", async () => {
    await madeBefore();
    const before = sealedBytes();
    holder.kept = undefined;
    const room = start();
    const state = await room.door.probe();
    expect(state).toMatchObject({ state: "error" });
    expect(JSON.stringify(state)).toContain(holder.place);
    expect(await room.door.unlock({})).toMatchObject({ state: "error" });
    expect(await brokerErrorOf(() => room.door.create({}))).toMatchObject({ code: "Conflict" });
    await expectRefusing(room);
    expect(sealedBytes()).toBe(before);
    expect(holder.kept).toBeUndefined();
  });
});

describe("at start", () => {
  it("the key is asked for without a prompt, and with one only by unlock and create", async () => {
    await madeBefore();
    holder.loads.length = 0;
    holder.obstacle = LOCKED;
    const room = start();
    await room.door.probe();
    const passphrase = new Secret(CANARY);
    await room.door.unlock({ passphrase });
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
      const room = start();
      expect(await room.door.probe()).toEqual({ state, message: obstacle.message, hint: obstacle.hint });
      await expectRefusing(room);
      expect(sealedBytes()).toBe(before);
      holder.obstacle = undefined;
      expect(await room.door.unlock({})).toMatchObject({ state: "open" });
      await expectOpen(room);
    },
  );

  it("a second probe opens what the first found locked", async () => {
    await madeBefore();
    holder.obstacle = LOCKED;
    const room = start();
    await room.door.probe();
    holder.obstacle = undefined;
    expect(await room.door.probe()).toMatchObject({ state: "open" });
  });

  it("another key than the file's is an error that leaves the file as it is", async () => {
    await madeBefore();
    const before = sealedBytes();
    holder.kept = newDataKey();
    const room = start();
    expect(await room.door.probe()).toMatchObject({ state: "error" });
    await expectRefusing(room);
    expect(sealedBytes()).toBe(before);
  });

  it("another holder than the file's is refused before its key is asked for, naming both", async () => {
    await madeBefore();
    const before = sealedBytes();
    holder.loads.length = 0;
    const room = start("key_file");
    const state = await room.door.probe();
    expect(state).toMatchObject({ state: "error" });
    expect(JSON.stringify(state)).toMatch(/keychain.*key_file/);
    expect(await room.door.unlock({})).toMatchObject({ state: "error" });
    expect(await brokerErrorOf(() => room.door.create({}))).toMatchObject({ code: "Conflict" });
    expect(holder.loads).toEqual([]);
    expect(sealedBytes()).toBe(before);
  });

  it("a newer version's file is refused, unasked and untouched", async () => {
    await madeBefore();
    const newer = readFileSync(file("secrets.sealed"));
    newer.writeUInt16BE(2, 8);
    writeFileSync(file("secrets.sealed"), newer);
    const room = start();
    expect(await room.door.probe()).toMatchObject({ state: "error" });
    expect(readFileSync(file("secrets.sealed")).equals(newer)).toBe(true);
  });

  it("a damaged file is set aside and said so, also after further restarts, until the user removes it", async () => {
    await madeBefore();
    writeFileSync(file("secrets.sealed"), readFileSync(file("secrets.sealed")).subarray(0, -1));
    const room = start();
    const state = await room.door.probe();
    expect(state).toMatchObject({ state: "open", warnings: [expect.stringContaining("secrets.sealed.broken-")] });
    expect(await room.secrets.get("keys:ops")).toBeUndefined();
    expect(await start().door.probe()).toEqual(state);
  });

  it("a damaged file without its key is left where it is", async () => {
    await madeBefore();
    writeFileSync(file("secrets.sealed"), "");
    holder.kept = undefined;
    expect(await start().door.probe()).toMatchObject({ state: "error" });
    expect(readdirSync(stateDir)).toContain("secrets.sealed");
  });

  it("what nobody foresaw is an error with its cause in the log, and no half-open store", async () => {
    await madeBefore();
    const room = start();
    holder.load = () => Promise.reject(new TypeError("from the test"));
    expect(await room.door.probe()).toMatchObject({ state: "error", hint: "brokerctl logs" });
    expect(logLines).toContainEqual(expect.objectContaining({ level: "error" }));
    await expectRefusing(room);
  });
});

describe("lock", () => {
  it("refuses everything at once, also after a restart with the key at hand, until unlock", async () => {
    await madeBefore();
    const room = start();
    await room.door.probe();
    const locking = room.door.lock();
    await expectRefusing(room);
    await locking;
    expect(room.door.current()).toMatchObject({ state: "locked", hint: "brokerctl unlock" });

    const again = start();
    expect(await again.door.probe()).toMatchObject({ state: "locked", hint: "brokerctl unlock" });
    expect(await again.door.probe()).toMatchObject({ state: "locked" });
    await expectRefusing(again);
    expect(await again.door.unlock({})).toMatchObject({ state: "open" });
    await expectOpen(again);

    expect(await start().door.probe()).toMatchObject({ state: "open" });
  });

  it("leaves no cached credential for later, even where it was cut off in between", async () => {
    await madeBefore();
    const cached = readFileSync(file("cache.sealed"));
    const room = start();
    await room.door.probe();
    expect(await room.cache.read()).toContain("cached");
    await room.door.lock();
    expect(existsSync(file("cache.sealed"))).toBe(false);

    writeFileSync(file("cache.sealed"), cached);
    const again = start();
    await again.door.probe();
    expect(existsSync(file("cache.sealed"))).toBe(false);
    await again.door.unlock({});
    expect(await again.cache.read()).toBeUndefined();
  });

  it("outlives an unlock that fails, and a restart after it", async () => {
    await madeBefore();
    const room = start();
    await room.door.lock();
    holder.obstacle = LOCKED;
    expect(await room.door.unlock({})).toMatchObject({ state: "locked" });
    holder.obstacle = undefined;
    expect(await start().door.probe()).toMatchObject({ state: "locked" });
  });

  it("waits for no prompt, and a prompt that is answered after it opens nothing", async () => {
    await madeBefore();
    const room = start();
    const answer = holder.leavePromptOpen();
    const unlocking = room.door.unlock({});
    await settle();
    await room.door.lock();
    answer();
    expect(await unlocking).toMatchObject({ state: "locked" });
    await expectRefusing(room);
    expect(await start().door.probe()).toMatchObject({ state: "locked" });
  });

  it.each([0, 1, 2, 3, 5, 8])("wins over an opening that is %i turns under way", async (turns) => {
    await madeBefore();
    const room = start();
    const unlocking = room.door.unlock({});
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([room.door.lock(), unlocking]);
    expect(room.door.current().state).toBe("locked");
    await expectRefusing(room);
    expect(await start().door.probe()).toMatchObject({ state: "locked" });
  });

  it("that cannot be made durable says so, and is in force all the same", async () => {
    await madeBefore();
    const room = start();
    await room.door.probe();
    fileSystem.fail("create", noSpace);
    expect(await brokerErrorOf(() => room.door.lock())).toMatchObject({ code: "StoreUnavailable" });
    await expectRefusing(room);
    expect(existsSync(file("cache.sealed"))).toBe(false);
  });

  it("keeps a write that was acknowledged", async () => {
    await madeBefore();
    const room = start();
    await room.door.probe();
    const put = room.secrets.put("keys:late", secret);
    await new Promise((resolve) => setImmediate(resolve));
    await room.door.lock();
    await put;
    const again = start();
    await again.door.unlock({});
    expect(await again.secrets.get("keys:late")).toBeDefined();
  });
});

describe("unlock", () => {
  it("of an open store changes nothing and asks nobody", async () => {
    await madeBefore();
    const room = start();
    await room.door.probe();
    holder.loads.length = 0;
    expect(await room.door.unlock({})).toMatchObject({ state: "open" });
    expect(holder.loads).toEqual([]);
  });

  it("twice at the same time asks one person once", async () => {
    await madeBefore();
    const room = start();
    holder.loads.length = 0;
    const answer = holder.leavePromptOpen();
    const both = [room.door.unlock({}), room.door.unlock({})];
    await settle();
    answer();
    expect((await Promise.all(both)).map(({ state }) => state)).toEqual(["open", "open"]);
    expect(holder.loads).toHaveLength(1);
  });

  it("whose end of the lock cannot be made durable opens nothing", async () => {
    await madeBefore();
    const room = start();
    await room.door.lock();
    fileSystem.fail("remove", systemError("EROFS", -30));
    expect(await room.door.unlock({})).toMatchObject({ state: "error" });
    await expectRefusing(room);
  });

  it("shows a cache that cannot be written as a warning", async () => {
    await madeBefore();
    const room = start();
    await room.door.probe();
    fileSystem.fail("create", noSpace);
    await room.cache.write("x");
    await room.cache.flush();
    expect(room.door.current()).toMatchObject({ state: "open", warnings: [expect.stringContaining("cache.sealed")] });
  });
});
