import { basename, dirname } from "node:path";
import { readRegularFile } from "../../files/read-small-file.js";

const KEYS = "version|endpoint|secret_store|data_key_command|refresh|lambda|defaults|sources|roles";
const OURS = new RegExp(`^(?:${KEYS})$`);

/**
 * Whether a `config.yaml` is ours. In a directory of our name it is; CREDBROKER_HOME may name one where another program has a
 * file of that name: then all that stands at its left edge must be keys of ours.
 */
export async function isOwnConfig(path: string): Promise<boolean> {
  if (basename(dirname(path)) === "credbroker") return true;
  const text = await readRegularFile(path).catch(() => "");
  const keys = [...text.matchAll(/^(?![#\s}\])-])["']?([^\s"':]+)/gm)].map(([, key = ""]) => key);
  return keys.length > 0 && keys.every((key) => OURS.test(key));
}
