import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { AuditFixture, findingsOf } from "../support/audit-fixture.js";
import { auditLines } from "../support/audit-lines.js";
import { seededRandom } from "../support/random.js";

const KILLS = 10;
const writer = join(import.meta.dirname, "audit-writer.child.ts");
const limits = { audit: { fileBytes: 20_000, files: 50 } };

it("every written line survives kill -9 at seeded random moments, in one chain that explains each cut", {
  timeout: 240_000,
}, async () => {
  const fixture = new AuditFixture();
  const random = seededRandom(20_261_129);
  const written: number[] = [];

  for (let kill = 0; kill < KILLS; kill++) {
    written.push(...(await writtenUntilKilled(fixture.stateDir, (written.at(-1) ?? 0) + 1, 20 + random() * 60)));
    await fixture.restart({ limits });
    const report = await fixture.log.verify();
    expect(findingsOf(report)).toEqual([]);
    expect(report.logs.audit.notes.length).toBeLessThanOrEqual(kill + 1);
  }

  const roles = new Set(auditLines(fixture.stateDir).map(({ role }) => role));
  expect(written.filter((number) => !roles.has(`role-${number}`))).toEqual([]);
  expect(written.length).toBeGreaterThan(KILLS * 5);
});

/** The numbers that the writer said before it was killed, after so many of them. */
function writtenUntilKilled(stateDir: string, first: number, lines: number): Promise<readonly number[]> {
  const child = spawn(process.execPath, ["--import", "tsx", writer, stateDir, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const numbers = (): readonly number[] => output.split("\n").slice(0, -1).map(Number);
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (numbers().length >= lines) child.kill("SIGKILL");
  });
  return new Promise((resolve) => child.once("close", () => resolve(numbers())));
}
