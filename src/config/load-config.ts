import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from "../core/config-size.js";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { type FileFlaw, readCheckedFile } from "../files/private-file.js";
import type { Config } from "./config.js";

export interface ConfigFileOptions {
  /** Absolute. May be a symlink, and readable by all: dotfiles live in repositories. */
  readonly path: string;
  /** Who may own the file beside root; default: the user of this process. */
  readonly uid?: number;
}

/** @throws BrokerError `ConfigInvalid`: missing, not safe, or not valid; the hint fixes it */
export async function loadConfig(options: ConfigFileOptions & { user: string; host: string }): Promise<Config> {
  const { path, user, host } = options;
  const { parseConfig } = await import("./parse-config.js");
  return parseConfig({ text: await readConfigFile(options), path, user, host });
}

/**
 * The text of the config file. What it says decides who gets which credentials, so it must be out of the hands of
 * other users: a file that others can write, or that another user owns, is refused.
 * @throws BrokerError `ConfigInvalid`
 */
export async function readConfigFile({ path, uid = process.getuid?.() }: ConfigFileOptions): Promise<string> {
  const file = await readCheckedFile(path, { whose: "named", readableByOthers: true, uid, maxBytes: MAX_CONFIG_BYTES });
  if (file.outcome === "read") return decode(file.data, path);
  if (file.outcome === "missing") throw invalid(`config file ${path} does not exist`, "brokerctl init");
  if (file.outcome === "unreadable") throw explainOpen(file.cause, path);
  throw refusal(path, file.flaw, uid);
}

function refusal(path: string, { kind, what, hint }: FileFlaw, uid: number | undefined): BrokerError {
  const file = shellQuote(path);
  if (kind === "type") return invalid(`config file ${path} ${what}`, `ls -ld ${file}`);
  if (kind === "owner") return invalid(`config file ${path} ${what}`, `sudo chown ${uid} ${file}`);
  return invalid(`config file ${path} ${kind === "size" ? CONFIG_TOO_LARGE : what}`, hint);
}

function explainOpen(cause: unknown, path: string): BrokerError {
  const code = errnoOf(cause);
  const file = shellQuote(path);
  const known = new Map<string, [what: string, hint: string]>([
    ["ENOTDIR", ["does not exist", "brokerctl init"]],
    ["EACCES", ["cannot be read: permission denied", `chmod u+r ${file}`]],
    ["ELOOP", ["is a symbolic link that leads to itself", `rm ${file}`]],
  ]);
  const [what, hint] = known.get(code) ?? [`cannot be read: ${code}`, `ls -l ${file}`];
  return invalid(`config file ${path} ${what}`, hint, cause);
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    // the mark stays in the text: the parser names it
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid(`config file ${path} is not UTF-8 text`, `file ${shellQuote(path)}`, error);
  }
}

function invalid(message: string, hint: string, cause?: unknown): BrokerError {
  return new BrokerError("ConfigInvalid", message, { hint, cause });
}
