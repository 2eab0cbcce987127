import { readFile } from "node:fs/promises";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { HOOKED_SHELLS, type HookedShell, hookFile, shellDirectory } from "../../core/shell-files.js";
import { steadyWord } from "../../core/shell-quote.js";
import type { BrokerPaths } from "../../system/paths.js";
import { SHADOWING_VARIABLES } from "../access/variables.js";

/** The scripts are files of their own beside this one: read, checked and run as what they are. */
const HOOK_PARTS: Readonly<Record<HookedShell, readonly string[]>> = {
  bash: ["head.bash", "hook.sh", "completion.bash", "hook.bash"],
  zsh: ["head.zsh", "hook.sh", "completion.zsh", "hook.zsh"],
  fish: ["hook.fish", "completion.fish"],
};

interface HookScript {
  readonly shell: HookedShell;
  readonly paths: Pick<BrokerPaths, "stateDir" | "controlSocket">;
  readonly version: string;
  /** Lines that the shell evaluates before the rest: where `~/.aws` would win over the broker. */
  readonly preface?: string;
}

/** The hook without its first line; ends with a newline. */
export async function hookScript({ shell, paths, version, preface = "" }: HookScript): Promise<string> {
  const texts = await Promise.all(HOOK_PARTS[shell].map(partNamed));
  const values: Readonly<Record<string, string>> = {
    SHELL: shell,
    PREFACE: preface.trimEnd(),
    VERSION: version,
    DIR: quotedFor(shell, shellDirectory(paths.stateDir)),
    SOCKET: quotedFor(shell, paths.controlSocket),
    OPTIONS: shell === "zsh" ? "emulate -L zsh" : "",
    NAMES:
      shell === "fish"
        ? SHADOWING_VARIABLES.join(" ")
        : SHADOWING_VARIABLES.map((name) => `  [[ -z \${${name}-} ]] || names="$names ${name}"`).join("\n"),
    SHADOWING: SHADOWING_VARIABLES.map((name) => (shell === "fish" ? `$${name}` : `\${${name}-}`)).join(""),
  };
  const script = texts.join("").replace(/@([A-Z]+)@/g, (found, name: string) => values[name] ?? found);
  return script.replace(/^ +$/gm, "");
}

export async function completionScript(shell: HookedShell): Promise<string> {
  return partNamed(`completion.${shell}`);
}

/** One word that means itself. */
export function quotedFor(shell: HookedShell, text: string): string {
  return shell === "fish"
    ? `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
    : `'${text.replaceAll("'", `'\\''`)}'`;
}

function partNamed(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), "utf8");
}

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

export function shellNamed(typed: string | undefined): HookedShell {
  const found = HOOKED_SHELLS.find((shell) => shell === typed);
  if (found) return found;
  const near = nearestName(typed ?? "", HOOKED_SHELLS);
  throw new BrokerError("UsageInvalid", `SHELL must be one of ${HOOKED_SHELLS.join(", ")}, not '${typed ?? ""}'`, {
    hint: near === undefined ? "brokerctl hook --help" : `did you mean ${near}?`,
  });
}
