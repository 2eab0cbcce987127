import { type HookedShell, hookFile } from "../../core/shell-files.js";
import { steadyWord } from "../../core/shell-quote.js";
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
  const file = fileWord(shell, stateDir);
  return shell === "fish"
    ? `status is-interactive; and test -O ${file}; and source ${file}`
    : `if [ -O ${file} ]; then . ${file}; fi`;
}

/**
 * What `hook` prints for `eval`: it reads the file that was just written. The hook itself has comments, which would swallow
 * all of it below `eval $(…)` without quotes, where lines are joined.
 */
export function evalLine(shell: HookedShell, stateDir: string): string {
  return `${shell === "fish" ? "source" : "."} ${fileWord(shell, stateDir)};`;
}

function fileWord(shell: HookedShell, stateDir: string): string {
  const file = hookFile(stateDir, shell);
  return shell === "fish" ? quotedFor(shell, file) : steadyWord(file);
}
