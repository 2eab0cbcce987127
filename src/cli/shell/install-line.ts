import { type HookedShell, hookFile } from "../../core/shell-files.js";
import { quotedFor } from "./shell-scripts.js";

export const START_FILES: Readonly<Record<HookedShell, string>> = {
  bash: "~/.bashrc",
  zsh: "~/.zshrc",
  fish: "~/.config/fish/config.fish",
};

/**
 * One line for the start file: nothing happens where the file is gone, or is not this user's (`su` and `sudo -s` keep HOME).
 * fish reads its start file for scripts too.
 */
export function installLine(shell: HookedShell, stateDir: string): string {
  const file = quotedFor(shell, hookFile(stateDir, shell));
  return shell === "fish"
    ? `status is-interactive; and test -O ${file}; and source ${file}`
    : `if [ -O ${file} ]; then . ${file}; fi`;
}
