import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { BrokerError } from "../core/errors.js";

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

/** By their paths: `/` and `/page.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** All files of the page, read once: no request names a path of the disk. Throws `InternalError` where they are not installed. */
export async function readPageFiles(directory: string): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(join(directory, name));
    files.set(name === "index.html" ? "/" : `/${name}`, { type, body });
  }
  if (files.has("/")) return files;
  throw new BrokerError("InternalError", `the page is not in ${directory}: credbroker is not installed whole`, {
    hint: "npm install --global credbroker",
  });
}
