import { mkdir, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { NodeFileSystem, replaceFile } from "../../files/atomic-file.js";
import { readIfThere } from "./read-if-there.js";
import type { SupervisorOwnership } from "./supervisor.js";

const UNIT_MODE = 0o644;

/** Who wrote a unit: the home that stands in its section `[X-Credbroker]`; undefined: not we. */
export interface UnitHome {
  readonly configFile: string;
  readonly stateDir: string;
}

export function unitHome(text: string): UnitHome | undefined {
  const configFile = /^\[X-Credbroker\]\nConfigFile=(.+)$/m.exec(text)?.[1];
  const stateDir = /^StateDirectory=(.+)$/m.exec(text)?.[1];
  return configFile === undefined || stateDir === undefined ? undefined : { configFile, stateDir };
}

export function ownershipOf(texts: readonly (string | undefined)[], ours: UnitHome): SupervisorOwnership {
  const found = texts.filter((text) => text !== undefined).map(unitHome);
  const isOurs = (home: UnitHome | undefined): boolean =>
    home?.configFile === ours.configFile && home.stateDir === ours.stateDir;
  if (found.length === 0) return "absent";
  return found.every(isOurs) ? "ours" : "foreign";
}

/** A file as it should be; null: absent. */
export interface WantedFile {
  readonly path: string;
  readonly text: string | null;
  readonly mode?: number;
}

/** Brings files to what is wanted, all or none; resolves with those that were changed and a way back. */
export async function writeFiles(
  wanted: readonly WantedFile[],
): Promise<{ readonly changed: readonly string[]; readonly putBack: () => Promise<void> }> {
  const former: WantedFile[] = [];
  const putBack = async (): Promise<void> => {
    for (const file of former) await writeOne(file);
  };
  try {
    for (const file of wanted) {
      const text = (await readIfThere(file.path)) ?? null;
      if (text === file.text) continue;
      former.push({ ...file, text });
      await writeOne(file);
    }
  } catch (error) {
    await putBack();
    throw error;
  }
  return { changed: former.map(({ path }) => path), putBack };
}

async function writeOne({ path, text, mode = UNIT_MODE }: WantedFile): Promise<void> {
  if (text === null) {
    await rm(path, { force: true });
    await removeIfEmpty(dirname(path));
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(new NodeFileSystem(), { path, data: Buffer.from(text), mode });
}

/** Only a directory of drop-ins: the others are the user's. */
export async function removeIfEmpty(directory: string): Promise<void> {
  if (!directory.endsWith(".d") && !directory.endsWith(".wants")) return;
  await rmdir(directory).catch(() => undefined);
}
