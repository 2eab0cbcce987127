import { constants, type Stats } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { shellQuote } from "../core/shell-quote.js";

/** A program that may be run, or why it may not and the fix. */
export type FoundProgram = { readonly path: string } | { readonly problem: string; readonly hint: string };

export interface ProgramSearch {
  /** By absolute path, or by name. */
  readonly program: string;
  /** `PATH`; its relative parts are passed over. */
  readonly searchPath: string;
  /** Who may own it beside root. */
  readonly uid: number;
}

const WRITABLE_BY_GROUP_AND_OTHERS = 0o022;
const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Finds the program that a command names and makes sure that only its user and root decide what it does
 * (threat model T8): neither the file nor the directories it is found in may be changed by others.
 */
export async function findProgram(search: ProgramSearch): Promise<FoundProgram> {
  const { program, uid } = search;
  for (const path of candidates(search)) {
    const found = await statIfThere(path);
    if (!found?.isFile()) continue;
    if (!(await isExecutable(path))) {
      return { problem: `${path} is not executable`, hint: `chmod u+x ${shellQuote(path)}` };
    }
    return (await refuse(path, found, uid)) ?? { path };
  }
  if (isAbsolute(program)) return { problem: `there is no program ${program}`, hint: `ls -l ${shellQuote(program)}` };
  return {
    problem: `there is no program ${program} in the daemon's PATH`,
    hint: "name it by its absolute path: brokerctl config edit",
  };
}

function candidates({ program, searchPath }: ProgramSearch): string[] {
  if (program.includes("/")) return isAbsolute(program) ? [program] : [];
  return searchPath
    .split(delimiter)
    .filter(isAbsolute)
    .map((directory) => join(directory, program));
}

async function refuse(path: string, file: Stats, uid: number): Promise<FoundProgram | undefined> {
  if (file.uid !== uid && file.uid !== ROOT) {
    return { problem: `${path} belongs to another user (uid ${file.uid})`, hint: `ls -lL ${shellQuote(path)}` };
  }
  if ((file.mode & WRITABLE_BY_GROUP_AND_OTHERS) !== 0) {
    return { problem: `${path} can be changed by other users`, hint: `chmod go-w ${shellQuote(path)}` };
  }
  const directories = new Set([dirname(path), dirname(await realpath(path))]);
  for (const directory of directories) {
    const { mode, uid: owner } = await stat(directory);
    // sticky (/tmp): only the owner of a file can replace it
    const isOpen = (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0;
    if (isOpen || (owner !== uid && owner !== ROOT)) {
      return {
        problem: `${directory}, where ${path} is, can be changed by other users`,
        hint: `ls -ld ${shellQuote(directory)}`,
      };
    }
  }
  return undefined;
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
