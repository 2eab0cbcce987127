import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  ensureOwnFile,
  ensurePrivateDirectory,
  ensurePrivateFile,
  refuseSwappableHome,
} from "../../src/files/private-directory.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const OTHER_UID = 54_321;
const modeOf = (path: string): number => statSync(path).mode & 0o777;

function fileOf(mode: number): string {
  const path = join(tempDir("private"), "file");
  writeFileSync(path, "x");
  chmodSync(path, mode);
  return path;
}

describe("a private directory", () => {
  it("is made with its parents, closed to others under any umask", async () => {
    const root = tempDir("private");
    const before = process.umask(0);
    try {
      await ensurePrivateDirectory(join(root, "a", "b"));
    } finally {
      process.umask(before);
    }
    expect(modeOf(join(root, "a"))).toBe(0o700);
    expect(modeOf(join(root, "a", "b"))).toBe(0o700);
  });

  it("is made by several at once, with its parents", async () => {
    const root = tempDir("private");
    const path = join(root, "a", "b", "c", "d");

    await Promise.all(Array.from({ length: 20 }, () => ensurePrivateDirectory(path)));

    expect([modeOf(join(root, "a")), modeOf(path)]).toEqual([0o700, 0o700]);
  });

  it("passes as it is when it is ours and closed", async () => {
    await expect(ensurePrivateDirectory(tempDir("private"))).resolves.toBeUndefined();
  });

  it.each([0o777, 0o755, 0o710, 0o701])("is refused with mode %o, and stays as it is", async (mode) => {
    const directory = tempDir("private");
    chmodSync(directory, mode);

    const error = await brokerErrorOf(() => ensurePrivateDirectory(directory));

    expect(error).toMatchObject({ code: "FileRefused", hint: `chmod 700 ${directory}` });
    expect(error.message).toContain(directory);
    expect(modeOf(directory)).toBe(mode);
  });

  it("is refused when it belongs to another user", async () => {
    const directory = tempDir("private");
    const error = await brokerErrorOf(() => ensurePrivateDirectory(directory, OTHER_UID));
    expect(error).toMatchObject({ code: "FileRefused", hint: `sudo chown -R ${OTHER_UID} ${directory}` });
  });

  it.each(["", "/"])("is refused when it is a symbolic link, also with %j behind it", async (slash) => {
    const root = tempDir("private");
    const real = join(root, "real");
    const link = join(root, "link");
    mkdirSync(real, { mode: 0o700 });
    symlinkSync(real, link);

    expect(await brokerErrorOf(() => ensurePrivateDirectory(link + slash))).toMatchObject({
      code: "FileRefused",
      hint: `rm ${link}`,
    });
  });

  it("is refused when it is a dangling link, and nothing is made behind it", async () => {
    const root = tempDir("private");
    symlinkSync(join(root, "nothing"), join(root, "link"));

    expect((await brokerErrorOf(() => ensurePrivateDirectory(join(root, "link")))).code).toBe("FileRefused");
    expect(existsSync(join(root, "nothing"))).toBe(false);
  });

  it("is refused when it is a file, and the hint survives a blank in the path", async () => {
    const path = join(tempDir("private"), "Application Support");
    writeFileSync(path, "x");

    expect(await brokerErrorOf(() => ensurePrivateDirectory(path))).toMatchObject({
      code: "FileRefused",
      hint: `mv '${path}' '${path}.old'`,
    });
  });

  it("is refused where a pipe or a device is, with a command that can make way, or harms nothing", async () => {
    const pipe = join(tempDir("private"), "pipe");
    spawnSync("mkfifo", [pipe]);

    expect(await brokerErrorOf(() => ensurePrivateDirectory(pipe))).toMatchObject({ hint: `rm ${pipe}` });
    expect(await brokerErrorOf(() => ensurePrivateDirectory("/dev/zero"))).toMatchObject({ hint: "ls -l /dev/zero" });
  });

  it("is refused when it cannot be made", async () => {
    const path = join(fileOf(0o600), "inside");
    const error = await brokerErrorOf(() => ensurePrivateDirectory(path));
    expect(error).toMatchObject({ code: "FileRefused", hint: `mkdir -p -m 700 ${path}` });
    const nowhere = "/proc/1/credbroker/state"; // says ENOENT although its parent is there
    if (existsSync("/proc/1"))
      expect((await brokerErrorOf(() => ensurePrivateDirectory(nowhere))).code).toBe("FileRefused");
    expect(error.message).toBe(`cannot make directory ${path}: not a directory`);
  });
});

describe("a private file", () => {
  it("passes when it is ours and closed, and is reported when there is none", async () => {
    expect(await ensurePrivateFile(fileOf(0o600))).toBe(true);
    expect(await ensurePrivateFile(fileOf(0o400))).toBe(true);
    expect(await ensurePrivateFile(join(tempDir("private"), "none"))).toBe(false);
  });

  it.each([0o644, 0o660, 0o602])("is refused with mode %o", async (mode) => {
    const path = fileOf(mode);
    expect(await brokerErrorOf(() => ensurePrivateFile(path))).toMatchObject({
      code: "FileRefused",
      hint: `chmod 600 ${path}`,
    });
  });

  it("is refused when it is a link, a directory or another user's", async () => {
    const link = join(tempDir("private"), "link");
    symlinkSync(fileOf(0o600), link);

    expect((await brokerErrorOf(() => ensurePrivateFile(link))).hint).toBe(`rm ${link}`);
    expect((await brokerErrorOf(() => ensurePrivateFile(tempDir("private")))).code).toBe("FileRefused");
    expect((await brokerErrorOf(() => ensurePrivateFile(fileOf(0o600), OTHER_UID))).hint).toContain("chown");
  });
});

