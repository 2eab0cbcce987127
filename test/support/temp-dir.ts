import { mkdirSync, mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A fresh 0700 directory. They all lie under one root and stay there until the run's end, because the canary grep reads
 * everything that the suite wrote. `input` directories hold what a test plays the user with (a CSV with a key, a
 * passphrase file): the user's own clear text, which the grep leaves out.
 */
export function tempDir(name: string, kind: "home" | "input" = "home"): string {
  const root = join(runRoot(), kind);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return mkdtempSync(join(root, `${name}-`));
}

/** Where this run's directories lie: short, because socket paths must stay under 104 bytes. */
export function runRoot(): string {
  return process.env["CREDBROKER_TEST_ROOT"] ?? join(realpathSync(tmpdir()), "credbroker-tests");
}
