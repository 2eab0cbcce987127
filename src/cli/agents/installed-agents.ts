import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fieldsOf, flag, listOf, nullable, required, text, versionedJson } from "../../core/json-fields.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import { StateFile } from "../../files/state-file.js";
import type { CliContext } from "../context.js";

/** What `agent install` did to a file, so that it can be undone to the byte. */
export interface InstalledAgent {
  readonly agent: string;
  readonly path: string;
  readonly inserted: string;
  /** What stood in its place. */
  readonly replaced: string;
  readonly madeFile: boolean;
  /** The first of the directories that were made for it; null: none was. */
  readonly madeDirectory: string | null;
}

const VERSION = 1;
const FIELDS = ["agent", "path", "inserted", "replaced", "madeFile", "madeDirectory"];

type Home = Pick<CliContext, "paths">;

/** What was installed from this home, in `agents.json` of the state directory. Texts of entries: nothing secret is in them. */
export async function readInstalled(home: Home): Promise<readonly InstalledAgent[]> {
  return (await fileIn(home).read(parseInstalled)) ?? [];
}

/** The last one gone, the file goes as well. */
export async function writeInstalled(installed: readonly InstalledAgent[], home: Home): Promise<void> {
  const file = fileIn(home);
  if (installed.length === 0) return rm(file.path, { force: true });
  await ensurePrivateDirectory(dirname(file.path));
  await file.write(`${JSON.stringify({ version: VERSION, installed }, null, 2)}\n`);
}

function fileIn({ paths }: Home): StateFile {
  const fs = new NodeFileSystem();
  return new StateFile({
    path: join(paths().stateDir, "agents.json"),
    writeAtomic: (path, data) => writeFileAtomic(fs, path, data),
    what: "installed agents",
  });
}

function parseInstalled(json: string): readonly InstalledAgent[] {
  const root = fieldsOf(versionedJson(json, VERSION), "the file", ["version", "installed"]);
  return listOf(root, "installed", (value, at) => {
    const fields = fieldsOf(value, at, FIELDS);
    return {
      agent: required(fields, "agent", text),
      path: required(fields, "path", text),
      inserted: required(fields, "inserted", text),
      replaced: required(fields, "replaced", anyText),
      madeFile: required(fields, "madeFile", flag),
      madeDirectory: required(fields, "madeDirectory", nullable(text)),
    };
  });
}

function anyText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
