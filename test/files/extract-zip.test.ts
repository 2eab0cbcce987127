import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type Extracted, extractZip } from "../../src/files/extract-zip.js";
import { tempDir } from "../support/temp-dir.js";
import { LINK, PROGRAM, type ZipItem, zipArchive } from "../support/zip-archive.js";

const MAX_BYTES = 10 * 1024 * 1024;
let around: string;
let directory: string;

beforeEach(() => {
  around = tempDir("unpacked", "input");
  directory = join(around, "inside");
  mkdirSync(directory);
});

function extract(content: Buffer, maxBytes = MAX_BYTES): Promise<Extracted> {
  const archive = join(tempDir("archive", "input"), "code.zip");
  writeFileSync(archive, content);
  return extractZip({ archive, directory, maxBytes });
}

const unpack = (...items: readonly ZipItem[]): Promise<Extracted> => extract(zipArchive(items));
const text = (name: string): string => readFileSync(join(directory, name), "utf8");
const modeOf = (name: string): number => lstatSync(join(directory, name)).mode & 0o777;
/** Nothing lies beside the directory. */
const nothingOutside = (): void => expect(readdirSync(around)).toEqual(["inside"]);

describe("an archive", () => {
  it("is unpacked for its user alone, with programs that run and links that lead inside", async () => {
    const large = "x".repeat(3_000_000);
    const extracted = await unpack(
      { name: "app.js", content: "one" },
      { name: "bin/", mode: 0o040755 },
      { name: "bin/run.sh", content: "#!/bin/sh\n", mode: PROGRAM, isStored: true },
      { name: "node_modules/a/large.js", content: large },
      { name: "node_modules/.bin/a", content: "../a/large.js", mode: LINK },
    );
    expect(extracted).toEqual({ files: 4, bytes: 3 + 10 + large.length + 13 });
    expect([text("app.js"), text("node_modules/.bin/a")]).toEqual(["one", large]);
    expect([modeOf("app.js"), modeOf("bin/run.sh"), modeOf("node_modules")]).toEqual([0o600, 0o700, 0o700]);
  });

  it("may be another program's: Python's, with an entry in zip64 form and one of a stream", async () => {
    const archive = join(tempDir("archive", "input"), "python.zip");
    const script = [
      "import sys, zipfile",
      "with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:",
      "    z.writestr('grün/app.py', 'plain')",
      "    with z.open('large.py', 'w', force_zip64=True) as f: f.write(b'forced')",
    ].join("\n");
    execFileSync("python3", ["-c", script, archive]);
    await extractZip({ archive, directory, maxBytes: MAX_BYTES });
    expect([text("grün/app.py"), text("large.py")]).toEqual(["plain", "forced"]);
  });

  it("lies over what an earlier one has left, and through none of its links", async () => {
    await unpack(
      { name: "a", content: "first" },
      { name: "lib/b", content: "first" },
      { name: "link", content: "lib", mode: LINK },
    );
    symlinkSync(around, join(directory, "out"));
    await unpack(
      { name: "a", content: "second" },
      { name: "link/c", content: "second" },
      { name: "out/d", content: "second" },
    );
    expect([text("a"), text("lib/b"), text("link/c"), text("out/d")]).toEqual(["second", "first", "second", "second"]);
    expect([existsSync(join(directory, "lib/c")), lstatSync(join(directory, "out")).isDirectory()]).toEqual([
      false,
      true,
    ]);
    nothingOutside();
  });
});

