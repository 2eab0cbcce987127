import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { createStream, type RotatingFileStream } from "rotating-file-stream";
import { ensurePrivateFile } from "../files/private-directory.js";
import type { Clock } from "./clock.js";
import type { LogDestination } from "./pino-logger.js";

const FILE_BYTES = 2 * 1024 * 1024;
/** `brokerd.log` and `.1` to `.14`: two weeks of days, 30 MB at most. */
const FILES = 15;
/** A disk that does not answer must not fill the memory: lines beyond this are dropped. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export interface LogFileOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "now">;
  readonly fileBytes?: number;
  readonly files?: number;
}

export interface LogFile extends LogDestination {
  /** The next line begins a new file; one without lines stays. Rejects where the files cannot be renamed: it goes on in the old one. */
  rotate(): Promise<void>;
  /** Resolves when all that was written is in the file; a process that exits before loses its last lines. */
  close(): Promise<void>;
}

/**
 * The rotated 0600 log of a daemon without a terminal; its directory exists and is private. A log that cannot be
 * written (disk full) loses lines, never the daemon: the file is opened again with the next line. What an earlier process
 * wrote on an earlier day is rotated first.
 */
export async function openLogFile(options: LogFileOptions): Promise<LogFile> {
  const isThere = await ensurePrivateFile(options.path);
  const log = new RotatedLogFile(options);
  if (isThere && (await isOfEarlierDay(options))) await log.rotate().catch(() => undefined);
  return log;
}

class RotatedLogFile implements LogFile {
  readonly #options: LogFileOptions;
  #stream: RotatingFileStream | undefined;
  #rotating: Promise<void> | undefined;
  /** Lines that came while the files were renamed. */
  readonly #held: string[] = [];
  #heldBytes = 0;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  write(line: string): void {
    if (this.#rotating) return this.#hold(line);
    this.#stream ??= this.#open();
    if (this.#stream.writableLength < MAX_BUFFERED_BYTES) this.#stream.write(line);
  }

  rotate(): Promise<void> {
    this.#rotating ??= this.#rotate().finally(() => {
      this.#rotating = undefined;
      this.#heldBytes = 0;
      for (const line of this.#held.splice(0)) this.write(line);
    });
    return this.#rotating;
  }

  async close(): Promise<void> {
    await this.#rotating?.catch(() => undefined);
    await closeStream(this.#stream);
  }

  #hold(line: string): void {
    if (this.#heldBytes >= MAX_BUFFERED_BYTES) return;
    this.#heldBytes += line.length;
    this.#held.push(line);
  }

  /** The package rotates by itself only: a file over its limit when it is opened, so it is opened with the least one. */
  async #rotate(): Promise<void> {
    await closeStream(this.#stream);
    this.#stream = undefined;
    const rotating = this.#create(1);
    await new Promise<void>((resolve, reject) => {
      rotating.once("open", () => resolve());
      rotating.once("error", reject);
    });
    await closeStream(rotating);
  }

  #open(): RotatingFileStream {
    const opened = this.#create(this.#options.fileBytes ?? FILE_BYTES);
    opened.on("error", () => {
      if (this.#stream === opened) this.#stream = undefined;
    });
    return opened;
  }

  #create(fileBytes: number): RotatingFileStream {
    const { path, files = FILES } = this.#options;
    return createStream(basename(path), {
      path: dirname(path),
      mode: 0o600,
      size: `${fileBytes}B`,
      rotate: files - 1,
    });
  }
}

async function isOfEarlierDay({ path, clock }: LogFileOptions): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  return mtimeMs < new Date(clock.now()).setHours(0, 0, 0, 0);
}

function closeStream(stream: RotatingFileStream | undefined): Promise<void> {
  if (!stream || stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once("close", resolve);
    stream.end();
  });
}
