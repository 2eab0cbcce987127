import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLogFile } from "../../src/system/log-file.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const line = (number: number): string => `${JSON.stringify({ number, filler: "x".repeat(80) })}\n`;

describe("the log file", () => {
  it("is private under any umask and is continued, not overwritten", async () => {
    const path = join(tempDir("log"), "brokerd.log");
    const before = process.umask(0);
    try {
      for (const number of [1, 2]) {
        const log = await openLogFile({ path });
        log.write(line(number));
        await log.close();
      }
    } finally {
      process.umask(before);
    }
    expect(readFileSync(path, "utf8")).toBe(line(1) + line(2));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("is rotated by size, keeps so many files, all private, and loses no line of those", async () => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    const log = await openLogFile({ path, fileBytes: 1_000, files: 3 });
    for (let number = 0; number < 60; number++) log.write(line(number));
    await log.close();

    expect(readdirSync(directory).sort()).toEqual(["brokerd.log", "brokerd.log.1", "brokerd.log.2"]);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    const kept = ["brokerd.log.2", "brokerd.log.1", "brokerd.log"]
      .flatMap((name) => readFileSync(join(directory, name), "utf8").trim().split("\n"))
      .filter((text) => text !== "")
      .map((text) => (JSON.parse(text) as { number: number }).number);
    expect(kept.at(-1)).toBe(59);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 60 - kept.length + index));
  });

  it("is refused when others can read it or it is a link", async () => {
    const path = join(tempDir("log"), "brokerd.log");
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    expect(await brokerErrorOf(() => openLogFile({ path }))).toMatchObject({
      code: "FileRefused",
      hint: `chmod 600 ${path}`,
    });

    const link = join(tempDir("log"), "brokerd.log");
    symlinkSync(path, link);
    expect((await brokerErrorOf(() => openLogFile({ path: link }))).code).toBe("FileRefused");
  });

  it("loses lines while it cannot be written, and goes on afterwards", async () => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    const log = await openLogFile({ path });
    mkdirSync(path); // nobody can write to it now
    log.write(line(1));
    await log.close();

    rmdirSync(path);
    log.write(line(2));
    await log.close();

    expect(readFileSync(path, "utf8")).toBe(line(2));
  });

  it("can be closed before anything was written, and twice", async () => {
    const log = await openLogFile({ path: join(tempDir("log"), "brokerd.log") });
    await log.close();
    log.write(line(1));
    await log.close();
    await log.close();
  });
});
