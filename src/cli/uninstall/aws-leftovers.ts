import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isOwnProcess } from "../../core/own-process.js";
import { textOf } from "../aws-files/aws-files.js";
import { userAwsFiles } from "../aws-files/read-aws-files.js";
import { BACKUP_SUFFIX } from "../aws-files/take-out-keys.js";
import type { CliContext } from "../context.js";
import { blockToReplace } from "../profiles/plan-profiles.js";
import { findBlock, withoutBlock } from "../profiles/profile-block.js";
import { readProfilesFile, writeProfilesFile } from "../profiles/profiles-file.js";

/** What of us is in the user's AWS files. */
export interface AwsLeftovers {
  /** The block of `profiles sync`; `problem` says why it has to stay. */
  readonly block: { readonly where: string; readonly problem?: string } | undefined;
  /** `FILE:LINE` of profiles outside of it that ask brokerctl. */
  readonly lines: readonly string[];
  /** Copies that `import --replace` made before it took a key out of the file: the key is in them. */
  readonly backups: readonly string[];
}

/** Looks only; a file that cannot be read holds nothing of ours. */
export async function findAwsLeftovers(context: CliContext): Promise<AwsLeftovers> {
  const { config, credentials } = userAwsFiles(context);
  const [text, other] = [await textOf(config), await textOf(credentials)];
  const search = findBlock(text);
  const [first, last] = search.found === "block" ? search.block.lines : [0, 0];
  const isInBlock = (line: number): boolean => line >= first && line <= last;
  return {
    block: blockIn(config, search),
    lines: [
      ...linesAsking(text).flatMap((line) => (isInBlock(line) ? [] : [`${config}:${line}`])),
      ...linesAsking(other).map((line) => `${credentials}:${line}`),
    ],
    backups: [...(await backupsOf(config)), ...(await backupsOf(credentials))],
  };
}

/** Throws `Conflict` where it was edited meanwhile. */
export async function removeProfileBlock(context: CliContext): Promise<void> {
  const file = await readProfilesFile(context);
  const text = file.texts.config?.text ?? "";
  const block = blockToReplace(findBlock(text), file.path, false);
  if (block) await writeProfilesFile(file, withoutBlock(text, block), context);
}

function blockIn(path: string, search: ReturnType<typeof findBlock>): AwsLeftovers["block"] {
  if (search.found === "none") return undefined;
  if (search.found === "broken") return { where: path, problem: `it ${search.problem}` };
  const { lines, isChanged } = search.block;
  const where = `${path}:${lines.join("-")}`;
  return isChanged ? { where, problem: "changed by hand: brokerctl profiles remove --force" } : { where };
}

function linesAsking(text: string): readonly number[] {
  return text.split(/\r\n|\r|\n/).flatMap((line, index) => {
    const command = /^\s*credential_process\s*[=:](.*)$/.exec(line)?.[1];
    return command !== undefined && isOwnProcess(command) ? [index + 1] : [];
  });
}

async function backupsOf(path: string): Promise<readonly string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((name) => name.startsWith(basename(path) + BACKUP_SUFFIX))
    .map((name) => join(dirname(path), name));
}
