import { lstat, mkdir, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { createFileIfAbsent, replaceFileIfUnchanged } from "../../files/replace-file.js";
import { neutralDirectory } from "../aws-files/copies-stamp.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import { type AwsFileTexts, readAwsFilesIfThere, userAwsFiles } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";
import { type FoundBlock, findBlock, type Made } from "./profile-block.js";

/** The user's `~/.aws/config`, or what AWS_CONFIG_FILE names, with the credentials file beside it. */
export interface ProfilesFile {
  readonly path: string;
  readonly texts: AwsFileTexts;
}

/** Throws `FileRefused` for what cannot be edited: a device, a link that leads nowhere, what others may write. */
export async function readProfilesFile(context: CliContext): Promise<ProfilesFile> {
  const path = userAwsFiles(context).config;
  const texts = await readAwsFilesIfThere(context);
  if (texts.config === undefined && (await isThere(path))) {
    const isLink = (await lstat(path)).isSymbolicLink();
    const message = isLink ? `${path} is a link that leads nowhere` : `${path} is not a file that can be written`;
    throw new BrokerError("FileRefused", message, {
      hint: isLink ? `touch ${shellQuote(path)}` : "unset AWS_CONFIG_FILE",
    });
  }
  return { path, texts };
}

/** What has to be made for the block to have a place. */
export async function missingPlaces({ path, texts }: ProfilesFile): Promise<readonly Made[]> {
  if (texts.config !== undefined) return [];
  return (await isThere(dirname(path))) ? ["file"] : ["directory", "file"];
}

/**
 * Through a symbolic link, mode kept; a new file is 0600. Where the block is gone and nothing is left, a file and a directory that were
 * made for it go with it. `Conflict`: the file is no longer what was read.
 */
export async function writeProfilesFile(
  { path, texts }: ProfilesFile,
  text: string,
  context: CliContext,
): Promise<void> {
  if (texts.config === undefined) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await createFileIfAbsent({ path, text });
  } else {
    await replaceFileIfUnchanged({ path, expected: texts.config.text, next: text });
    if (text === "") await removeIfMade(path, findBlock(texts.config.text));
  }
  await renewCopies(context);
}

async function removeIfMade(path: string, before: FoundBlock): Promise<void> {
  const made = before.found === "block" ? before.block.made : [];
  if (!made.includes("file") || (await lstat(path)).isSymbolicLink()) return;
  await rm(path);
  if (made.includes("directory")) await rmdir(dirname(path)).catch(() => undefined); // something else is in it
}

/** Shells that have our copies of the file see the profiles too: `env` and `exec` make them of what it was then. */
async function renewCopies(context: CliContext): Promise<void> {
  const { config, credentials } = userAwsFiles(context);
  if (!(await isThere(neutralDirectory(config, context)))) return;
  const env = { ...context.env, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
  await neutralAwsFiles({ ...context, env });
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
