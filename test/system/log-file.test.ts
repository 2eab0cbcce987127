import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { openLogFile } from "../../src/system/log-file.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const clock = new SystemClock();
const line = (number: number): string => `${JSON.stringify({ number, filler: "x".repeat(80) })}\n`;

describe("the log file", () => {
  it("is private under any umask and is continued, not overwritten", async () => {
    const path = join(tempDir("log"), "brokerd.log");
    const before = process.umask(0);
    try {
      for (const number of [1, 2]) {
        const log = await openLogFile({ clock, path });
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
    const log = await openLogFile({ clock, path, fileBytes: 1_000, files: 3 });
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

  it("begins a new file when told, loses no line that is written meanwhile, and keeps so many files", async () => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    const log = await openLogFile({ clock, path, files: 3 });
    const before = process.umask(0);
    try {
      for (let day = 1; day <= 4; day++) {
        log.write(line(day));
        const rotated = log.rotate();
        log.write(line(day * 10));
        await rotated;
        log.write(line(day * 100));
      }
      await log.close();
    } finally {
      process.umask(before);
    }

    expect(readdirSync(directory).sort()).toEqual(["brokerd.log", "brokerd.log.1", "brokerd.log.2"]);
    expect(readFileSync(path, "utf8")).toBe(line(40) + line(400));
    expect(readFileSync(`${path}.1`, "utf8")).toBe(line(30) + line(300) + line(4));
    expect(readFileSync(`${path}.2`, "utf8")).toBe(line(20) + line(200) + line(3));
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it("keeps an empty file where it is, so that quiet days cost no older file its place", async () => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    const log = await openLogFile({ clock, path });
    await log.rotate();
    log.write(line(1));
    for (let day = 1; day <= 3; day++) await log.rotate();
    await log.close();
    expect(readdirSync(directory).sort()).toEqual(["brokerd.log", "brokerd.log.1"]);
    expect(readFileSync(`${path}.1`, "utf8")).toBe(line(1));
  });

  it("has what was under way in it when it is closed during a rotation", async () => {
    const path = join(tempDir("log"), "brokerd.log");
    const log = await openLogFile({ clock, path });
    log.write(line(1));
    void log.rotate();
    log.write(line(2));
    await log.close();
    expect(readFileSync(`${path}.1`, "utf8")).toBe(line(1));
    expect(readFileSync(path, "utf8")).toBe(line(2));
  });

  it("goes on in the old file when the files cannot be renamed", async () => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    mkdirSync(join(`${path}.1`, "in the way"), { recursive: true });
    const log = await openLogFile({ clock, path, files: 2 });
    log.write(line(1));
    const rotated = log.rotate();
    log.write(line(2));
    await expect(rotated).rejects.toThrow("brokerd.log");
    log.write(line(3));
    await log.close();
    expect(readFileSync(path, "utf8")).toBe(line(1) + line(2) + line(3));
  });

  it.each([
    ["of yesterday begins a new file when it is opened", 24 * 3_600_000, line(2), true],
    ["of the same day is continued when it is opened", 0, line(1) + line(2), false],
  ])("%s", async (_, age, current, isRotated) => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    writeFileSync(path, line(1), { mode: 0o600 });
    const written = (clock.now() - age) / 1000;
    utimesSync(path, written, written);
    const log = await openLogFile({ clock, path });
    log.write(line(2));
    await log.close();
    expect(readFileSync(path, "utf8")).toBe(current);
    expect(readdirSync(directory)).toHaveLength(isRotated ? 2 : 1);
  });

  it("is refused when others can read it or it is a link", async () => {
    const path = join(tempDir("log"), "brokerd.log");
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    expect(await brokerErrorOf(() => openLogFile({ clock, path }))).toMatchObject({
      code: "FileRefused",
      hint: `chmod 600 ${path}`,
    });

    const link = join(tempDir("log"), "brokerd.log");
    symlinkSync(path, link);
    expect((await brokerErrorOf(() => openLogFile({ clock, path: link }))).code).toBe("FileRefused");
  });

  it("loses lines while it cannot be written, and goes on afterwards", async () => {
    const directory = tempDir("log");
    const path = join(directory, "brokerd.log");
    const log = await openLogFile({ clock, path });
    mkdirSync(path); // it cannot be written to now
    log.write(line(1));
    await log.close();

    rmdirSync(path);
    log.write(line(2));
    await log.close();

    expect(readFileSync(path, "utf8")).toBe(line(2));
  });

  it("can be closed before anything was written, and twice", async () => {
    const log = await openLogFile({ clock, path: join(tempDir("log"), "brokerd.log") });
    await log.close();
    log.write(line(1));
    await log.close();
    await log.close();
  });
});
