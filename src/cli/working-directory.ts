import { isAbsolute, resolve } from "node:path";
import type { CliContext } from "./context.js";

/** A path as typed, absolute. Only one that is relative needs the current directory, which may have been removed. */
export function absolutePath(path: string, { cwd }: Pick<CliContext, "cwd">): string {
  return isAbsolute(path) ? path : resolve(cwd(), path);
}

/** For a program that runs in our place; undefined: it inherits a directory that has been removed, as from a shell. */
export function directoryForChild({ cwd }: Pick<CliContext, "cwd">): string | undefined {
  try {
    return cwd();
  } catch {
    return undefined;
  }
}
