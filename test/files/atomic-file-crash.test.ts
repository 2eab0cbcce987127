import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sweepTemporaryFiles } from "../../src/files/temporary-file.js";
import { seededRandom } from "../support/random.js";
import { tempDir } from "../support/temp-dir.js";

const WRITES = 200;
const KILLS = 20;
const writer = join(import.meta.dirname, "atomic-writer.child.ts");

it("loses no acknowledged write to kill -9 at seeded random points of 200 writes", { timeout: 120_000 }, async () => {
  const directory = tempDir("crash");
  const path = join(directory, "state.json");
  const random = seededRandom(20_261_121);
  const killAfter = Array.from({ length: KILLS }, () => 1 + Math.floor(random() * WRITES)).sort((a, b) => a - b);

  let written = 0;
  for (const version of [...killAfter, Number.POSITIVE_INFINITY]) {
    if (written >= WRITES) break;
    const run = { path, first: written + 1, killAfter: Math.max(version, written + 1), delayMs: random() * 6 };
    const acknowledged = (await writeUntilKilled(run)) ?? written;

    const found = readVersion(path);
    expect(found).toBeGreaterThanOrEqual(acknowledged);
    expect(found).toBeLessThanOrEqual(acknowledged + 1);
    written = found;
  }

  expect(written).toBe(WRITES);
  await sweepTemporaryFiles(directory);
  expect(readdirSync(directory)).toEqual(["state.json"]);
});

interface Run {
  readonly path: string;
  readonly first: number;
  /** Killed so long after it has acknowledged this version: in the middle of one of the next. */
  readonly killAfter: number;
  readonly delayMs: number;
}

/** Resolves with the last acknowledged version, when the writer has gone. */
function writeUntilKilled({ path, first, killAfter, delayMs }: Run): Promise<number | undefined> {
  const child = spawn(process.execPath, ["--import", "tsx", writer, path, String(first), String(WRITES)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let doomed = false;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (doomed || (lastLine(output) ?? 0) < killAfter) return;
    doomed = true;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
  });
  return new Promise((resolve) => child.once("close", () => resolve(lastLine(output))));
}

function lastLine(output: string): number | undefined {
  const lines = output.split("\n").slice(0, -1);
  return lines.length === 0 ? undefined : Number(lines.at(-1));
}

/** The version of a whole file; anything between two versions fails here. */
function readVersion(path: string): number {
  const content = JSON.parse(readFileSync(path, "utf8")) as { version: number; filler: string; end: number };
  expect(content.end).toBe(content.version);
  expect(content.filler.replaceAll(String(content.version).padStart(6, "0"), "")).toBe("");
  return content.version;
}