describe("an archive that is hostile", () => {
  it.each(["../evil", "a/../../evil", "/evil", "a\\..\\..\\evil", "a/\0b", "x/".repeat(600)])(
    "cannot write to %j",
    async (name) => {
      await expect(unpack({ name, content: "evil" })).rejects.toThrow("leads out of it");
      nothingOutside();
    },
  );

  it.each(["/etc/passwd", "..", "../../etc", "sub/../../..", "a/..", ""])(
    "cannot make a link to %j",
    async (target) => {
      await expect(unpack({ name: "d/link", content: target === ".." ? "../.." : target, mode: LINK })).rejects.toThrow(
        "leads out of it",
      );
      expect(existsSync(join(directory, "d/link"))).toBe(false);
    },
  );

  it("cannot write through its own link, whichever comes first", async () => {
    await unpack(
      { name: "sub/x", content: "1" },
      { name: "link", content: "sub", mode: LINK },
      { name: "link/y", content: "2" },
    );
    expect([readlinkSync(join(directory, "link")), readdirSync(join(directory, "sub"))]).toEqual(["sub", ["x"]]);
  });

  it("cannot put a link into a place where another link makes it lead out", async () => {
    await unpack(
      { name: "a/b/c", content: "1" },
      { name: "a/b", content: "..", mode: LINK },
      { name: "a/b/up", content: "../..", mode: LINK },
    );
    expect(lstatSync(join(directory, "a/b")).isDirectory()).toBe(true);
    expect(readlinkSync(join(directory, "a/b/up"))).toBe("../..");
    nothingOutside();
  });

  it("may have a file in the place of a directory of its own, and the other way round", async () => {
    await unpack({ name: "a/b", content: "1" }, { name: "a", content: "2" }, { name: "a/c", content: "3" });
    expect([readdirSync(join(directory, "a")), text("a/c")]).toEqual([["c"], "3"]);
  });

  it("is told where a name is longer than a file system takes", async () => {
    await expect(unpack({ name: `d/${"x".repeat(256)}`, content: "1" })).rejects.toMatchObject({ name: "ZipProblem" });
    await unpack({ name: `d/${"x".repeat(255)}`, content: "1" });
  });

  it.each([
    ["small files", { name: "a", content: "x" }],
    ["a large file", { name: "a", content: Buffer.alloc(5_000_000) }],
  ])("is let go when that is asked for, of %s", async (_, item) => {
    const reason = new Error("asked for");
    const archive = join(tempDir("archive", "input"), "code.zip");
    writeFileSync(archive, zipArchive([item, item, item]));
    const asking = new AbortController();
    const work = extractZip({ archive, directory, maxBytes: 20_000_000, signal: asking.signal });
    asking.abort(reason);
    await expect(work).rejects.toBe(reason);
  });

  it("is no bomb: neither more than it says, nor more than may be", async () => {
    const zeros = Buffer.alloc(8_000_000);
    await expect(unpack({ name: "bomb", content: zeros, bytes: 100 })).rejects.toThrow("larger than it says");
    await expect(unpack({ name: "bomb", content: zeros, bytes: 100, isStored: true })).rejects.toThrow(
      "larger than it says",
    );
    await expect(unpack({ name: "bomb", content: zeros, bytes: 7_999_999 })).rejects.toThrow("larger than it says");
    await expect(unpack({ name: "cut", content: zeros, bytes: 8_000_001 })).rejects.toThrow("cut in it is damaged");
    await expect(extract(zipArchive([{ name: "bomb", content: zeros }]), 1_000_000)).rejects.toThrow(
      "more than 1000000",
    );
  });

  it.each([
    ["that is none", Buffer.from("PK no, this is not one"), "no zip archive"],
    ["that is empty", Buffer.of(), "no zip archive"],
    ["with a wrong sum", zipArchive([{ name: "a", content: "x", crc: 1 }]), "a in it is damaged"],
    [
      "with bytes that are not deflate's",
      zipArchive([{ name: "a", content: "x", isStored: true, method: 8 }]),
      "a in it is damaged",
    ],
    ["that is encrypted", zipArchive([{ name: "a", content: "x", flags: 1 }]), "encrypted"],
    ["with another compression", zipArchive([{ name: "a", content: "x", method: 12 }]), "another method"],
    ["with a device", zipArchive([{ name: "a", mode: 0o020666 }]), "neither a file"],
    ["that was cut", zipArchive([{ name: "a", content: "x".repeat(100) }]).subarray(20), ""],
  ])("is told: one %s", async (_, content, said) => {
    await expect(extract(content)).rejects.toMatchObject({
      name: "ZipProblem",
      message: expect.stringContaining(said) as string,
    });
    nothingOutside();
  });
});
