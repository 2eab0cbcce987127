import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { Secret } from "../core/secret.js";
import { hasErrno, reasonOf } from "./system-error.js";

/** What a file held, or why that cannot be known. */
export type SmallFile =
  | { readonly found: "text"; readonly text: Secret }
  | { readonly found: "nothing" }
  | { readonly found: "problem"; readonly problem: string };

/** Reads a regular file of at most `maxBytes`; never waits for a pipe's writer, never rejects. */
export type ReadSmallFile = (path: string, maxBytes: number) => Promise<SmallFile>;

export const readSmallFile: ReadSmallFile = async (path, maxBytes) => {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return { found: "problem", problem: "is not a regular file" };
      const buffer = Buffer.alloc(maxBytes + 1);
      const { bytesRead } = await file.read({ buffer, position: 0 });
      const text = new Secret(buffer.toString("utf8", 0, bytesRead));
      buffer.fill(0);
      if (bytesRead > maxBytes) return { found: "problem", problem: `is larger than ${maxBytes} bytes` };
      return { found: "text", text };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return { found: "nothing" };
    return { found: "problem", problem: `cannot be read: ${reasonOf(error)}` };
  }
};
