import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../src/system/find-program.js";
import { tempDir } from "../support/temp-dir.js";

const uid = process.getuid?.() ?? 0;
const isRoot = uid === 0;
const ANOTHER_UID = 65_534;

/** A directory of programs, closed to others. */
function bin(): string {
  const directory = join(tempDir("programs"), "bin");
  mkdirSync(directory, { mode: 0o755 });
  return directory;
}

function programIn(directory: string, name = "creds", mode = 0o755): string {
  const path = join(directory, name);
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, mode);
  return path;
}

const found = (program: string, searchPath = ""): ReturnType<typeof findProgram> =>
  findProgram({ program, searchPath, uid });

describe("a program", () => {
  it("is found by its absolute path, and by its name in the first absolute part of PATH that has it", async () => {
    const [first, second] = [bin(), bin()];
    const path = programIn(second);
    expect(await found(path)).toEqual({ path });
    expect(await found("creds", `relative:.::${first}:${second}`)).toEqual({ path });
    const earlier = programIn(first);
    expect(await found("creds", `${first}:${second}`)).toEqual({ path: earlier });
  });

  it("is not looked for in PATH where it is named by a path, nor in a relative part", async () => {
    const directory = bin();
    programIn(directory);
    for (const [program, searchPath] of [
      ["./creds", directory],
      ["bin/creds", join(directory, "..")],
      ["creds", "."],
      ["creds", ""],
    ] as const) {
      expect(await found(program, searchPath)).toEqual({
        problem: `there is no program ${program} in the daemon's PATH`,
        hint: "name it by its absolute path: brokerctl config edit",
      });
    }
  });

  it("that is not there is told by its path", async () => {
    const path = join(bin(), "none");
    expect(await found(path)).toEqual({ problem: `there is no program ${path}`, hint: `ls -l ${path}` });
  });

  it("is no directory of its name, which is passed over", async () => {
    const [first, second] = [bin(), bin()];
    mkdirSync(join(first, "creds"));
    const path = programIn(second);
    expect(await found("creds", `${first}:${second}`)).toEqual({ path });
  });

  it("that may not be executed is told, and none behind it is taken", async () => {
    const [first, second] = [bin(), bin()];
    const path = programIn(first, "creds", 0o600);
    programIn(second);
    expect(await found("creds", `${first}:${second}`)).toEqual({
      problem: `${path} is not executable`,
      hint: `chmod u+x ${path}`,
    });
  });
});

describe("a program that others could replace", () => {
  it.each([0o775, 0o757])("is refused by its mode: %o", async (mode) => {
    const path = programIn(bin(), "creds", mode);
    expect(await found(path)).toEqual({ problem: `${path} can be changed by other users`, hint: `chmod go-w ${path}` });
  });

  it.each([
    [0o777, false],
    [0o757, false],
    [0o1777, true],
    [0o775, true],
  ])(
    "is refused by the mode of its directory, unless that is sticky or of our group: %o, taken %s",
    async (mode, taken) => {
      const directory = bin();
      const path = programIn(directory);
      chmodSync(directory, mode);
      expect(await found(path)).toEqual(
        taken
          ? { path }
          : { problem: `${directory}, where ${path} is, can be changed by other users`, hint: `ls -ld ${directory}` },
      );
    },
  );

  it("is refused where a link leads into a directory that all can write to", async () => {
    const [safe, open] = [bin(), bin()];
    symlinkSync(programIn(open), join(safe, "creds"));
    expect(await found(join(safe, "creds"))).toEqual({ path: join(safe, "creds") });
    chmodSync(open, 0o777);
    expect(await found(join(safe, "creds"))).toMatchObject({ hint: `ls -ld ${open}` });
  });

  it.runIf(isRoot)("is refused where it, or its directory, belongs to a third user; root's are taken", async () => {
    const directory = bin();
    const path = programIn(directory);
    expect(await findProgram({ program: path, searchPath: "", uid: 4242 })).toEqual({ path });
    chownSync(path, ANOTHER_UID, ANOTHER_UID);
    expect(await found(path)).toEqual({
      problem: `${path} belongs to another user (uid ${ANOTHER_UID})`,
      hint: `ls -lL ${path}`,
    });
    expect(await findProgram({ program: path, searchPath: "", uid: ANOTHER_UID })).toEqual({ path });
    chownSync(path, 0, 0);
    chownSync(directory, ANOTHER_UID, ANOTHER_UID);
    expect(await found(path)).toMatchObject({ hint: `ls -ld ${directory}` });
  });
});
