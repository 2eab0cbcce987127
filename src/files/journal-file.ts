import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasErrno } from "../core/errno.js";
import { replaceFileUnsynced, writeFully } from "./atomic-file.js";
import { StateFile, unsaved } from "./state-file.js";

const ASIDE = ".broken-";
/** What breaks a file may break it at each start: the last few show it as well as a hundred. */
const MOST_ASIDES = 3;

/** The two ways to write one; tests count them, and let them fail. */
export interface JournalWrites {
  /** At the end of a file that is there: rejects with ENOENT where it is not. */
  append(path: string, text: string): Promise<void>;
  /** The whole file, at once for every reader. */
  replace(path: string, data: Uint8Array): Promise<void>;
}

/**
 * A file of ours that grows by lines, and is written without fsync: it survives every end of the process, and not that of the
 * machine. It is for what means nothing after that.
 */
export class JournalFile {
  readonly path: string;
  readonly #writes: JournalWrites;
  readonly #file: StateFile;
  readonly #what: string;
  /** What is there ends with a whole line. */
  #isWhole = false;

  constructor({ path, what, writes = NODE_WRITES }: { path: string; what: string; writes?: JournalWrites }) {
    this.path = path;
    this.#what = what;
    this.#writes = writes;
    this.#file = new StateFile({ path, what, writeAtomic: (at, data) => writes.replace(at, data) });
  }

  /** Of the lines that ended: the last may have been cut short. undefined: there is no file yet. Rejects as `StateFile` does. */
  async read<Content>(parse: (lines: readonly string[]) => Content): Promise<Content | undefined> {
    return this.#file.read((text) => {
      const lines = text.split("\n");
      this.#isWhole = lines.pop() === "";
      return parse(lines);
    });
  }

  /** False: lines cannot be added to what is there, `replace` has to write all of it. */
  async append(lines: readonly string[]): Promise<boolean> {
    if (!this.#isWhole) return false;
    // Until it has worked: part of a line may be there.
    this.#isWhole = false;
    try {
      await this.#writes.append(this.path, lines.map((line) => `${line}\n`).join(""));
    } catch (cause) {
      if (hasErrno(cause, "ENOENT")) return false;
      throw unsaved(this.#what, this.path, cause);
    }
    return (this.#isWhole = true);
  }

  async replace(lines: readonly string[]): Promise<void> {
    await this.#file.write(lines.map((line) => `${line}\n`).join(""));
    this.#isWhole = true;
  }

  /** What cannot be understood stays beside it, for a person to look at; of many the newest. Answers where. */
  async setAside(): Promise<string> {
    const aside = `${this.path}${ASIDE}${randomBytes(4).toString("hex")}`;
    await rename(this.path, aside);
    this.#isWhole = false;
    // Those that cannot be removed stay: the leases are what matters.
    await this.#dropOldAsides(aside).catch(() => undefined);
    return aside;
  }

  /** All but `newest` and a few, by when they were written last: a rename leaves that as it was. */
  async #dropOldAsides(newest: string): Promise<void> {
    const directory = dirname(this.path);
    const names = (await readdir(directory)).filter((name) => name.startsWith(`${basename(this.path)}${ASIDE}`));
    const asides = await Promise.all(
      names.map(async (name) => ({ path: join(directory, name), at: (await lstat(join(directory, name))).mtimeMs })),
    );
    const old = asides
      .filter(({ path }) => path !== newest)
      .sort((a, b) => b.at - a.at)
      .slice(MOST_ASIDES - 1);
    for (const { path } of old) await rm(path, { force: true });
  }
}

const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

export const NODE_WRITES: JournalWrites = {
  async append(path, text) {
    const handle = await open(path, APPEND);
    try {
      await writeFully(handle, Buffer.from(text));
    } finally {
      await handle.close();
    }
  },
  replace: replaceFileUnsynced,
};
