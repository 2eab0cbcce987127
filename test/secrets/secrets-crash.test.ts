import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { canarySecretKey } from "../support/canaries.js";
import { seededRandom } from "../support/random.js";
import { testSecretStore } from "../support/test-secret-store.js";

const PUTS = 200;
const KILLS = 8;
const writer = join(import.meta.dirname, "secret-writer.child.ts");

it("every acknowledged secret survives kill -9 at seeded random points of 200 puts", { timeout: 120_000 }, async () => {
  const { access, stateDir } = testSecretStore();
  await access.create({});
  const random = seededRandom(20_261_121);
  const acknowledged = new Set<number>();

  for (let kill = 0; kill <= KILLS; kill++) {
    const first = Math.max(0, ...acknowledged) + 1;
    const killAfter = kill === KILLS ? Number.POSITIVE_INFINITY : first + Math.floor((random() * PUTS) / KILLS);
    const run = { stateDir, first, killAfter, delayMs: random() * 6 };
    for (const number of await putUntilKilled(run)) acknowledged.add(number);

    const restarted = testSecretStore({ stateDir });
    expect(await restarted.access.probe()).toMatchObject({
      state: "open",
      warnings: [expect.stringContaining("weak")],
    });
    for (const number of acknowledged) {
      const value = await restarted.secrets.get(`keys:${number}`);
      expect(value?.reveal(), `secret ${number}`).toBe(canarySecretKey(`crash${number}`));
    }
  }
  expect(Math.max(...acknowledged)).toBe(PUTS);
});

interface Run {
  readonly stateDir: string;
  readonly first: number;
  readonly killAfter: number;
  readonly delayMs: number;
}

/** Resolves with the numbers that were acknowledged, when the writer has gone. */
function putUntilKilled({ stateDir, first, killAfter, delayMs }: Run): Promise<readonly number[]> {
  const child = spawn(process.execPath, ["--import", "tsx", writer, stateDir, String(first), String(PUTS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let doomed = false;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (doomed || Math.max(...numbersIn(output)) < killAfter) return;
    doomed = true;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
  });
  return new Promise((resolve) => child.once("close", () => resolve(numbersIn(output))));
}

function numbersIn(output: string): readonly number[] {
  return output.split("\n").slice(0, -1).map(Number);
}
