import { lstat, readlink } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { isWithin } from "./plan.js";

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * Where a path leads, without links; undefined: nowhere, or out of `writable` by a link that lies there, which what was confined before
 * may have made. `~/.gitconfig` may lead into a directory of dotfiles that is the working directory, and a link from there to a key
 * would show the key. So each part of the way is looked at, those of links too.
 */
export async function targetOf(path: string, writable: readonly string[]): Promise<string | undefined> {
  const isOpen = (place: string): boolean => writable.some((each) => isWithin(place, each));
  let at = "/";
  let isByOpen = false;
  let parts = partsOf(path);
  for (let links = 0; links <= MAX_LINKS; ) {
    const [name, ...rest] = parts;
    if (name === undefined) return (await isThere(at)) && (!isByOpen || isOpen(at)) ? at : undefined;
    parts = rest;
    const next = name === ".." ? dirname(at) : join(at, name);
    isByOpen ||= isOpen(next);
    const link = await readlink(next).catch(() => undefined);
    if (link === undefined) {
      at = next;
      continue;
    }
    links++;
    if (isAbsolute(link)) at = "/";
    parts = [...partsOf(link), ...rest];
  }
  return undefined;
}

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
