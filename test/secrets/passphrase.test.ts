import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.js";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import type { DataKeyOutcome } from "../../src/secrets/data-key.js";
import { newDataKey } from "../../src/secrets/data-key.js";
import type { PassphraseFiles } from "../../src/secrets/passphrase.js";
import { Passphrase } from "../../src/secrets/passphrase.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canaryPassphrase } from "../support/canaries.js";
import { tempDir } from "../support/temp-dir.js";

const quiet = { interactive: false };
const right = { interactive: true, passphrase: new Secret(canaryPassphrase("right")) };
const wrong = { interactive: true, passphrase: new Secret(canaryPassphrase("wrong")) };
const key = newDataKey();
let path: string;

beforeEach(() => {
  path = join(tempDir("passphrase"), "data-key.wrapped");
});

function holderWith(
  passphraseFiles: PassphraseFiles = {},
  cost: { scryptLog2N?: number } = { scryptLog2N: 4 },
): Passphrase {
  const fileSystem = new NodeFileSystem();
  const files = { fileSystem, writeAtomic: (to: string, data: Uint8Array) => writeFileAtomic(fileSystem, to, data) };
  return new Passphrase({ path, files, passphraseFiles, ...cost });
}

function passphraseFile(content: string, mode = 0o600): string {
  const file = join(tempDir("passphrase-file", "input"), "passphrase");
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const isKey = (outcome: DataKeyOutcome): boolean => outcome.outcome === "found" && outcome.key.equals(key);

describe("a key wrapped by a passphrase", () => {
  it("a key wrapped by a passphrase is absent, then opens with the passphrase it was made with", async () => {
    const holder = holderWith();
    expect(await holder.load(right)).toEqual({ outcome: "absent" });
    await holder.save(key, right);
    expect(isKey(await holderWith().load(right))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path).includes(CANARY)).toBe(false);
    expect(readFileSync(path).includes(key.export())).toBe(false);
  });

  it("a key wrapped by a passphrase costs what it should: N=2^17 of scrypt by default", async () => {
    await holderWith({}, {}).save(key, right);
    expect(readFileSync(path).readUInt8(9)).toBe(17);
    expect(isKey(await holderWith().load(right))).toBe(true);
    expect(await holderWith().load(wrong)).toMatchObject({ outcome: "locked" });
  });

  it.each([
    ["typed", undefined],
    ["in a file", "file"],
  ])("a key wrapped by a passphrase is not made with one letter, %s", async (_, from) => {
    const short = { interactive: true, passphrase: new Secret("x") };
    const error = await brokerErrorOf(() =>
      from === undefined
        ? holderWith().save(key, short)
        : holderWith({ named: passphraseFile("x\n") }).save(key, { interactive: true }),
    );
    expect(error).toMatchObject({ code: "UsageInvalid", hint: "use several words: brokerctl init" });
    expect(error.message).toMatch(from === undefined ? /fewer than 8 characters[^(]*$/ : /fewer than 8.* \(in \/.*\)$/);
    expect(existsSync(path)).toBe(false);
  });

  it("a key wrapped by a passphrase stays locked without a passphrase and with a wrong one, and names neither", async () => {
    await holderWith().save(key, right);
    expect(await holderWith().load(quiet)).toMatchObject({ outcome: "locked", hint: "brokerctl unlock" });
    const outcome = await holderWith().load(wrong);
    expect(outcome).toMatchObject({ outcome: "locked", message: "the passphrase is wrong", hint: "brokerctl unlock" });
    expect(JSON.stringify(outcome)).not.toContain(CANARY);
  });

  it("a key wrapped by a passphrase is the same passphrase however its letters are composed", async () => {
    await holderWith().save(key, { interactive: true, passphrase: new Secret(`${CANARY} caf\u00e9`) });
    const decomposed = new Secret(`${CANARY} cafe\u0301`);
    expect(isKey(await holderWith().load({ interactive: true, passphrase: decomposed }))).toBe(true);
  });

  it("a key wrapped by a passphrase is never written over", async () => {
    await holderWith().save(key, right);
    const before = readFileSync(path);
    expect(await brokerErrorOf(() => holderWith().save(newDataKey(), right))).toMatchObject({ code: "Conflict" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("a key wrapped by a passphrase is not made without a passphrase, or with an empty one", async () => {
    const empty = { interactive: true, passphrase: new Secret("") };
    expect(await brokerErrorOf(() => holderWith().save(key, quiet))).toMatchObject({
      code: "UsageInvalid",
      hint: "run brokerctl init on a terminal, or set CREDBROKER_PASSPHRASE_FILE",
    });
    expect(await brokerErrorOf(() => holderWith().save(key, empty))).toMatchObject({
      code: "UsageInvalid",
      message: "the passphrase is empty",
      hint: "give a passphrase",
    });
    expect(await holderWith().load(right)).toEqual({ outcome: "absent" });
  });

  it("a key wrapped by a passphrase with any bit flipped is unavailable: damage is not a wrong passphrase, and nothing absurd is computed", async () => {
    await holderWith().save(key, right);
    const whole = readFileSync(path);
    const messages = new Set<string>();
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, flipped);
      const outcome = await holderWith().load(right);
      expect(outcome.outcome).toBe("unavailable");
      if ("message" in outcome) messages.add(`${outcome.message} | ${outcome.hint}`);
    }
    expect([...messages].sort()).toEqual([
      `${path} is damaged | restore it from a backup: ls -l ${path}`,
      `${path} was written by a newer credbroker | npm install --global credbroker@latest`,
    ]);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect((await holderWith().load(right)).outcome).toBe("unavailable");
    }
  });

  it.each([
    ["no work", 9, 0],
    ["more work than any version of us asks for", 9, 21],
    ["more memory than ours", 10, 9],
    ["more turns than ours", 11, 2],
  ])(
    "a key wrapped by a passphrase that asks for %s is damaged, though its checksum is right",
    async (_, at, value) => {
      await holderWith().save(key, right);
      const forged = readFileSync(path);
      forged[at] = value;
      createHash("sha256").update(forged.subarray(0, 88)).digest().copy(forged, 88);
      writeFileSync(path, forged);
      expect(await holderWith().load(right)).toMatchObject({ outcome: "unavailable", message: `${path} is damaged` });
    },
  );

  it("a key wrapped by a passphrase open to others is unavailable", async () => {
    await holderWith().save(key, right);
    chmodSync(path, 0o644);
    expect(await holderWith().load(right)).toMatchObject({ outcome: "unavailable" });
  });
});

describe("the passphrase", () => {
  beforeEach(() => holderWith().save(key, right));

  it.each(["", "\n", "\r\n"])(
    "the passphrase comes from the named file, one line end %j is not part of it",
    async (end) => {
      const named = passphraseFile(`${canaryPassphrase("right")}${end}`);
      expect(isKey(await holderWith({ named }).load(quiet))).toBe(true);
    },
  );

  it("the passphrase keeps further line ends and spaces", async () => {
    const named = passphraseFile(`${canaryPassphrase("right")} \n`);
    expect(await holderWith({ named }).load(quiet)).toMatchObject({ outcome: "locked" });
  });

  it("the passphrase comes from systemd's credential where no file is named, also behind a link", async () => {
    const link = join(tempDir("credentials", "input"), "credbroker-passphrase");
    symlinkSync(passphraseFile(canaryPassphrase("right"), 0o400), link);
    expect(isKey(await holderWith({ credential: link }).load(quiet))).toBe(true);
  });

  it("the passphrase typed goes before the file, and the named file before systemd's", async () => {
    const named = passphraseFile(canaryPassphrase("wrong"));
    const credential = passphraseFile(canaryPassphrase("right"));
    expect(isKey(await holderWith({ named }).load(right))).toBe(true);
    const outcome = await holderWith({ named, credential }).load(quiet);
    expect(outcome).toMatchObject({ outcome: "locked" });
    expect((outcome as { message: string }).message).toContain(named);
  });

  it("the passphrase is simply not given where systemd has none", async () => {
    const credential = join(tempDir("credentials", "input"), "credbroker-passphrase");
    expect(await holderWith({ credential }).load(quiet)).toMatchObject({ outcome: "locked", hint: "brokerctl unlock" });
  });

  it.each([
    ["missing", () => join(tempDir("nowhere", "input"), "missing")],
    ["empty", () => passphraseFile("\n")],
    ["readable by the group", () => passphraseFile(canaryPassphrase("right"), 0o640)],
    ["readable by all users", () => passphraseFile(canaryPassphrase("right"), 0o604)],
    ["far too long", () => passphraseFile("x".repeat(5_000))],
    [
      "a directory",
      () => {
        const directory = join(tempDir("directory", "input"), "passphrase");
        mkdirSync(directory);
        return directory;
      },
    ],
  ])("the passphrase in a file that is %s is refused, naming the file and the fix", async (_, make) => {
    const named = make();
    const outcome = await holderWith({ named }).load(quiet);
    expect(outcome).toMatchObject({ outcome: "locked" });
    expect((outcome as { message: string }).message).toContain(named);
    expect((outcome as { hint: string }).hint).toBeTruthy();
  });
});
