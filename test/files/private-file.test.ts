import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CheckedFile, type FileDemands, readCheckedFile } from "../../src/files/private-file.js";
import { tempDir } from "../support/temp-dir.js";

const isRoot = process.getuid?.() === 0;
const ANOTHER_UID = 65_534;

function fileOf(mode = 0o600, name = "a file"): string {
  const path = join(tempDir("private-file"), name);
  writeFileSync(path, "text");
  chmodSync(path, mode);
  return path;
}

/** The kind of what is wrong, else what came of it. */
async function outcome(path: string, demands?: FileDemands): Promise<string> {
  const file: CheckedFile = await readCheckedFile(path, demands);
  return file.outcome === "refused" ? file.flaw.kind : file.outcome;
}

async function hintFor(path: string, demands?: FileDemands): Promise<string> {
  const file = await readCheckedFile(path, demands);
  if (file.outcome !== "refused") throw new Error(`not refused: ${file.outcome}`);
  return file.flaw.hint;
}

describe("readCheckedFile", () => {
  it.each([0o600, 0o400])("reads a file of ours of mode %o", async (mode) => {
    const file = await readCheckedFile(fileOf(mode));
    expect(file).toEqual({ outcome: "read", data: Buffer.from("text") });
  });

  it.each([0o640, 0o620, 0o610, 0o604, 0o602, 0o601])("refuses a private file of mode %o", async (mode) => {
    expect(await outcome(fileOf(mode))).toBe("mode");
  });

  it.each([
    [0o644, "read"],
    [0o755, "read"],
    [0o620, "mode"],
    [0o602, "mode"],
  ])("takes a file that others may read, but not write, where it is told so: %o", async (mode, expected) => {
    expect(await outcome(fileOf(mode), { readableByOthers: true })).toBe(expected);
  });

  it.each<[string, FileDemands]>([
    ["private", {}],
    ["readable by others", { readableByOthers: true }],
  ])("gives a command that fixes the mode of a file that must be %s", async (_what, demands) => {
    const path = fileOf(0o666, "it's mine");
    execFileSync("sh", ["-c", await hintFor(path, demands)]);
    expect(await outcome(path, demands)).toBe("read");
  });

  it("follows a link to a file that was named, and none to one of ours", async () => {
    const target = fileOf();
    const link = join(tempDir("private-file"), "link");
    symlinkSync(target, link);
    expect(await outcome(link)).toBe("link");
    expect(await outcome(link, { whose: "named" })).toBe("read");
  });

  it("looks at what a named link leads to", async () => {
    const link = join(tempDir("private-file"), "link");
    symlinkSync(fileOf(0o644), link);
    expect(await outcome(link, { whose: "named" })).toBe("mode");
  });

  it("calls a file that is not there missing, and one that cannot be reached unreadable", async () => {
    const file = fileOf();
    expect(await outcome(join(tempDir("private-file"), "nothing"))).toBe("missing");
    expect(await outcome(join(file, "below"))).toBe("unreadable");
  });

  it("refuses a directory, and a pipe without waiting for its writer", async () => {
    const directory = tempDir("private-file");
    mkdirSync(join(directory, "directory"), { mode: 0o700 });
    execFileSync("mkfifo", ["-m", "600", join(directory, "pipe")]);
    expect(await outcome(join(directory, "directory"))).toBe("type");
    expect(await outcome(join(directory, "pipe"))).toBe("type");
  });

  it("takes a file of exactly the longest length, and refuses a longer one", async () => {
    expect(await outcome(fileOf(), { maxBytes: 4 })).toBe("read");
    expect(await outcome(fileOf(), { maxBytes: 3 })).toBe("size");
  });

  it("refuses a file of another user, and asks for none to be removed unseen", async () => {
    const path = fileOf();
    const uid = (process.getuid?.() ?? 0) + 1;
    expect(await outcome(path, { uid })).toBe("owner");
    expect(await hintFor(path, { uid })).toMatch(/^ls -l /);
  });

  it.runIf(isRoot)("takes a file of root's where it was named, and never one of a third user", async () => {
    const [ofRoot, ofAnother] = [fileOf(), fileOf()];
    chownSync(ofAnother, ANOTHER_UID, ANOTHER_UID);
    expect(await outcome(ofRoot, { whose: "named", uid: 4242 })).toBe("read");
    expect(await outcome(ofRoot, { uid: 4242 })).toBe("owner");
    expect(await outcome(ofAnother, { whose: "named", uid: 4242 })).toBe("owner");
    expect(await outcome(ofAnother)).toBe("owner");
  });
});
