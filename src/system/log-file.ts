import { basename, dirname } from "node:path";
import { createStream, type RotatingFileStream } from "rotating-file-stream";
import { ensurePrivateFile } from "../files/private-directory.js";
import type { LogDestination } from "./pino-logger.js";

const FILE_BYTES = 5 * 1024 * 1024;
/** `brokerd.log` and `.1` to `.4`. */
const FILES = 5;
/** A disk that does not answer must not fill the memory: lines beyond this are dropped. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export interface LogFileOptions {
  readonly path: string;
  readonly fileBytes?: number;
  readonly files?: number;
}

export interface LogFile extends LogDestination {
  /** Resolves when all that was written is in the file; a process that exits before loses its last lines. */
  close(): Promise<void>;
}

/**
 * The rotated 0600 log of a daemon without a terminal; its directory exists and is private. A log that cannot be
 * written (disk full) loses lines, never the daemon: the file is opened again with the next line.
 */
export async function openLogFile({ path, fileBytes = FILE_BYTES, files = FILES }: LogFileOptions): Promise<LogFile> {
  await ensurePrivateFile(path);
  let stream: RotatingFileStream | undefined;
  const open = (): RotatingFileStream => {
    const opened = createStream(basename(path), {
      path: dirname(path),
      mode: 0o600,
      size: `${fileBytes}B`,
      rotate: files - 1,
    });
    opened.on("error", () => {
      if (stream === opened) stream = undefined;
    });
    return opened;
  };
  return {
    write: (line) => {
      stream ??= open();
      if (stream.writableLength < MAX_BUFFERED_BYTES) stream.write(line);
    },
    close: () => closeStream(stream),
  };
}

function closeStream(stream: RotatingFileStream | undefined): Promise<void> {
  if (!stream || stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once("close", resolve);
    stream.end();
  });
}
