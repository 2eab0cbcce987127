import { execFileSync, spawn } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { readInputOf, readRegularFile, readSmallFile } from "../../src/files/read-small-file.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

function fifo(): string {
  const path = join(tempDir("fifo"), "fifo");
  execFileSync("mkfifo", ["-m", "600", path]);
  return path;
}

it("a FIFO without a writer is refused where a file is read, not waited for", async () => {
  const path = fifo();
  expect(await brokerErrorOf(() => readRegularFile(path))).toMatchObject({
    code: "FileRefused",
    message: `${path} is not a regular file`,
  });
  expect(await readSmallFile(path, 10)).toEqual({ found: "problem", problem: "is not a regular file" });
  expect(await brokerErrorOf(() => readRegularFile("/dev/zero"))).toMatchObject({ code: "FileRefused" });
});

it("a file beyond its limit is called too large, with the limit", async () => {
  const path = join(tempDir("large"), "file");
  writeFileSync(path, "x".repeat(2049));
  expect(await brokerErrorOf(() => readRegularFile(path, 2048))).toMatchObject({
    code: "FileRefused",
    message: `${path} is too large: 2049 bytes, at most 2 KiB`,
  });
  expect(await readRegularFile(path, 2049)).toHaveLength(2049);
});

it("a small file is read up to its limit; one that is not there is nothing, and one that cannot be read says why", async () => {
  const path = join(tempDir("small"), "file");
  writeFileSync(path, "four");
  const read = async (file: string, limit: number): Promise<unknown> => {
    const found = await readSmallFile(file, limit);
    return found.found === "text" ? found.text.reveal() : found;
  };

  expect(await read(path, 4)).toBe("four");
  expect(await read(path, 3)).toEqual({ found: "problem", problem: "is larger than 3 bytes" });
  expect(await read(join(path, "below"), 4)).toEqual({ found: "nothing" });
  expect(await read(`${path}.none`, 4)).toEqual({ found: "nothing" });
  const loop = join(tempDir("small"), "loop");
  symlinkSync(loop, loop);
  expect(await read(loop, 4)).toEqual({
    found: "problem",
    problem: "cannot be read: too many symbolic links encountered",
  });
});

it("a pipe that a user names is read to its end, one without a writer is empty", async () => {
  expect(await text(readInputOf(fifo()))).toBe("");

  const path = fifo();
  const writer = spawn("sh", ["-c", 'exec 3<>"$0"; echo one >&3; echo ready; read line; echo two >&3', path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise((resolve) => writer.stdout.once("data", resolve));
  const reading = text(readInputOf(path));
  writer.stdin.end("\n");
  expect(await reading).toBe("one\ntwo\n");
});
