import { constants } from "node:fs";
import { access, chmod, copyFile, lstat, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { NodeFileSystem, replaceFile } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import { sweepTemporaryFiles, temporaryPathFor } from "../../files/temporary-file.js";
import { readIfThere } from "./read-if-there.js";
import { stablePath } from "./stable-path.js";
import type { SupervisorPlace } from "./supervisor.js";

/** A Node that the user may run and not read. */
export interface UnreadableNode {
  readonly path: string;
  /** root's also protects a process in a user namespace of its own; a user's own does not. */
  readonly ownedBy: "root" | "user";
}

/** Where root may put one, for every user of the machine. */
export const ROOT_COPY = "/usr/lib/credbroker/node";

/** To be run, and read by no program, its owner's included. */
const MODE = 0o111;
const READABLE = 0o444;
const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;

/** What a copy was made from; a Node that was upgraded in place differs in one of these. */
interface Origin {
  readonly path: string;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly version: string;
}

/**
 * The kernel keeps every program of the same user from reading the memory, environment and descriptors of a process whose
 * program file that user may run and not read (execve(2), "dumpable"). So brokerd is run by a copy of Node of mode 0111.
 */
export class NodeCopy {
  /** The user's own copy. */
  readonly path: string;
  readonly #place: SupervisorPlace;
  readonly #record: string;
  readonly #rootCopy: string;

  constructor(place: SupervisorPlace, rootCopy = ROOT_COPY) {
    this.#place = place;
    this.#rootCopy = rootCopy;
    const directory = join(place.paths.stateDir, "program");
    this.path = join(directory, "node");
    this.#record = join(directory, "node.json");
  }

  /** All that `make` writes. */
  get files(): readonly string[] {
    return [this.path, this.#record];
  }

  /** root's, if it is there, of our version, and in the hands of root alone. */
  async ofRoot(): Promise<UnreadableNode | undefined> {
    try {
      const [file, directory] = await Promise.all([lstat(this.#rootCopy), stat(dirname(this.#rootCopy))]);
      const isRootsAlone = [file, directory].every(
        ({ uid, mode }) => uid === ROOT && (mode & WRITABLE_BY_OTHERS) === 0,
      );
      if (!isRootsAlone || !file.isFile() || (file.mode & READABLE) !== 0) return undefined;
      const isSame = (await this.#versionOf(this.#rootCopy)) === (await this.#versionOf(this.#source));
      return isSame ? { path: this.#rootCopy, ownedBy: "root" } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Makes the user's own, unless it is there and as new as the Node that runs us. Gives why not, where it cannot be. */
  async make(): Promise<UnreadableNode | { readonly problem: string }> {
    if (this.#place.uid === ROOT) return { problem: "root may read every program" };
    const made: UnreadableNode = { path: this.path, ownedBy: "user" };
    const isOfSource = (await this.#origin())?.path === this.#source;
    if (isOfSource && (await this.whyOlder()) === undefined) return made;
    return (await this.#replace(this.#source)) ?? made;
  }

  /** Makes it anew if the Node of which it is a copy was changed; of ours, if that one is gone. */
  async renew(): Promise<void> {
    if ((await this.whyOlder()) === undefined) return;
    const origin = await this.#origin();
    await this.#replace(origin && (await isThere(origin.path)) ? origin.path : this.#source);
  }

  /** Another text for each copy that was made; undefined: there is none. */
  made(): Promise<string | undefined> {
    return readIfThere(this.#record).catch(() => undefined);
  }

  /** What about the copy is not as its Node is now; undefined: nothing. */
  async whyOlder(): Promise<string | undefined> {
    const origin = await this.#origin();
    if (origin === undefined || !(await isThere(this.path))) return "it is not there";
    const { path, ...then } = origin;
    const now = await stat(path).catch(() => undefined);
    if (now === undefined) return `${path}, of which it is a copy, is gone`;
    const isSame = now.ino === then.ino && now.size === then.size && now.mtimeMs === then.mtimeMs;
    if (isSame && (await this.#versionOf(path)) === then.version) return undefined;
    return `it is a copy of ${path} as it was before, ${then.version}`;
  }

  /** The copy and what was written beside it; gives what was there. */
  async remove(): Promise<readonly string[]> {
    const there: string[] = [];
    for (const path of this.files) if (await isThere(path)) there.push(path);
    await rm(dirname(this.path), { recursive: true, force: true });
    return there;
  }

  get #source(): string {
    return stablePath(this.#place.nodePath).path;
  }

  async #origin(): Promise<Origin | undefined> {
    return parseOrigin(await this.made());
  }

  async #replace(source: string): Promise<{ readonly problem: string } | undefined> {
    try {
      const directory = dirname(this.path);
      await ensurePrivateDirectory(directory);
      await sweepTemporaryFiles(directory);
      return await this.#copy(source);
    } catch (error) {
      return { problem: `it cannot be copied: ${reasonOf(error)}` };
    }
  }

  /** Tried before it takes the former's place: it may not run from there (noexec), or not find its libraries. */
  async #copy(source: string): Promise<{ readonly problem: string } | undefined> {
    const { ino, size, mtimeMs } = await stat(source);
    const temporary = temporaryPathFor(this.path);
    try {
      await copyFile(source, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      await sync(temporary);
      await chmod(temporary, MODE);
      const [version, copied] = [await this.#versionOf(source), await this.#versionOf(temporary)];
      if (version === undefined || copied !== version)
        return { problem: "a copy of Node does not run where it would lie" };
      await rename(temporary, this.path);
      const origin: Origin = { path: source, ino, size, mtimeMs, version };
      const data = Buffer.from(`${JSON.stringify(origin)}\n`);
      await replaceFile(new NodeFileSystem(), { path: this.#record, data, mode: 0o600 });
      return undefined;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #versionOf(program: string): Promise<string | undefined> {
    const { code, stdout } = await this.#place.run(program, ["--version"]);
    return code === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
  }
}

/** A power cut must not leave a name without its bytes. */
async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function parseOrigin(text: string | undefined): Origin | undefined {
  try {
    const { path, ino, size, mtimeMs, version } = JSON.parse(text ?? "") as Partial<Origin>;
    const isWhole = path !== undefined && ino !== undefined && size !== undefined && mtimeMs !== undefined;
    return isWhole && version !== undefined ? { path, ino, size, mtimeMs, version } : undefined;
  } catch {
    return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: unknown) => !hasErrno(error, "ENOENT", "ENOTDIR"),
  );
}
