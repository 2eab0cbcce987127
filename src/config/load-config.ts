import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from "../core/config-size.js";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Config } from "./config.js";
import { parseConfig } from "./parse-config.js";

const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;

export interface ConfigFileOptions {
  /** Absolute. May be a symlink, and readable by everybody: dotfiles live in repositories. */
  readonly path: string;
  /** Who may own the file beside root; default: whoever runs this process. */
  readonly uid?: number;
}

/** @throws BrokerError `ConfigInvalid`: missing, not safe, or not valid; the hint mends it */
export async function loadConfig(options: ConfigFileOptions & { user: string; host: string }): Promise<Config> {
  const { path, user, host } = options;
  return parseConfig({ text: await readConfigFile(options), path, user, host });
}

/**
 * The text of the config file. What it says decides who gets which credentials, so it must be out of the hands of
 * other users: a file that others can write, or that somebody else owns, is refused (interface §1).
 * @throws BrokerError `ConfigInvalid`
 */
export async function readConfigFile({ path, uid = process.getuid?.() }: ConfigFileOptions): Promise<string> {
  const file = await openConfig(path);
  try {
    await checkFile(file, path, uid);
    return decode(await file.readFile(), path);
  } finally {
    await file.close();
  }
}

/** Opened once and checked by handle, so that what is checked is what is read; never waits for a pipe's writer. */
async function openConfig(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw explainOpen(error, path);
  }
}

function explainOpen(cause: unknown, path: string): BrokerError {
  const code = errnoOf(cause);
  const file = shellQuote(path);
  const known = new Map<string, [what: string, hint: string]>([
    ["ENOENT", ["does not exist", "brokerctl init"]],
    ["ENOTDIR", ["does not exist", "brokerctl init"]],
    ["EACCES", ["cannot be read: permission denied", `chmod u+r ${file}`]],
    ["ELOOP", ["is a symbolic link that leads to itself", `rm ${file}`]],
  ]);
  const [what, hint] = known.get(code) ?? [`cannot be read: ${code}`, `ls -l ${file}`];
  return invalid(`config file ${path} ${what}`, hint, cause);
}

async function checkFile(file: FileHandle, path: string, uid: number | undefined): Promise<void> {
  const stats = await file.stat();
  if (!stats.isFile()) throw invalid(`config file ${path} is not a regular file`, `ls -ld ${shellQuote(path)}`);
  if (uid !== undefined && stats.uid !== uid && stats.uid !== ROOT) {
    throw invalid(
      `config file ${path} is owned by another user (uid ${stats.uid})`,
      `sudo chown ${uid} ${shellQuote(path)}`,
    );
  }
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    throw invalid(`config file ${path} can be written by other users (mode ${mode})`, `chmod go-w ${shellQuote(path)}`);
  }
  if (stats.size > MAX_CONFIG_BYTES) {
    throw invalid(`config file ${path} ${CONFIG_TOO_LARGE}`, `ls -l ${shellQuote(path)}`);
  }
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
