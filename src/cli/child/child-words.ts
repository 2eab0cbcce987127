import { BrokerError } from "../../core/errors.js";
import type { Environment } from "../context.js";

/** A command to run: a program and its arguments. */
export interface ChildWords {
  readonly file: string;
  readonly args: readonly string[];
}

/** What stands after `--`; nothing there: the user's shell. `usage` is the hint for an empty word. */
export function childWords(rest: readonly string[], env: Environment, usage: string): ChildWords {
  const shell = env["SHELL"] === "" ? undefined : env["SHELL"];
  const [file = shell ?? "/bin/sh", ...args] = rest;
  if (file === "") throw new BrokerError("UsageInvalid", "the command after -- is empty", { hint: usage });
  return { file, args };
}
