import { statSync } from "node:fs";
import { resolve } from "node:path";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";

/** The absolute directory of the function's code: `--task-root`, else the current one. */
export function taskRoot(given: string | undefined, { cwd }: CliContext): string {
  const path = resolve(cwd, given ?? ".");
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new BrokerError("UsageInvalid", `--task-root is no directory: ${path}`, { hint: `ls -ld ${path}` });
}
