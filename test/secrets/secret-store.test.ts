import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { newDataKey } from "../../src/secrets/data-key.js";
import { seal } from "../../src/secrets/sealed-file.js";
import { SealedSecretStore } from "../../src/secrets/secret-store.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";

const key = newDataKey();
const locked = new BrokerError("StoreLocked", "locked by the test");
const noSpace = systemError("ENOSPC", -28);
let directory: string;
let path: string;
let fileSystem: RecordingFileSystem;
let logLines: LogLine[];

beforeEach(() => {
  logLines = [];
  directory = tempDir("sealed-store");
  path = join(directory, "secrets.sealed");
  fileSystem = new RecordingFileSystem();
});

function newStore(): SealedSecretStore {
  const files = { fileSystem, writeAtomic: (to: string, data: Uint8Array) => writeFileAtomic(fileSystem, to, data) };
  return new SealedSecretStore({
    path,
    kind: "key_file",
    files,
    clock: new FakeClock(),
    logger: memoryLogger(logLines),
  });
}

async function openStore(): Promise<SealedSecretStore> {
  const store = newStore();
  expect(await store.open(key)).toBeUndefined();
  return store;
}

const secret = (tag: string): Secret => new Secret(canarySecretKey(tag));

async function valueIn(store: SealedSecretStore, name: string): Promise<string | undefined> {
  return (await store.get(name))?.reveal();
}

