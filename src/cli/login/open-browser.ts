import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Environment } from "../context.js";

/** Shows the URL with the first command that starts; false: none does. It lives on without us. */
export async function openBrowser(
  browsers: readonly (readonly string[])[],
  url: string,
  env: Environment,
): Promise<boolean> {
  for (const argv of browsers) if (await starts(withUrl(argv, url), env)) return true;
  return false;
}

/** Whether a program of this name is on PATH. */
export function isOnPath(name: string, env: Environment): boolean {
  return (env["PATH"] ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function withUrl(argv: readonly string[], url: string): readonly string[] {
  return argv.some((word) => word.includes("%s")) ? argv.map((word) => word.replaceAll("%s", url)) : [...argv, url];
}

/** Without a shell, and without our terminal: what a browser prints is nobody's business here. */
function starts([program = "", ...args]: readonly string[], env: Environment): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", detached: true, env });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
