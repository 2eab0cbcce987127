import { HOOKED_SHELLS, hookFile } from "../../core/shell-files.js";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";
import { writeHook } from "./write-hook.js";

/**
 * Start files that read the hook's file never call `brokerctl hook` again: after an upgrade the first command in a shell
 * with the older hook writes the file anew, for the shells to come. `mark`: `SHELL:VERSION`, as the hook gives it. What
 * fails here fails silently: the command itself is done.
 */
export async function renewHook(mark: string, context: CliContext): Promise<void> {
  const shell = HOOKED_SHELLS.find((name) => mark.startsWith(`${name}:`));
  if (shell === undefined) return;
  try {
    const held = await readRegularFile(hookFile(context.paths().stateDir, shell)); // gone: uninstalled, or never there
    if (!held.includes(`=${shell}:${context.version} `) && !held.includes(` ${shell}:${context.version}\n`)) {
      await writeHook(shell, context);
    }
  } catch {
    // The older hook still works.
  }
}
