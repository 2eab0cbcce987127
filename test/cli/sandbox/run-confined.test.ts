import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CliContext } from "../../../src/cli/context.js";
import { runConfined } from "../../../src/cli/sandbox/run-confined.js";
import { tempDir } from "../../support/temp-dir.js";

/** Stands for bwrap: it runs before it tells which process is the first, and tells it when it is let. */
const SLOW_TO_TELL = `
trap 'echo "{ \\"exit-code\\": 130 }" >&3; exit 130' INT
echo > "$1"
while [ ! -e "$2" ]; do sleep 0.02; done
echo "{ \\"child-pid\\": $$ }" >&3
while :; do sleep 0.02; done`;

it("a confined command gets a signal that came before bwrap's first process was known", async () => {
  const directory = tempDir("confined");
  const [runs, mayTell] = [join(directory, "runs"), join(directory, "may-tell")];
  const args = ["-c", SLOW_TO_TELL, "bwrap", runs, mayTell];
  const confined = { file: "/bin/sh", args, filter: Buffer.alloc(0), env: { PATH: process.env["PATH"] ?? "" } };
  const context = { output: { progress: { end: () => undefined } } } as unknown as CliContext;

  const outcome = runConfined(confined, context);
  await expect.poll(() => existsSync(runs)).toBe(true);
  process.emit("SIGINT");
  writeFileSync(mayTell, "");

  expect(await outcome).toEqual({ signal: "SIGINT" });
});
