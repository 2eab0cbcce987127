import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { splitCommand } from "../../core/split-command.js";
import type { Environment } from "../context.js";

/** Words of a command that shows a URL: in the place of `%s`, else behind them. */
export type BrowserCommand = readonly string[];

export interface Desktop {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Whether a program of this name is on PATH. */
  readonly hasProgram: (name: string) => boolean;
}

/** Commands that open the user's own browser on this machine, best first. Over SSH, in WSL without wslview or without a display: none. */
export function ownBrowsers(desktop: Desktop): readonly BrowserCommand[] {
  const { env } = desktop;
  return isSet(env["SSH_CONNECTION"]) || isSet(env["SSH_TTY"])
    ? []
    : [...chosenBrowsers(env), ...platformBrowsers(desktop)];
}

/** Shows the URL with the first command that starts; false: none does. It lives on without us. */
export async function openUrl(browsers: readonly BrowserCommand[], url: string, env: Environment): Promise<boolean> {
  for (const command of browsers) if (await starts(withUrl(command, url), env)) return true;
  return false;
}

/** Whether a program of this name is on PATH. */
export function isOnPath(name: string, env: Environment): boolean {
  return (env["PATH"] ?? "").split(delimiter).some((directory) => isExecutable(join(directory, name)));
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** $BROWSER, as xdg-open and Python read it: command lines with a colon between them, `%s` for the URL. */
function chosenBrowsers(env: Environment): readonly BrowserCommand[] {
  return (env["BROWSER"] ?? "").split(":").flatMap((line) => {
    const split = splitCommand(line);
    return "argv" in split && split.argv.length > 0 ? [split.argv] : [];
  });
}

function platformBrowsers({ env, platform, hasProgram }: Desktop): readonly BrowserCommand[] {
  if (platform === "darwin") return [["open"]];
  if (isSet(env["WSL_DISTRO_NAME"]) || isSet(env["WSL_INTEROP"])) return hasProgram("wslview") ? [["wslview"]] : [];
  return isSet(env["DISPLAY"]) || isSet(env["WAYLAND_DISPLAY"]) ? [["xdg-open"]] : [];
}

function withUrl(command: BrowserCommand, url: string): BrowserCommand {
  return command.some((word) => word.includes("%s"))
    ? command.map((word) => word.replaceAll("%s", url))
    : [...command, url];
}

/** Without a shell, and without our terminal: what a browser prints does not belong here. */
function starts([program = "", ...args]: BrowserCommand, env: Environment): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", detached: true, env });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
