import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ChunkLoader } from "../src/load-chunk.js";
import { tempDir } from "./support/temp-dir.js";

const [LOADER = ""] = readFileSync("dist/brokerctl.js", "utf8").split("\nconst chunks = ");
const GOOD = packOf("good");
/** As long as the other: of a source V8 compares the length only. */
const EVIL = packOf("evil");
const IS_ROOT = process.getuid?.() === 0;
const SECTOR = 512;
const ANOTHER_USER = 61_237;

function packOf(word: string): string {
  return `module.exports = { "a.js"(exports) { exports.word = (() => "${word}")(); } };\n`;
}

let dist: string;
let pack: string;
let compiled: string;

beforeEach(() => {
  dist = tempDir("dist");
  pack = join(dist, "chunks", "program.js");
  compiled = join(dist, "compiled");
  mkdirSync(join(dist, "chunks"));
  writeFileSync(pack, GOOD);
});

/** What a start of the built loader gives, in a process of its own: V8 remembers what it compiled in one. */
function word({ keeping = false } = {}): string {
  const program = join(dist, "program.js");
  const options = '{ program: "program", dist: __dirname, require, large: [], builtins: [] }';
  const main = `const chunks = new ChunkLoader(${options}); console.log(chunks.load("./chunks/a.js").word);`;
  writeFileSync(program, `${LOADER}\n${main}\n${keeping ? "chunks.keep();" : ""}`);
  return execFileSync(process.execPath, [program], { encoding: "utf8" }).trim();
}

function kept(): string {
  return join(compiled, readdirSync(compiled)[0] ?? "");
}

