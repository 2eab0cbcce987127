import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { devNull } from "node:os";
import { join } from "node:path";
import type { FileText } from "../../core/aws-import.js";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { READ_AT_ONCE } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";
import { AWS_FILE_VARIABLES, type AwsFiles, awsFiles } from "./aws-files.js";

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
  const texts = await readAwsFilesIfThere(context);
  if (texts.config !== undefined || texts.credentials !== undefined) return texts;
  const paths = userAwsFiles(context);
  throw new BrokerError("UsageInvalid", `there is neither ${paths.config} nor ${paths.credentials}`, {
    hint: "AWS_CONFIG_FILE=PATH AWS_SHARED_CREDENTIALS_FILE=PATH brokerctl import",
  });
}

/** The same, where it is no mistake that there is neither. */
export async function readAwsFilesIfThere(context: CliContext): Promise<AwsFileTexts> {
  const paths = userAwsFiles(context);
  const [config, credentials] = await Promise.all([
    readText(paths.config, () => whereNamed("config", context)),
    readText(paths.credentials, () => whereNamed("credentials", context)),
  ]);
  return {
    ...(config !== undefined && { config: { path: paths.config, text: config } }),
    ...(credentials !== undefined && { credentials: { path: paths.credentials, text: credentials } }),
  };
}

/** A file of the user's that another program reads, with the same checks; undefined: there is none. */
export function readOwnText(path: string): Promise<string | undefined> {
  return readText(path, () => undefined);
}

/** The user's own, also in a shell that `env` has pointed at our copies. */
export function userAwsFiles(context: CliContext): AwsFiles {
  const files = awsFiles(context);
  const ours = join(context.paths().stateDir, "aws/");
  return files.config.startsWith(ours) || files.credentials.startsWith(ours) ? usualAwsFiles(context) : files;
}

/** Where `profile` sources look: brokerd does not have this shell's variables. */
export function usualAwsFiles(context: CliContext): AwsFiles {
  return awsFiles({ ...context, env: { HOME: context.env["HOME"] } });
}

/** The variable by which this shell names the file; undefined: it is where AWS has it. */
function whereNamed(name: keyof AwsFiles, context: CliContext): string | undefined {
  const isNamed = userAwsFiles(context)[name] !== usualAwsFiles(context)[name];
  return isNamed ? AWS_FILE_VARIABLES[name] : undefined;
}

async function readText(path: string, variable: () => string | undefined): Promise<string | undefined> {
  const [{ ensureOwnFile }, { makeWayHint }] = await Promise.all([
    import("../../files/private-directory.js"),
    import("../../files/private-file.js"),
  ]);
  const found = await statOf(path);
  if (found === undefined || (await isNullDevice(found))) return undefined;
  if (!found.isFile()) {
    const named = variable();
    throw new BrokerError("FileRefused", `${path} is not a regular file`, {
      hint: named === undefined ? makeWayHint(path, found) : `unset ${named}`,
    });
  }
  await ensureOwnFile(path);
  const bytes = await readLimited(path);
  const text = decode(bytes);
  if (text !== undefined) return text;
  throw new BrokerError("FileRefused", `${path} is not UTF-8 text`, { hint: utf8Hint(path, bytes) });
}

/** Undefined: there is no such file. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw unreadable(path, error);
  }
}

/** How a user says that there is none. */
async function isNullDevice(found: Stats): Promise<boolean> {
  return found.isCharacterDevice() && found.rdev === (await stat(devNull)).rdev;
}

async function readLimited(path: string): Promise<Uint8Array> {
  const file = await open(path, READ_AT_ONCE).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    // It may have become another since it was looked at.
    if (!(await file.stat()).isFile()) throw unreadable(path, new Error("it is not a regular file"));
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

/** Windows' Notepad and PowerShell write UTF-16, which no AWS program reads either. */
function utf8Hint(path: string, bytes: Uint8Array): string {
  const file = shellQuote(path);
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (!isUtf16) return `file ${file}`;
  const converted = shellQuote(`${path}.utf8`);
  return `iconv -f UTF-16 -t UTF-8 ${file} > ${converted} && mv ${converted} ${file}`;
}

function unreadable(path: string, error: unknown): BrokerError {
  return new BrokerError("FileRefused", `cannot read ${path}: ${reasonOf(error)}`, {
    hint: `ls -l ${shellQuote(path)}`,
    cause: error,
  });
}
