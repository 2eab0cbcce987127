import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  NodeFileSystem,
  replaceFile,
  replaceFileNonDurable,
  writeFileAtomic,
  writeFully,
} from "../../src/files/atomic-file.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const OLD = Buffer.from("old");
const NEW = Buffer.from("new");

function oldFile(): { readonly directory: string; readonly path: string } {
  const directory = tempDir("atomic");
  const path = join(directory, "state.json");
  writeFileSync(path, OLD);
  return { directory, path };
}

describe("writing a file atomically", () => {
  it("makes the content durable, then renames, then makes the rename durable", async () => {
    const { path } = oldFile();
    const fs = new RecordingFileSystem();

    await writeFileAtomic(fs, path, NEW);

    expect(fs.operations.map((operation) => operation.split(" ")[0])).toEqual(["create", "rename", "sync-directory"]);
    expect(fs.operations[1]).toBe("rename state.json");
    expect(readFileSync(path)).toEqual(NEW);
  });

  it("takes a private mode whatever the umask and the old file's mode", async () => {
    const { path } = oldFile();
    chmodSync(path, 0o644);
    const before = process.umask(0);
    try {
      await writeFileAtomic(new NodeFileSystem(), path, NEW);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("gives another mode exactly, although the umask would cut it", async () => {
    const { path } = oldFile();
    const before = process.umask(0o077);
    try {
      await replaceFile(new NodeFileSystem(), { path, data: NEW, mode: 0o644 });
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  it.each(["create", "rename"] as const)("keeps the old file and no other when %s fails", async (operation) => {
    const { directory, path } = oldFile();
    const fs = new RecordingFileSystem();
    fs.fail(operation, systemError("EIO", -5));

    const error = await brokerErrorOf(() => writeFileAtomic(fs, path, NEW));

    expect(error.code).toBe("InternalError");
    expect(error.message).toContain(path);
    expect(readFileSync(path)).toEqual(OLD);
    expect(readdirSync(directory)).toEqual(["state.json"]);
  });

  it("does not acknowledge a rename that may not survive a crash", async () => {
    const { path } = oldFile();
    const fs = new RecordingFileSystem();
    fs.fail("sync-directory", systemError("EIO", -5));

    expect((await brokerErrorOf(() => writeFileAtomic(fs, path, NEW))).code).toBe("InternalError");
  });

  it("says why the rename failed even when the temporary file cannot be removed", async () => {
    const { path } = oldFile();
    const fs = new RecordingFileSystem();
    fs.fail("rename", systemError("EROFS", -30));
    fs.fail("remove", systemError("EIO", -5));

    expect((await brokerErrorOf(() => writeFileAtomic(fs, path, NEW))).cause).toMatchObject({ code: "EROFS" });
  });
});

describe("replacing a file for readers, but not for a crash", () => {
  it("gives it the new text, 0600, and leaves no other file", async () => {
    const { directory, path } = oldFile();
    chmodSync(path, 0o644);

    await replaceFileNonDurable(path, "new");

    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["state.json"]);
  });

  it("leaves nothing where it fails: readers see no file rather than what is true no longer", async () => {
    const directory = tempDir("atomic");
    const path = join(directory, "state.json");
    const longest = join(directory, "x".repeat(250)); // there is no space for the temporary name's letters
    writeFileSync(longest, "old");
    mkdirSync(path); // a rename does not replace it

    await expect(replaceFileNonDurable(path, "new")).rejects.toMatchObject({ code: "EISDIR" });
    await expect(replaceFileNonDurable(longest, "new")).rejects.toMatchObject({ code: "ENAMETOOLONG" });

    expect(readdirSync(directory)).toEqual(["state.json"]);
  });
});

describe("a durable new file", () => {
  afterEach(() => restoreHandles());

  it("is fsynced after its last write", async () => {
    const calls = await recordHandles();
    const directory = tempDir("atomic");

    await new NodeFileSystem().createDurable(join(directory, "new"), Buffer.alloc(300_000), 0o600);

    expect(calls.filter((call, index) => call !== calls[index - 1])).toEqual(["chmod", "write", "sync"]);
  });

  it.each(["write", "sync", "chmod"] as const)("is not there, nor acknowledged, when its %s fails", async (step) => {
    await recordHandles({ [step]: systemError("EIO", -5) });
    const directory = tempDir("atomic");

    const creating = new NodeFileSystem().createDurable(join(directory, "new"), NEW, 0o600);

    await expect(creating).rejects.toMatchObject({ code: "EIO" });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("has its rename acknowledged only where the directory could be synced, and leaves no descriptor open", async () => {
    const directory = tempDir("atomic");
    const before = openDescriptors();
    await new NodeFileSystem().syncDirectory(directory);
    await recordHandles({ sync: systemError("EIO", -5) });

    await expect(new NodeFileSystem().syncDirectory(directory)).rejects.toMatchObject({ code: "EIO" });
    await expect(new NodeFileSystem().createDurable(join(directory, "new"), NEW, 0o600)).rejects.toThrow();
    expect(openDescriptors()).toBe(before);
  });

  it("is not made through a symbolic link at its path, dangling or not", async () => {
    const { directory, path } = oldFile();
    const link = join(directory, "link");
    symlinkSync(path, link);
    const dangling = join(directory, "dangling");
    symlinkSync(join(directory, "nothing"), dangling);
    const fs = new NodeFileSystem();

    await expect(fs.createDurable(link, NEW, 0o600)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(fs.createDurable(dangling, NEW, 0o600)).rejects.toMatchObject({ code: "EEXIST" });

    expect(readFileSync(path)).toEqual(OLD);
    expect(existsSync(join(directory, "nothing"))).toBe(false);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it("is written to its end although each write takes only a part", async () => {
    const taken: number[] = [];
    const handle = {
      write: async (data: Uint8Array, offset: number, length: number) => {
        const bytesWritten = Math.min(7, length);
        taken.push(...data.subarray(offset, offset + bytesWritten));
        return { bytesWritten, buffer: data };
      },
    };

    await writeFully(handle as unknown as FileHandle, Buffer.from("longer than seven bytes"));

    expect(Buffer.from(taken).toString()).toBe("longer than seven bytes");
  });

  it("fails when a write takes nothing at all", async () => {
    const handle = { write: async (data: Uint8Array) => ({ bytesWritten: 0, buffer: data }) };
    await expect(writeFully(handle as unknown as FileHandle, NEW)).rejects.toThrow("0 of 3 bytes");
  });
});

const canMount = process.getuid?.() === 0 && tryMount(join(tempDir("mount"), "probe"));

describe.skipIf(!canMount)("on a full disk", () => {
  it("keeps the old file whole, leaves nothing else, and works again once there is space", async () => {
    const disk = join(tempDir("mount"), "small");
    tryMount(disk, { keep: true });
    try {
      const path = join(disk, "state.json");
      const fs = new NodeFileSystem();
      await writeFileAtomic(fs, path, Buffer.alloc(100_000, "o"));

      const error = await brokerErrorOf(() => writeFileAtomic(fs, path, Buffer.alloc(250_017, "n")));

      expect(error).toMatchObject({ code: "InternalError", cause: { code: "ENOSPC" } });
      expect(error.hint).toContain("df -h");
      expect(readFileSync(path)).toEqual(Buffer.alloc(100_000, "o"));
      expect(readdirSync(disk)).toEqual(["state.json"]);

      await writeFileAtomic(fs, path, Buffer.alloc(150_000, "s"));
      expect(readFileSync(path)).toEqual(Buffer.alloc(150_000, "s"));
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

function tryMount(directory: string, { keep = false } = {}): boolean {
  mkdirSync(directory);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", directory], { stdio: "ignore" });
  } catch {
    return false;
  }
  if (!keep) execFileSync("umount", [directory]);
  return true;
}

const HANDLE_METHODS = ["chmod", "write", "sync"] as const;
let restoreHandles = (): void => undefined;

function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

/** Notes, of all file handles of this process, the order in which they are written and synced; `faults` fail a little later. */
async function recordHandles(faults: Partial<Record<(typeof HANDLE_METHODS)[number], Error>> = {}): Promise<string[]> {
  const probe = await open("/dev/null");
  const prototype = Object.getPrototypeOf(probe) as Record<string, (...args: unknown[]) => unknown>;
  await probe.close();
  const calls: string[] = [];
  const originals = HANDLE_METHODS.map((name) => [name, prototype[name]!] as const);
  for (const [name, original] of originals) {
    prototype[name] = async function (this: unknown, ...args: unknown[]) {
      calls.push(name);
      const done = await original.apply(this, args);
      if (faults[name]) throw faults[name];
      return done;
    };
  }
  restoreHandles = () => {
    for (const [name, original] of originals) prototype[name] = original;
  };
  return calls;
}
