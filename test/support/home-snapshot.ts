import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below a directory: path → type, mode and content; two equal ones are equal homes. */
export function homeSnapshot(root: string): Readonly<Record<string, string>> {
  return Object.fromEntries(entriesBelow(root, ""));
}

function* entriesBelow(root: string, relative: string): Generator<readonly [string, string]> {
  for (const name of readdirSync(join(root, relative)).sort()) {
    const path = join(relative, name);
    yield [path, describe(join(root, path))];
    if (lstatSync(join(root, path)).isDirectory()) yield* entriesBelow(root, path);
  }
}

function describe(path: string): string {
  const found = lstatSync(path);
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isDirectory()) return `directory ${mode}`;
  if (found.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (!found.isFile()) return `special ${mode}`;
  return `file ${mode} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}
