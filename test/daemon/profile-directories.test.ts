import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Lease } from "../../src/core/lease.js";
import { sweepProfileDirectories } from "../../src/daemon/profile-directories.js";
import { tempDir } from "../support/temp-dir.js";

const lease = (id: string): Lease => ({ id }) as Lease;

describe("the keys that exec --as profile wrote", () => {
  it("go when their lease has ended, stay while it lives, and need no directory to be there", async () => {
    const runtimeDir = tempDir("run");
    await sweepProfileDirectories(runtimeDir, []);
    for (const id of ["one", "two"]) {
      mkdirSync(join(runtimeDir, "profiles", id), { recursive: true, mode: 0o700 });
      writeFileSync(join(runtimeDir, "profiles", id, "credentials"), "[default]\n", { mode: 0o600 });
    }
    await sweepProfileDirectories(runtimeDir, [lease("two")]);
    expect(readdirSync(join(runtimeDir, "profiles"))).toEqual(["two"]);
  });

  it("are looked for through no link", async () => {
    const runtimeDir = tempDir("run");
    const elsewhere = tempDir("elsewhere");
    writeFileSync(join(elsewhere, "mine"), "");
    symlinkSync(elsewhere, join(runtimeDir, "profiles"));
    await sweepProfileDirectories(runtimeDir, []);
    expect(existsSync(join(elsewhere, "mine"))).toBe(true);
  });

  it("are removed through no link", async () => {
    const runtimeDir = tempDir("run");
    const elsewhere = tempDir("elsewhere");
    writeFileSync(join(elsewhere, "mine"), "");
    mkdirSync(join(runtimeDir, "profiles"), { mode: 0o700 });
    symlinkSync(elsewhere, join(runtimeDir, "profiles", "gone"));
    await sweepProfileDirectories(runtimeDir, []);
    expect([existsSync(join(elsewhere, "mine")), readdirSync(join(runtimeDir, "profiles"))]).toEqual([true, []]);
  });
});