describe("a file that the user keeps", () => {
  it("may be readable by all and may be a link", async () => {
    const path = fileOf(0o644);
    const link = join(tempDir("private"), "config.yaml");
    symlinkSync(path, link);

    await expect(ensureOwnFile(path)).resolves.toBeUndefined();
    await expect(ensureOwnFile(link)).resolves.toBeUndefined();
  });

  it.each([0o664, 0o646])("is refused with mode %o, also behind a link", async (mode) => {
    const link = join(tempDir("private"), "config.yaml");
    symlinkSync(fileOf(mode), link);

    expect(await brokerErrorOf(() => ensureOwnFile(link))).toMatchObject({
      code: "FileRefused",
      hint: `chmod go-w ${link}`,
    });
  });

  it("is refused when it is another user's, a directory or missing", async () => {
    expect((await brokerErrorOf(() => ensureOwnFile(fileOf(0o644), OTHER_UID))).code).toBe("FileRefused");
    expect((await brokerErrorOf(() => ensureOwnFile(tempDir("private")))).code).toBe("FileRefused");
    expect(await brokerErrorOf(() => ensureOwnFile("/nowhere/config.yaml"))).toMatchObject({
      code: "FileRefused",
      hint: "ls -l /nowhere/config.yaml",
    });
  });
});

describe("a home that holds state and runtime directory", () => {
  const refusal = (home: string, uid?: number): Promise<unknown> =>
    brokerErrorOf(() => Promise.resolve().then(() => refuseSwappableHome(home, uid)));

  it.each([0o700, 0o750, 0o755])(
    "passes where only we can write to it, with mode %o, and where it is missing",
    (mode) => {
      const home = tempDir("home");
      chmodSync(home, mode);
      expect(() => refuseSwappableHome(home)).not.toThrow();
      expect(() => refuseSwappableHome(join(home, "not", "there"))).not.toThrow();
    },
  );

  it.each([0o777, 0o775, 0o1777, 0o702])("is refused with mode %o", async (mode) => {
    const home = tempDir("home");
    chmodSync(home, mode);
    expect(await refusal(home)).toMatchObject({ code: "FileRefused", hint: `chmod go-w ${home}` });
  });

  it("is refused where it is another user's, unless that is root", async () => {
    const home = tempDir("home");
    if (process.getuid?.() !== 0)
      return void expect(await refusal(home, OTHER_UID)).toMatchObject({ code: "FileRefused" });
    expect(() => refuseSwappableHome(home, OTHER_UID)).not.toThrow();
    chownSync(home, OTHER_UID, OTHER_UID);
    expect(await refusal(home)).toMatchObject({ code: "FileRefused", hint: `sudo chown -R 0 ${home}` });
    expect(() => refuseSwappableHome(home, OTHER_UID)).not.toThrow();
  });

  it("is refused below a directory in which all users may rename, not below a sticky one or one of our group", async () => {
    const above = tempDir("home");
    const home = join(above, "deeper", "home");
    mkdirSync(home, { recursive: true, mode: 0o700 });
    chmodSync(above, 0o775);
    expect(() => refuseSwappableHome(home)).not.toThrow();
    chmodSync(above, 0o1777);
    expect(() => refuseSwappableHome(home)).not.toThrow();
    chmodSync(above, 0o777);
    expect(await refusal(home)).toMatchObject({ code: "FileRefused", hint: `chmod o-w ${above}` });
  });

  it.runIf(process.getuid?.() === 0)(
    "is refused below a directory of a third user, and not below ours, root's, or one whose owner a namespace hides",
    async () => {
      const above = tempDir("home");
      const home = join(above, "home");
      mkdirSync(home, { mode: 0o700 });
      chownSync(above, OTHER_UID, OTHER_UID);
      expect(await refusal(home)).toMatchObject({
        code: "FileRefused",
        message: `${above}, above ${home}, belongs to uid ${OTHER_UID}, who could replace it`,
        hint: 'export CREDBROKER_HOME="$HOME"/.credbroker',
      });
      expect(() => refuseSwappableHome(home, OTHER_UID)).not.toThrow();
      for (const owner of [0, 65_534]) {
        chownSync(above, owner, owner);
        expect(() => refuseSwappableHome(home, owner === 0 ? OTHER_UID : 0)).not.toThrow();
      }
    },
  );

  it("is refused where it cannot be looked at", async () => {
    const directory = tempDir("home");
    const loop = join(directory, "loop");
    symlinkSync(loop, loop);
    const refused = await refusal(join(loop, "home")).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: expect.stringMatching(/FileRefused|ELOOP/) as string });
  });

  it("is looked at where a link leads to, and where the link stands", async () => {
    const safe = tempDir("home");
    const open = tempDir("home");
    chmodSync(open, 0o777);
    mkdirSync(join(open, "real"), { mode: 0o700 });
    symlinkSync(join(open, "real"), join(safe, "link"));
    expect(await refusal(join(safe, "link"))).toMatchObject({ hint: `chmod o-w ${open}` });
    symlinkSync(safe, join(open, "link"));
    expect(await refusal(join(open, "link"))).toMatchObject({ hint: `chmod o-w ${open}` });
  });
});
