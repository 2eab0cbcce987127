import { chmodSync, chownSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomic } from "../../src/files/atomic-file.js";
import { newDataKey } from "../../src/secrets/data-key.js";
import { KeyFile } from "../../src/secrets/key-file.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

let directory: string;
let path: string;
let fileSystem: RecordingFileSystem;
let holder: KeyFile;

beforeEach(() => {
  directory = tempDir("key-file");
  path = join(directory, "data.key");
  fileSystem = new RecordingFileSystem();
  holder = new KeyFile({
    path,
    files: { fileSystem, writeAtomic: (to, data) => writeFileAtomic(fileSystem, to, data) },
  });
});

describe("a key file", () => {
  it("a key file is absent, then holds the key in a 0600 file", async () => {
    expect(await holder.load()).toEqual({ outcome: "absent" });
    const key = newDataKey();
    await holder.save(key);
    const outcome = await holder.load();
    expect(outcome.outcome === "found" && outcome.key.equals(key)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("a key file warns that it is weak", () => {
    expect(holder.warnings.join()).toContain("weak");
  });

  it("a key file is never written over", async () => {
    await holder.save(newDataKey());
    const before = readFileSync(path);
    expect(await brokerErrorOf(() => holder.save(newDataKey()))).toMatchObject({ code: "Conflict" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("a key file that cannot be written is an error and leaves nothing", async () => {
    fileSystem.fail("create", systemError("ENOSPC", -28));
    expect(await brokerErrorOf(() => holder.save(newDataKey()))).toMatchObject({ code: "StoreUnavailable" });
    expect(await holder.load()).toEqual({ outcome: "absent" });
  });

  it("a key file that does not read back the same is an error", async () => {
    const forgetful = new KeyFile({ path, files: { fileSystem, writeAtomic: () => Promise.resolve() } });
    expect(await brokerErrorOf(() => forgetful.save(newDataKey()))).toMatchObject({
      code: "StoreUnavailable",
      message: `${path} did not keep the data key (read back: absent)`,
      hint: "brokerctl logs",
    });
  });

  it.each([
    ["empty", () => writeFileSync(path, "", { mode: 0o600 }), () => "restore the file from a backup"],
    ["no key", () => writeFileSync(path, "not a key\n", { mode: 0o600 }), () => "restore the file from a backup"],
    ["a whole book", () => writeFileSync(path, "A".repeat(5_000), { mode: 0o600 }), () => `ls -l ${path}`],
    ["open to the group", () => chmodSync(path, 0o640), () => `chmod 600 ${path}`],
    ["open to all users", () => chmodSync(path, 0o604), () => `chmod 600 ${path}`],
  ])("a key file that is %s is unavailable, not absent, and says what to do", async (_, spoil, hint) => {
    await holder.save(newDataKey());
    spoil();
    const outcome = await holder.load();
    expect(outcome).toMatchObject({ outcome: "unavailable" });
    expect((outcome as { hint: string }).hint).toBe(hint());
    expect((outcome as { message: string }).message).toContain(path);
  });

  it("a key file behind a symbolic link or in the shape of a directory is unavailable", async () => {
    const target = join(directory, "elsewhere");
    writeFileSync(target, "x", { mode: 0o600 });
    symlinkSync(target, path);
    expect(await holder.load()).toMatchObject({ outcome: "unavailable" });
    const inDirectory = new KeyFile({ path: directory, files: { fileSystem, writeAtomic: () => Promise.resolve() } });
    expect(await inDirectory.load()).toMatchObject({ outcome: "unavailable" });
  });

  it.runIf(process.getuid?.() === 0)("of another user is unavailable", async () => {
    await holder.save(newDataKey());
    chownSync(path, 65_534, 65_534);
    expect(await holder.load()).toMatchObject({ outcome: "unavailable" });
  });
});
