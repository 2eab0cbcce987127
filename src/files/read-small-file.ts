import { closeSync, constants, createReadStream, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import { shellQuote } from "../core/shell-quote.js";

/** A FIFO must not hold us until another process writes; a terminal must not become ours. */
export const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Of a user's text file: start files, AWS files, logs. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
const PIPE_BUFFER_BYTES = 64 * 1024;

/** What a file held, or why that cannot be known. */
export type SmallFile =
  | { readonly found: "text"; readonly text: Secret }
  | { readonly found: "nothing" }
  | { readonly found: "problem"; readonly problem: string };

/** Reads a regular file of at most `maxBytes`; never waits for a pipe's writer, never rejects. */
export type ReadSmallFile = (path: string, maxBytes: number) => Promise<SmallFile>;

export const readSmallFile: ReadSmallFile = async (path, maxBytes) => {
  try {
    const file = await open(path, READ_AT_ONCE);
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

/**
 * The text of a regular file; links are followed. Rejects with the system's own error (ENOENT, EACCES, …), or with
 * FileRefused for what is no regular file, or too large: a FIFO would be waited for, a device may have no end.
 */
export async function readRegularFile(path: string, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  const file = await open(path, READ_AT_ONCE);
  try {
    await refuseUnlessRegular(file, path, maxBytes);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function refuseUnlessRegular(file: FileHandle, path: string, maxBytes: number): Promise<void> {
  const stats = await file.stat();
  if (!stats.isFile()) throw fileRefused(path, "is not a regular file");
  if (stats.size <= maxBytes) return;
  throw fileRefused(path, `is too large: ${stats.size} bytes, at most ${maxBytes / 1024} KiB`);
}

function fileRefused(path: string, why: string): BrokerError {
  return new BrokerError("FileRefused", `${path} ${why}`, { hint: `ls -l ${shellQuote(path)}` });
}

/**
 * What a user named to be read once: a file, a device, or a pipe (`<(op read …)`), up to its end. A FIFO without a writer is
 * empty, not waited for. Throws the system's own error.
 */
export function readInputOf(path: string): Readable {
  const descriptor = openSync(path, READ_AT_ONCE);
  if (fstatSync(descriptor).isFIFO()) return readPipe(descriptor);
  closeSync(descriptor);
  return createReadStream(path); // a terminal's reads would fail at once
}

/** Its first bytes tell whether there is a writer: the poll of an event loop never would. */
function readPipe(descriptor: number): Readable {
  const first = firstBytes(descriptor);
  if (first?.length === 0) {
    closeSync(descriptor);
    return Readable.from([]);
  }
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  if (first) socket.unshift(first);
  return socket;
}

/** Empty: the pipe has no writer. undefined: it has one. */
function firstBytes(descriptor: number): Buffer | undefined {
  const buffer = Buffer.alloc(PIPE_BUFFER_BYTES);
  try {
    return buffer.subarray(0, readSync(descriptor, buffer));
  } catch (error) {
    if (hasErrno(error, "EAGAIN")) return undefined;
    throw error;
  }
}

/** Of a small file of ours, for who cannot wait; a FIFO in its place reads as empty. Throws the system's own error. */
export function readAtOnce(path: string): string {
  const descriptor = openSync(path, READ_AT_ONCE);
  try {
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
