import { ensurePrivateDirectory } from "../../files/private-directory.js";
import type { CliContext } from "../context.js";
import { type NeutralAwsFiles, stampOfCopies } from "./copies-stamp.js";

/**
 * Copies of `~/.aws` without what competes: the config with what is harmless and other profiles but no keys, the
 * credentials file empty, because no long-term key is ever copied. A shell that has them already keeps them.
 */
export async function neutralAwsFiles(context: CliContext): Promise<NeutralAwsFiles> {
  // Who could write there would choose the variables of every program that we start.
  await ensurePrivateDirectory(context.paths().stateDir);
  const stamped = stampOfCopies(context);
  if (stamped) return stamped;
  // Loaded here: what was copied before is copied anew only when something has changed.
  const { makeCopies } = await import("./make-copies.js");
  return makeCopies(context);
}
