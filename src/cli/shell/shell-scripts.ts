import { readFile } from "node:fs/promises";
import { type HookedShell, shellDirectory } from "../../core/shell-files.js";
import type { BrokerPaths } from "../../system/paths.js";
import { SHADOWING_VARIABLES } from "../access/variables.js";

/** The scripts are files of their own beside this one: read, checked and run as what they are. */
const HOOK_PARTS: Readonly<Record<HookedShell, readonly string[]>> = {
  bash: ["head.bash", "hook.sh", "completion.bash", "hook.bash"],
  zsh: ["head.zsh", "hook.sh", "completion.zsh", "hook.zsh"],
  fish: ["hook.fish", "completion.fish"],
};

export interface HookScript {
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