describe("secrets", () => {
  it("secrets are there after a restart, under any name", async () => {
    const store = await openStore();
    const names = ["keys:ops", "__proto__", "", "lease:ü\n"];
    for (const name of names) await store.put(name, secret(name));

    const again = await openStore();
    for (const name of names) expect(await valueIn(again, name)).toBe(canarySecretKey(name));
    expect(await again.keys("")).toEqual([...names].sort());
  });

  it("secrets are listed by prefix, sorted, and found only under their whole name", async () => {
    const store = await openStore();
    for (const name of ["keys:b", "lease:default", "keys:a"]) await store.put(name, secret(name));
    expect(await store.keys("keys:")).toEqual(["keys:a", "keys:b"]);
    expect(await store.keys("nothing:")).toEqual([]);
    expect(await store.get("keys:")).toBeUndefined();
  });

  it("secrets are replaced and deleted for good", async () => {
    const store = await openStore();
    await store.put("keys:a", secret("one"));
    await store.put("keys:a", secret("two"));
    expect(await valueIn(await openStore(), "keys:a")).toBe(canarySecretKey("two"));
    expect(await store.delete("keys:a")).toBe(true);
    expect(await store.delete("keys:a")).toBe(false);
    expect(await (await openStore()).get("keys:a")).toBeUndefined();
  });

  it("secrets lie on the disk sealed, in a 0600 file", async () => {
    const store = await openStore();
    await store.put("keys:a", secret("sealed"));
    expect(readFileSync(path).includes(CANARY)).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("secrets put at the same time are all kept, in the order they came", async () => {
    const store = await openStore();
    const puts = Array.from({ length: 40 }, (_, i) => store.put(`keys:${i % 20}`, secret(`p${i}`)));
    await Promise.all([...puts, store.delete("keys:3")]);
    const again = await openStore();
    expect(await again.keys("keys:")).toHaveLength(19);
    expect(await valueIn(again, "keys:19")).toBe(canarySecretKey("p39"));
  });
});

describe("a write", () => {
  it("a write is acknowledged after file, rename and directory are on the disk, and seen only then", async () => {
    const store = await openStore();
    fileSystem.operations.length = 0;
    const put = store.put("keys:a", secret("late"));
    expect(await store.get("keys:a")).toBeUndefined();
    await put;
    expect(fileSystem.operations.map((operation) => operation.split(" ")[0])).toEqual([
      "create",
      "rename",
      "sync-directory",
    ]);
    expect(await valueIn(store, "keys:a")).toBe(canarySecretKey("late"));
  });

  it.each(["create", "rename"] as const)(
    "a write that fails at %s leaves old file and old memory, and the next one works",
    async (step) => {
      const store = await openStore();
      await store.put("keys:a", secret("old"));
      const before = readFileSync(path);

      fileSystem.fail(step, noSpace);
      expect(await brokerErrorOf(() => store.put("keys:a", secret("new")))).toMatchObject({ code: "StoreUnavailable" });
      expect(await brokerErrorOf(() => store.delete("keys:a"))).toMatchObject({ code: "StoreUnavailable" });
      expect(await valueIn(store, "keys:a")).toBe(canarySecretKey("old"));
      expect(readFileSync(path).equals(before)).toBe(true);

      fileSystem.fail(step, undefined);
      await store.put("keys:b", secret("b"));
      const again = await openStore();
      expect(await valueIn(again, "keys:a")).toBe(canarySecretKey("old"));
      expect(await valueIn(again, "keys:b")).toBe(canarySecretKey("b"));
    },
  );

  it("a write takes many secrets at once, or forgets many, or is not made where there is nothing to forget", async () => {
    const store = await openStore();
    const writes = (): number => fileSystem.operations.filter((operation) => operation.startsWith("rename")).length;
    const before = writes();
    await store.putAll(new Map(["a", "b", "c"].map((name) => [`lease:${name}`, secret(name)])));
    expect(writes()).toBe(before + 1);
    await store.deleteAll(["lease:a", "lease:c", "lease:never"]);
    expect(writes()).toBe(before + 2);
    await store.deleteAll(["lease:a"]);
    expect(writes()).toBe(before + 2);
    expect(await (await openStore()).keys("lease:")).toEqual(["lease:b"]);
  });

  it("a write that fails for a full disk says so and how to fix it, without the secret", async () => {
    const store = await openStore();
    fileSystem.fail("create", noSpace);
    const error = await brokerErrorOf(() => store.put("keys:a", secret("full")));
    expect(error.message).toContain(path);
    expect(error.hint).toBeTruthy();
    expect(`${error.message} ${error.hint ?? ""} ${String(error.stack)}`).not.toContain(CANARY);
  });

  it("a write is explained also where the writer throws a bare system error", async () => {
    const files = { fileSystem, writeAtomic: () => Promise.reject(noSpace) };
    const store = new SealedSecretStore({
      path,
      kind: "key_file",
      files,
      clock: new FakeClock(),
      logger: memoryLogger(),
    });
    expect(await brokerErrorOf(() => store.open(key))).toMatchObject({ code: "StoreUnavailable" });
  });
});

describe("a closed store", () => {
  it("a closed store refuses everything", async () => {
    const store = newStore();
    for (const use of [
      () => store.get("a"),
      () => store.put("a", secret("x")),
      () => store.delete("a"),
      () => store.keys(""),
    ]) {
      expect(await brokerErrorOf(use)).toMatchObject({ code: "StoreLocked" });
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  it("a closed store refuses writes that were still waiting, and no write goes on when close is done", async () => {
    const store = await openStore();
    const first = store.put("keys:first", secret("first"));
    await new Promise((resolve) => setImmediate(resolve)); // its turn has come
    const second = brokerErrorOf(() => store.put("keys:second", secret("second")));
    await store.close(locked);
    fileSystem.operations.length = 0;
    await first;
    expect(await second).toBe(locked);
    expect(fileSystem.operations).toEqual([]);
    expect(await (await openStore()).keys("")).toEqual(["keys:first"]);
  });

  it("a closed store stays closed though an open was under way", async () => {
    const store = newStore();
    const opening = store.open(key);
    await store.close(locked);
    await opening;
    expect(await brokerErrorOf(() => store.get("a"))).toBe(locked);
  });
});

describe("opening", () => {
  it("opening makes an empty file where none is", async () => {
    await openStore();
    expect(readdirSync(directory)).toEqual(["secrets.sealed"]);
  });

  it("opening with another key is refused and leaves the file as it is", async () => {
    await (await openStore()).put("keys:a", secret("mine"));
    const before = readFileSync(path);
    const obstacle = await newStore().open(newDataKey());
    expect(obstacle?.message).toContain(path);
    expect(obstacle?.hint).toBeTruthy();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual(["secrets.sealed"]);
  });

  it("opening of a newer version's file is refused and leaves it as it is", async () => {
    await openStore();
    const newer = readFileSync(path);
    newer.writeUInt16BE(9, 8);
    writeFileSync(path, newer);
    expect(await newStore().open(key)).toHaveProperty("message");
    expect(readFileSync(path).equals(newer)).toBe(true);
  });

  it.each([
    ["a flipped bit", (data: Buffer) => data.fill(data.at(-1)! ^ 1, data.length - 1)],
    ["a cut", (data: Buffer) => data.subarray(0, -20)],
    ["nothing left of it", () => Buffer.alloc(0)],
  ])("opening of a file with %s sets it aside whole and starts empty", async (_, damage) => {
    await (await openStore()).put("keys:a", secret("gone"));
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const store = await openStore();
    expect(await store.keys("")).toEqual([]);
    const aside = readdirSync(directory).find((name) => name.startsWith("secrets.sealed.broken-"));
    expect(logLines).toMatchObject([
      { level: "error", fields: { file: path, aside: join(directory, aside!), reason: expect.any(String) as string } },
    ]);
    expect(readFileSync(join(directory, aside!)).equals(damaged)).toBe(true);
    await store.put("keys:b", secret("b"));
    expect(readFileSync(join(directory, aside!)).equals(damaged)).toBe(true);
  });

  it.each(["not JSON", "{}", '[["a"]]', '[["a",1]]'])(
    "opening of a sealed %s is refused, unquoted and untouched",
    async (text) => {
      const data = seal(Buffer.from(text), { purpose: "secrets", kind: "key_file", sequence: 1 }, key);
      writeFileSync(path, data, { mode: 0o600 });
      const error = await brokerErrorOf(() => newStore().open(key));
      expect(error).toMatchObject({ code: "StoreUnavailable", hint: "brokerctl logs" });
      expect(String(error.cause)).not.toContain(text);
      expect(readFileSync(path).equals(data)).toBe(true);
    },
  );

  it("opening of what cannot be read is an error, never an empty store", async () => {
    const notAFile = join(directory, "not-a-file");
    mkdirSync(notAFile);
    path = notAFile;
    expect(await brokerErrorOf(() => newStore().open(key))).toMatchObject({ code: "FileRefused" });
    const file = join(directory, "file");
    writeFileSync(file, "");
    path = join(file, "below");
    expect(await brokerErrorOf(() => newStore().open(key))).toMatchObject({ code: "StoreUnavailable" });
  });
});
