import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keyEdits } from "../../../src/cli/aws-files/key-edits.js";
import { BACKUP_SUFFIX, replaceKeyLines } from "../../../src/cli/aws-files/take-out-keys.js";
import type { CliContext } from "../../../src/cli/context.js";
import { type FileSystem, NodeFileSystem } from "../../../src/files/atomic-file.js";
import { canarySecretKey } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { tempDir } from "../../support/temp-dir.js";

const ID = "aws_access_key_id = AKIA0000000000000001\n";
const OLD = `[ops]\n${ID}aws_secret_access_key = ${canarySecretKey("Crash")}\nregion = x\n`;
const WORDS = ["/node", "/brokerctl.js"];
const COMMAND = { words: WORDS, process: WORDS, notes: [] };
const NEW = "[ops]\ncredential_process = /node /brokerctl.js credential-process ops\nregion = x\n";

/** Stops for good at one moment, as a machine does whose power went: before a step, after it, or behind some bytes of a file. */
class StoppingFileSystem implements FileSystem {
  readonly #node = new NodeFileSystem();
  readonly #stopAt: number;
  moments = 0;

  constructor(stopAt: number) {
    this.#stopAt = stopAt;
  }

  async createDurable(path: string, data: Uint8Array, mode: number): Promise<void> {
    this.#moment();
    for (let length = 0; length < data.length; length++) {
      if (this.moments === this.#stopAt) writeFileSync(path, data.subarray(0, length), { mode });
      this.#moment();
    }
    await this.#step(() => this.#node.createDurable(path, data, mode));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(() => this.#node.rename(from, to));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#step(() => this.#node.syncDirectory(path));
  }

  remove(path: string): Promise<void> {
    return this.#step(() => this.#node.remove(path));
  }

  async #step(effect: () => Promise<void>): Promise<void> {
    this.#moment();
    await effect();
    this.#moment();
  }

  #moment(): void {
    if (this.moments >= this.#stopAt) throw new Error("the power went");
    this.moments++;
  }
}

async function replaceUntil(stopAt: number): Promise<{ directory: string; moments: number; isDone: boolean }> {
  const directory = tempDir("crash", "input");
  const path = join(directory, "credentials");
  writeFileSync(path, OLD, { mode: 0o600 });
  const places = {
    config: [],
    credentials: [
      { start: 6, end: 6 + ID.length, source: "ops", role: "ops" },
      { start: 6 + ID.length, end: OLD.indexOf("region"), source: "ops" },
    ],
  };
  const edits = keyEdits({ credentials: { path, text: OLD } }, places, COMMAND);
  const output = { say: () => undefined, hint: () => undefined };
  const context = { output, clock: new FakeClock(), client: { call: async () => ({}) } } as unknown as CliContext;
  const fs = new StoppingFileSystem(stopAt);
  const isDone = await replaceKeyLines({ edits, roles: ["ops"], fs }, context).then(
    () => true,
    () => false,
  );
  return { directory, moments: fs.moments, isDone };
}

describe("keys that lines take the place of", () => {
  it("are in the file, or the line is and the file as it was beside it, wherever the machine stops", async () => {
    const { moments, isDone, directory } = await replaceUntil(Number.POSITIVE_INFINITY);
    expect(isDone).toBe(true);
    expect(readdirSync(directory)).toHaveLength(2);
    expect(moments).toBeGreaterThan(OLD.length + NEW.length);
    const seen = new Set<string>();
    for (let stopAt = 0; stopAt < moments; stopAt++) {
      const stopped = await replaceUntil(stopAt);
      expect(stopped.isDone).toBe(false);
      const text = readFileSync(join(stopped.directory, "credentials"), "utf8");
      seen.add(text);
      if (text === OLD) continue;
      expect(text, `stopped at ${stopAt}`).toBe(NEW);
      const copy = readdirSync(stopped.directory).find((name) => name.startsWith(`credentials${BACKUP_SUFFIX}`));
      expect(readFileSync(join(stopped.directory, copy ?? ""), "utf8")).toBe(OLD);
    }
    expect(seen).toEqual(new Set([OLD, NEW]));
  });
});
