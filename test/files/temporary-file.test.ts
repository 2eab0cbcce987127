import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { sweepTemporaryFiles, TEMPORARY_FILE_PATTERN, temporaryPathFor } from "../../src/files/temporary-file.js";
import { tempDir } from "../support/temp-dir.js";

const temporaryOf = (pid: number): string => `.leases.json.${pid}-0123456789ab.credbroker-tmp`;

it("names temporary files beside their target, each anew", () => {
  const first = temporaryPathFor("/state/leases.json");
  const second = temporaryPathFor("/state/leases.json");

  expect(dirname(first)).toBe("/state");
  expect(TEMPORARY_FILE_PATTERN.exec(basename(first))?.[1]).toBe(String(process.pid));
  expect(first).not.toBe(second);
});

it("sweeps what dead processes and an earlier one with our pid left, and nothing else", async () => {
  const directory = tempDir("sweep");
  const dead = temporaryOf(spawnSync(process.execPath, ["-e", ""]).pid);
  const ours = temporaryOf(process.pid);
  const alive = temporaryOf(process.ppid);
  const others = ["leases.json", ".hidden", ".leases.json.1.tmp", ".leases.json.12-0123456789ab.credbroker-tmp.old"];
  for (const name of [dead, ours, alive, ...others]) writeFileSync(join(directory, name), "x");

  const swept = await sweepTemporaryFiles(directory);

  expect([...swept].sort()).toEqual([dead, ours].sort());
  expect(readdirSync(directory).sort()).toEqual([alive, ...others].sort());
});

it("sweeps beside another sweep", async () => {
  const directory = tempDir("sweep");
  for (let count = 0; count < 50; count++) writeFileSync(temporaryPathFor(join(directory, "leases.json")), "x");

  await Promise.all([1, 2, 3].map(() => sweepTemporaryFiles(directory)));

  expect(readdirSync(directory)).toEqual([]);
});

it("has nothing to sweep where there is no directory", async () => {
  expect(await sweepTemporaryFiles(join(tempDir("sweep"), "none"))).toEqual([]);
});

it("says when it cannot sweep", async () => {
  const directory = tempDir("sweep");
  const name = temporaryOf(process.pid);
  mkdirSync(join(directory, name)); // unlink refuses a directory

  await expect(sweepTemporaryFiles(directory)).rejects.toThrow(name);
});
