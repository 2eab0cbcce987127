import { constants } from "node:fs";
import { chmod, type FileHandle, open, readdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type AuditFacts,
  auditFacts,
  auditLinesOf,
  type GapCode,
  gapFacts,
  hashAuditLine,
  NO_LINE_BEFORE,
  parseAuditLine,
  renderAuditLine,
} from "../core/audit-line.js";
import { hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { writeFully } from "../files/atomic-file.js";
import { numberedFiles, shiftNumberedFiles } from "../files/numbered-files.js";
import { readCheckedFile } from "../files/private-file.js";
import type { Clock } from "../system/clock.js";

export interface ChainLimits {
  /** A file that has grown to this is rotated before the next write. */
  readonly fileBytes: number;
  /** With the one that is written to. */
  readonly files: number;
}

export interface ChainFileOptions {
  /** `…/audit.jsonl` */
  readonly path: string;
  readonly limits: ChainLimits;
  readonly clock: Clock;
}

/** The last line of a chain; `n` 0: there is none yet. */
export interface ChainHead {
  readonly n: number;
  readonly hash: string;
}

/** Of a file that was set aside: it stays for the user to look at. */
const SET_ASIDE_MARK = ".broken-";

const NO_HEAD: ChainHead = { n: 0, hash: NO_LINE_BEFORE };
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Far more than rotation leaves: what is larger was written by another program. */
const MAX_READ_BYTES = 64 * 1024 * 1024;
const LINE_BREAK = 0x0a;

/** The file as our last write left it. */
interface Known {
  readonly inode: number;
  readonly bytes: number;
}

/**
 * Lines in a chain, each naming the hash of the one before, over all rotated files. What breaks it (another program wrote,
 * a write was cut) never stops the log: it is told in a line of its own, where `audit verify` finds it.
 */
export class ChainFile {
  readonly #options: ChainFileOptions;
  #head: ChainHead | undefined;
  /** undefined: there is no file, or it is to begin anew. */
  #known: Known | undefined;
  /** What the next write tells before anything else. */
  #gaps: readonly AuditFacts[] = [];

  constructor(options: ChainFileOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** What was written last and is durable; undefined: the file was not read yet. */
  get head(): ChainHead | undefined {
    return this.#head;
  }

  /** Reads where the chain ends. What is no file of ours is set aside. */
  async load(): Promise<ChainHead> {
    return (this.#head ??= await this.#readHead());
  }

  /** Resolves with the lines as they were written, once they are durable; rejects with nothing of them written. One call at a time. */
  async append(lines: readonly AuditFacts[]): Promise<readonly string[]> {
    const head = await this.load();
    const { path, limits } = this.#options;
    if (this.#known && this.#known.bytes >= limits.fileBytes) {
      await shiftNumberedFiles(path, limits.files);
      this.#known = undefined;
    }
    const handle = await this.#open();
    try {
      return await this.#write(handle, head, lines);
    } finally {
      await handle.close();
    }
  }

  async #open(): Promise<FileHandle> {
    const { path } = this.#options;
    try {
      const handle = await open(path, APPEND, 0o600);
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
    } catch (error) {
      if (!hasErrno(error, "ELOOP", "EISDIR", "ENXIO")) throw error;
    }
    await this.#setAside("is not a regular file");
    throw new BrokerError("FileRefused", `${path} was not a regular file, and was set aside`);
  }

  async #write(handle: FileHandle, head: ChainHead, lines: readonly AuditFacts[]): Promise<readonly string[]> {
    const { ino: inode, size: bytes } = await handle.stat();
    const isKnown = this.#known ? this.#known.inode === inode && this.#known.bytes === bytes : bytes === 0;
    if (!isKnown) this.#tellLater("FileChanged", "another program changed, moved or removed the file");
    const needsBreak = bytes > 0 && !(await endsWithBreak(handle, bytes));
    const all = [...(isKnown && bytes === 0 && head.n > 0 ? [await this.#rotated(head)] : []), ...this.#gaps, ...lines];
    const next = chained(head, all);
    const data = Buffer.from((needsBreak ? "\n" : "") + next.lines.map((line) => `${line}\n`).join(""));
    try {
      await handle.chmod(0o600);
      await writeFully(handle, data);
      await handle.datasync();
    } catch (error) {
      // A part of a line would look like one that was cut. Where this fails too, the next write finds the file changed.
      await handle.truncate(bytes).catch(() => undefined);
      throw error;
    }
    this.#known = { inode, bytes: bytes + data.length };
    this.#head = next.head;
    this.#gaps = [];
    return next.lines;
  }

  async #readHead(): Promise<ChainHead> {
    const { path } = this.#options;
    for (const file of (await numberedFiles(path)).toReversed()) {
      const data = await this.#read(file);
      if (data === undefined) continue;
      const { head, isCut } = endOf(data);
      if (file === path) {
        this.#known = { inode: (await stat(path)).ino, bytes: data.length };
        if (isCut)
          this.#tellLater("NotWhole", "the line before was not written to its end: brokerd was killed, or it was cut");
      }
      if (head) return head;
    }
    return NO_HEAD;
  }

  /** undefined: it is not there any more, or no file of ours. */
  async #read(file: string): Promise<Buffer | undefined> {
    const read = await readCheckedFile(file, { maxBytes: MAX_READ_BYTES });
    switch (read.outcome) {
      case "read":
        return read.data;
      case "missing":
        return undefined;
      case "unreadable":
        throw read.cause;
      case "refused":
        // It holds no secret: a chmod by the user is undone, and the chain tells whether it was written to meanwhile.
        if (read.flaw.kind === "mode") return await chmod(file, 0o600), this.#read(file);
        if (file === this.#options.path) await this.#setAside(read.flaw.what);
        return undefined;
    }
  }

  async #setAside(why: string): Promise<void> {
    const { path, clock } = this.#options;
    const time = new Date(clock.now()).toISOString().replace(/[^0-9TZ]/g, "");
    await rename(path, path + SET_ASIDE_MARK + time);
    this.#known = undefined;
    this.#tellLater("SetAside", `what lay there ${why}, and was set aside`);
  }

  #tellLater(code: GapCode, detail: string): void {
    this.#gaps = [...this.#gaps, gapFacts({ code, detail, now: this.#options.clock.now() })];
  }

  /** The first line of every file but the very first: from which number on the log goes. */
  async #rotated(head: ChainHead): Promise<AuditFacts> {
    const [oldest] = await numberedFiles(this.#options.path);
    const data = oldest === undefined ? undefined : await this.#read(oldest);
    const first = data && auditLinesOf(data).lines.map((line) => parseAuditLine(line.toString())?.n)[0];
    const now = this.#options.clock.now();
    return auditFacts({ event: "rotated", now, first: first ?? head.n + 1 });
  }
}

interface Chained {
  /** Without their breaks. */
  readonly lines: readonly string[];
  readonly head: ChainHead;
}

/** Of the facts, in their order: the lines and the chain's new end. */
function chained(head: ChainHead, all: readonly AuditFacts[]): Chained {
  let end = head;
  const lines: string[] = [];
  for (const facts of all) {
    const n = end.n + 1;
    const line = renderAuditLine({ n, facts, prev: end.hash });
    lines.push(line);
    end = { n, hash: hashAuditLine(line) };
  }
  return { lines, head: end };
}

/** The number of the last line that has one, and the hash of the last line, whatever it is. */
function endOf(data: Buffer): { readonly head: ChainHead | undefined; readonly isCut: boolean } {
  const { lines, isCut } = auditLinesOf(data);
  const last = lines.at(-1);
  if (last === undefined) return { head: undefined, isCut: false };
  const numbered = lines.findLast((line) => parseAuditLine(line.toString()) !== undefined);
  const n = (numbered && parseAuditLine(numbered.toString())?.n) ?? 0;
  return { head: { n, hash: hashAuditLine(last) }, isCut: isCut && numbered !== last };
}

async function endsWithBreak(handle: FileHandle, bytes: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, bytes - 1);
  return buffer[0] === LINE_BREAK;
}

/** What lay in the place of the log at `path` and was set aside. */
export async function filesSetAside(path: string): Promise<readonly string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((name) => name.startsWith(basename(path) + SET_ASIDE_MARK))
    .map((name) => join(dirname(path), name));
}
