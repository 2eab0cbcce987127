import { open } from "node:fs/promises";
import { join } from "node:path";
import type { FileText } from "../../core/aws-import.js";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { READ_AT_ONCE } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";
import { type AwsFiles, awsFiles } from "./aws-files.js";

/** The user's AWS files that exist, whole. */
export interface AwsFileTexts {
  readonly config?: FileText;
  readonly credentials?: FileText;
}

/** Thousands of profiles fit; what is larger is another file. */
const MAX_BYTES = 512 * 1024;

/**
 * Reads `~/.aws/config` and `credentials`, or what AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name. What others may
 * write is refused: a `credential_process` in it would be theirs.
 */
export async function readAwsFiles(context: CliContext): Promise<AwsFileTexts> {
  const paths = userAwsFiles(context);
  const [config, credentials] = await Promise.all([readText(paths.config), readText(paths.credentials)]);
  if (config === undefined && credentials === undefined) {
    throw new BrokerError("UsageInvalid", `there is neither ${paths.config} nor ${paths.credentials}`, {
      hint: "AWS_CONFIG_FILE=PATH AWS_SHARED_CREDENTIALS_FILE=PATH brokerctl import",
    });
  }
  return {
    ...(config !== undefined && { config: { path: paths.config, text: config } }),
    ...(credentials !== undefined && { credentials: { path: paths.credentials, text: credentials } }),
  };
}

/** The user's own, also in a shell that `env` has pointed at our copies. */
function userAwsFiles(context: CliContext): AwsFiles {
  const files = awsFiles(context);
  const ours = join(context.paths().stateDir, "aws/");
  return files.config.startsWith(ours) || files.credentials.startsWith(ours) ? usualAwsFiles(context) : files;
}

/** Where `profile` sources look: brokerd does not have this shell's variables. */
export function usualAwsFiles(context: CliContext): AwsFiles {
  return awsFiles({ ...context, env: { HOME: context.env["HOME"] } });
}

async function readText(path: string): Promise<string | undefined> {
  const { ensureOwnFile } = await import("../../files/private-directory.js");
  if (!(await exists(path))) return undefined;
  await ensureOwnFile(path);
  const bytes = await readLimited(path);
  const text = decode(bytes);
  if (text !== undefined) return text;
  throw new BrokerError("FileRefused", `${path} is not UTF-8 text`, { hint: `file ${shellQuote(path)}` });
}

async function exists(path: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw unreadable(path, error);
  }
}

async function readLimited(path: string): Promise<Uint8Array> {
  const file = await open(path, READ_AT_ONCE).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    // A device such as /dev/null is how a user says "none".
    const stats = await file.stat();
    if (stats.isFIFO() || stats.isSocket()) throw unreadable(path, new Error("it is a pipe"));
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length));
    }
    if (length <= MAX_BYTES) return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
  throw new BrokerError("FileRefused", `${path} is larger than ${MAX_BYTES / 1024} KiB`, {
    hint: `ls -l ${shellQuote(path)}`,
  });
}

/** To the byte what the file holds, a byte order mark included, so that an edit can be told from it; undefined: no text. */
function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function unreadable(path: string, error: unknown): BrokerError {
  return new BrokerError("FileRefused", `cannot read ${path}: ${reasonOf(error)}`, {
    hint: `ls -l ${shellQuote(path)}`,
    cause: error,
  });
}
