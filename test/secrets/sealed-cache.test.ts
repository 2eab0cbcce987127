import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { newDataKey } from "../../src/secrets/data-key.js";
import { SealedFileCache } from "../../src/secrets/sealed-cache.js";
import { seal } from "../../src/secrets/sealed-file.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";

const key = newDataKey();
const locked = new BrokerError("StoreLocked", "locked by the test");
let path: string;
let fileSystem: RecordingFileSystem;
let clock: FakeClock;
let logLines: LogLine[];

beforeEach(() => {
  logLines = [];
  path = join(tempDir("cache"), "cache.sealed");
  fileSystem = new RecordingFileSystem();
  clock = new FakeClock();
});

async function openCache(withKey = key): Promise<SealedFileCache> {
  const files = { fileSystem, writeAtomic: (to: string, data: Uint8Array) => writeFileAtomic(fileSystem, to, data) };
  const cache = new SealedFileCache({ path, kind: "key_file", files, clock, logger: memoryLogger(logLines) });
  await cache.open(withKey);
  return cache;
}

const writes = (): number => fileSystem.operations.filter((operation) => operation.startsWith("rename")).length;

describe("the sealed cache", () => {
  it("the sealed cache reads at once what was written, and has it on the disk a second later", async () => {
    const cache = await openCache();
    expect(await cache.read()).toBeUndefined();
    expect(logLines).toEqual([]);
    await cache.write(() => `one ${CANARY}`);
    expect(await cache.read()).toBe(`one ${CANARY}`);
    await clock.advance(999);
    expect(existsSync(path)).toBe(false);
    await clock.advance(1);
    await cache.flush();
    expect(await (await openCache()).read()).toBe(`one ${CANARY}`);
    expect(readFileSync(path).includes(CANARY)).toBe(false);
  });

  it("the sealed cache renders and writes once for many changes within a second, and again for one after it", async () => {
    const cache = await openCache();
    const rendered: number[] = [];
    for (let i = 0; i < 50; i++) await cache.write(() => (rendered.push(i), `text ${i}`));
    await clock.advance(1_000);
    await cache.flush();
    expect([writes(), rendered]).toEqual([1, [49]]);
    expect(await (await openCache()).read()).toBe("text 49");
    await cache.write(() => "later");
    await clock.advance(1_000);
    await cache.flush();
    expect(writes()).toBe(2);
  });

  it("the sealed cache is on the disk when flush is done, and plans nothing more", async () => {
    const cache = await openCache();
    await cache.write(() => "now");
    await cache.flush();
    expect(await (await openCache()).read()).toBe("now");
    expect(clock.pending).toBe(0);
    await cache.flush();
    expect(writes()).toBe(1);
  });

  it("the sealed cache keeps what a full disk refused, says so, and writes it when there is space", async () => {
    const cache = await openCache();
    fileSystem.fail("create", systemError("ENOSPC", -28));
    await cache.write(() => "kept");
    await cache.flush();
    expect(cache.writeFailure).toContain(path);
    expect(logLines).toMatchObject([{ level: "warn", fields: { file: path } }]);
    expect(await cache.read()).toBe("kept");
    fileSystem.fail("create", undefined);
    await clock.advance(14_999);
    expect(existsSync(path)).toBe(false);
    await clock.advance(1);
    await cache.flush();
    expect(cache.writeFailure).toBeUndefined();
    expect(await (await openCache()).read()).toBe("kept");
  });

  it.each([
    ["another key's", () => seal(Buffer.from("x"), { purpose: "cache", kind: "key_file", sequence: 1 }, newDataKey())],
    ["the other sealed", () => seal(Buffer.from("x"), { purpose: "secrets", kind: "key_file", sequence: 1 }, key)],
    ["a damaged", () => Buffer.alloc(200, 7)],
    ["an empty", () => Buffer.alloc(0)],
  ])("the sealed cache counts %s file as empty and writes over it", async (_, content) => {
    writeFileSync(path, content(), { mode: 0o600 });
    const cache = await openCache();
    expect(await cache.read()).toBeUndefined();
    expect(logLines).toMatchObject([{ level: "info", fields: { file: path, outcome: expect.any(String) as string } }]);
    await cache.write(() => "fresh");
    await cache.flush();
    expect(await (await openCache()).read()).toBe("fresh");
    expect(logLines).toHaveLength(1);
  });

  it("the sealed cache counts what cannot be read at all as empty", async () => {
    mkdirSync(path);
    expect(await (await openCache()).read()).toBeUndefined();
    expect(logLines).toMatchObject([{ level: "warn", fields: { file: path } }]);
  });

  it("the sealed cache of a newer version counts as empty, is told, and is never written over, but goes when it is discarded", async () => {
    const newer = seal(Buffer.from("{}"), { purpose: "cache", kind: "key_file", sequence: 1 }, key);
    newer.writeUInt16BE(2, 8);
    writeFileSync(path, newer, { mode: 0o600 });
    const cache = await openCache();
    expect(await cache.read()).toBeUndefined();
    await cache.write(() => "mine");
    await clock.advance(60_000);
    await cache.flush();
    expect([await cache.read(), writes(), readFileSync(path).equals(newer)]).toEqual(["mine", 0, true]);
    expect(cache.writeFailure).toContain(path);
    await cache.close(locked);
    await cache.discard();
    const anew = await openCache();
    await anew.write(() => "mine");
    await anew.flush();
    expect([cache.writeFailure, existsSync(path)]).toEqual([undefined, true]);
  });

  it("the sealed cache refuses everything once closed, gives up what was not written, and plans nothing", async () => {
    const cache = await openCache();
    await cache.write(() => "secret");
    await cache.close(locked);
    expect(await brokerErrorOf(() => cache.read())).toBe(locked);
    expect(await brokerErrorOf(() => cache.write(() => "more"))).toBe(locked);
    await clock.advance(60_000);
    await cache.flush();
    expect(existsSync(path)).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it("the sealed cache does not bring back after a reopening what was discarded", async () => {
    const cache = await openCache();
    await cache.write(() => "old");
    await cache.flush();
    await cache.close(locked);
    await cache.discard();
    await cache.discard();
    expect(existsSync(path)).toBe(false);
    await cache.open(key);
    expect(await cache.read()).toBeUndefined();
  });

  it("the sealed cache says why it cannot be discarded", async () => {
    const cache = await openCache();
    await cache.write(() => "old");
    await cache.flush();
    fileSystem.fail("remove", systemError("EROFS", -30));
    expect(await brokerErrorOf(() => cache.discard())).toMatchObject({ code: "StoreUnavailable" });
  });
});
