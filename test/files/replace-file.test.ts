import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { replaceFileIfUnchanged } from "../../src/files/replace-file.js";
import { RecordingFileSystem, systemError } from "../fakes/recording-file-system.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

function configOf(text: string | Uint8Array, mode = 0o600): string {
  const path = join(tempDir("config"), "config.yaml");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

it("replaces a file that is still what was read and keeps its mode", async () => {
  const path = configOf("version: 1 # ä\n", 0o644);

  await replaceFileIfUnchanged({ path, expected: "version: 1 # ä\n", next: "version: 1\nroles: {} # ö\n" });

  expect(readFileSync(path, "utf8")).toBe("version: 1\nroles: {} # ö\n");
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

it("writes through a link into the directory of its target", async () => {
  const target = configOf("old");
  const link = join(tempDir("config"), "config.yaml");
  symlinkSync(target, link);

  await replaceFileIfUnchanged({ path: link, expected: "old", next: "new" });

  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("new");
  expect(readdirSync(dirname(target))).toEqual(["config.yaml"]);
  expect(readdirSync(dirname(link))).toEqual(["config.yaml"]);
});

it("refuses to overwrite what another program wrote meanwhile", async () => {
  const path = configOf("theirs");

  const error = await brokerErrorOf(() => replaceFileIfUnchanged({ path, expected: "old", next: "new" }));

  expect(error).toMatchObject({ code: "Conflict", hint: "run the command again" });
  expect(error.message).toContain(path);
  expect(readFileSync(path, "utf8")).toBe("theirs");
});

it("refuses a file that decoding has changed, instead of writing the loss back", async () => {
  const path = configOf(Uint8Array.of(0x76, 0xff, 0x0a));
  const expected = readFileSync(path, "utf8");

  expect((await brokerErrorOf(() => replaceFileIfUnchanged({ path, expected, next: "new" }))).code).toBe("Conflict");
});

it("refuses a file that others can write to", async () => {
  const path = configOf("old", 0o666);
  const error = await brokerErrorOf(() => replaceFileIfUnchanged({ path, expected: "old", next: "new" }));
  expect(error.code).toBe("FileRefused");
});

it("loses nothing when the write fails", async () => {
  const path = configOf("old");
  const fs = new RecordingFileSystem();
  fs.fail("rename", systemError("ENOSPC", -28));

  const error = await brokerErrorOf(() => replaceFileIfUnchanged({ path, expected: "old", next: "new" }, fs));

  expect(error.hint).toContain("df -h");
  expect(readFileSync(path, "utf8")).toBe("old");
});
