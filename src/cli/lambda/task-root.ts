import { statSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { CliContext } from "../context.js";
import { absolutePath } from "../working-directory.js";

/** The absolute directory of the function's code: `--task-root`, else the current one. */
export function taskRoot(given: string | undefined, context: CliContext): string {
  const path = absolutePath(given ?? ".", context);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new BrokerError("UsageInvalid", `--task-root is no directory: ${path}`, { hint: `ls -ld ${shellQuote(path)}` });
}
