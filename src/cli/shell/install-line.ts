import { type HookedShell, hookFile } from "../../core/shell-files.js";
import { quotedFor } from "./shell-scripts.js";

export const START_FILES: Readonly<Record<HookedShell, string>> = {
  bash: "~/.bashrc",
  zsh: "~/.zshrc",
  fish: "~/.config/fish/config.fish",
};

/** One line for the start file: nothing happens where the file is gone. fish reads its start file for scripts too. */
export function installLine(shell: HookedShell, stateDir: string): string {
  const file = quotedFor(shell, hookFile(stateDir, shell));
  return shell === "fish"
    ? `status is-interactive; and test -r ${file}; and source ${file}`
    : `if [ -r ${file} ]; then . ${file}; fi`;
}