function keyOf(file: string): string {
  const { size, mtimeMs, ctimeMs, ino } = statSync(file);
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}\n`;
}

/** Compiled code of another text, kept as if it were of the file that is there. */
function plant(): void {
  word({ keeping: true });
  const honest = readFileSync(kept());
  const keyNow = keyOf(pack);
  expect(honest.subarray(-keyNow.length).toString("latin1")).toBe(keyNow);
  const real = dist;
  dist = tempDir("dist-of-another");
  mkdirSync(join(dist, "chunks"));
  writeFileSync(join(dist, "chunks", "program.js"), EVIL);
  expect(word({ keeping: true })).toBe("evil");
  const [name = ""] = readdirSync(join(dist, "compiled"));
  const data = readFileSync(join(dist, "compiled", name));
  const ofEvil = keyOf(join(dist, "chunks", "program.js"));
  dist = real;
  writeFileSync(kept(), Buffer.concat([data.subarray(0, data.length - ofEvil.length), Buffer.from(keyNow)]));
}

describe("compiled code", () => {
  it("is kept in a directory and in files that are closed to others", () => {
    expect(word({ keeping: true })).toBe("good");
    expect([statSync(compiled).mode & 0o777, statSync(kept()).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it("is used by the next start: what was planted by our own user, who could as well change the program, shows it", () => {
    plant();
    expect(word()).toBe("evil");
  });

  it("is not used after the file changed, also to one of the same length and time", () => {
    plant();
    const { atime, mtime } = statSync(pack);
    writeFileSync(pack, GOOD.replace("good", "late"));
    utimesSync(pack, atime, mtime);
    expect(word()).toBe("late");
  });

  const attacks: readonly (readonly [name: string, attack: () => void])[] = [
    ["in a file that others can read", () => chmodSync(kept(), 0o644)],
    ["in a file that others can write", () => chmodSync(kept(), 0o622)],
    ["in a file with a second name", () => linkSync(kept(), join(dist, "second"))],
    ["in a directory that others can enter", () => chmodSync(compiled, 0o755)],
    ["in a directory that others can write", () => chmodSync(compiled, 0o1777)],
    [
      "behind a link",
      () => {
        renameSync(compiled, join(dist, "elsewhere"));
        symlinkSync("elsewhere", compiled);
      },
    ],
    ["and cut short", () => writeFileSync(kept(), readFileSync(kept()).subarray(100))],
    ["and no code at all", () => writeFileSync(kept(), "garbage")],
    ...(IS_ROOT
      ? ([
          ["in a file of another user", () => chownSync(kept(), ANOTHER_USER, ANOTHER_USER)],
          ["in a directory of another user", () => chownSync(compiled, ANOTHER_USER, ANOTHER_USER)],
        ] as const)
      : []),
  ];
  it.each(attacks)("is not used when it lies %s", (_, attack) => {
    plant();
    attack();
    expect(word()).toBe("good");
    expect(word({ keeping: true })).toBe("good");
  });

  it("is not used where a sector of it was lost, of which V8 would die at each start", () => {
    const functions = Array.from({ length: 40 }, (_, n) => `exports.f${n} = ((a) => a + "text ${n}")(${n}.5);`);
    writeFileSync(pack, GOOD.replace("exports.word", `${functions.join(" ")} exports.word`));
    word({ keeping: true });
    const whole = readFileSync(kept());
    const codeEnd = whole.length - keyOf(pack).length;
    const sectors = Array.from({ length: Math.floor(codeEnd / SECTOR) }, (_, n) => n * SECTOR);
    expect(sectors.length).toBeGreaterThan(8);
    for (const at of sectors) {
      writeFileSync(kept(), Buffer.from(whole).fill(0, at, at + SECTOR));
      expect([at, word({ keeping: true })]).toEqual([at, "good"]);
      // Made anew: it was not used.
      const sector = readFileSync(kept()).subarray(at, at + SECTOR);
      expect([at, sector.some((byte) => byte !== 0)]).toEqual([at, true]);
    }
  });

  it("is not kept, and no directory made, in a package of another user", () => {
    word();
    if (IS_ROOT) chownSync(dist, ANOTHER_USER, ANOTHER_USER);
    else chmodSync(dist, 0o500);
    expect(word({ keeping: true })).toBe("good");
    expect(readdirSync(dist)).not.toContain("compiled");
    chmodSync(dist, 0o700);
  });
});

describe("what is kept of a pack", () => {
  const BOTH = packOf("good").replace(/ \};\n$/, ', "b.js"(exports) { exports.word = ((a) => a)("more"); } };\n');

  /** What one start loads; how much is kept then, and in which file. */
  function keptBy(chunk: string): { readonly bytes: number; readonly inode: number } {
    const program = join(dist, "program.js");
    const options = '{ program: "program", dist: __dirname, require, large: [], builtins: [] }';
    const main = `const chunks = new ChunkLoader(${options}); chunks.load("./chunks/${chunk}");`;
    writeFileSync(program, `${LOADER}\n${main}\nchunks.add(); chunks.keep();`);
    execFileSync(process.execPath, [program]);
    const { size, ino } = statSync(kept());
    return { bytes: size, inode: ino };
  }

  it("grows with a command that runs more of it, and is not written again by one that does not", () => {
    writeFileSync(pack, BOTH);
    const first = keptBy("a.js");
    expect(keptBy("a.js")).toEqual(first);
    const second = keptBy("b.js");
    expect(second.bytes).toBeGreaterThan(first.bytes);
    expect([keptBy("a.js"), keptBy("b.js")]).toEqual([second, second]);
  });
});

describe("Node's own modules", () => {
  it("are loaded by the first use and not by the import", () => {
    const loaded: string[] = [];
    const require = (id: string): unknown => loaded.push(id) && createRequire(import.meta.url)(id);
    writeFileSync(pack, 'module.exports = { "a.js"(e, r, m, f, d, __node) { e.look = () => __node["os"].EOL; } };');
    const builtins = ["os", "tty"];
    const { look } = new ChunkLoader({ program: "program", dist, require, large: [], builtins }).load("a.js") as {
      readonly look: () => string;
    };
    expect(loaded).toEqual([]);
    expect([look(), look()]).toEqual(["\n", "\n"]);
    expect(loaded).toEqual(["node:os"]);
  });
});

describe("a program that runs on", () => {
  it("loads later what it was started with, after an upgrade in the same place", () => {
    writeFileSync(join(dist, "chunks", "large.js"), 'exports.word = "as it was";');
    const require = createRequire(import.meta.url);
    const chunks = new ChunkLoader({ program: "program", dist, require, large: ["large.js"], builtins: [] });
    chunks.load("a.js");
    chunks.hold();
    cpSync(dist, `${dist}-new`, { recursive: true });
    writeFileSync(join(`${dist}-new`, "chunks", "large.js"), 'exports.word = "newer";');
    rmSync(dist, { recursive: true });
    renameSync(`${dist}-new`, dist);
    expect(chunks.load("large.js")).toEqual({ word: "as it was" });
  });
});
