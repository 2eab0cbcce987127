import { randomBytes } from "node:crypto";
import { lstat, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { leaseSocketsDirectory } from "../core/lease-socket.js";
import { shellQuote } from "../core/shell-quote.js";
import { ensurePrivateDirectory, refuseSwappableHome } from "../files/private-directory.js";
import { checkSocketPath } from "../http/stale-socket.js";
import { namesIn } from "./names-in.js";

/** Where the sockets of leases are: in directories of ours, or where the user wants them. */
export class LeaseSocketPlace {
  readonly #runtimeDir: string;
  readonly #own: string;

  constructor(runtimeDir: string) {
    this.#runtimeDir = runtimeDir;
    this.#own = leaseSocketsDirectory(runtimeDir);
  }

  /** Of a lease that ends with a process, whose user names none. */
  newPath(): string {
    return join(this.#own, randomBytes(9).toString("base64url"), "lease.sock");
  }

  /**
   * Makes the directory where it is ours to make. Rejects with `UsageInvalid` for a path that no socket can have, and with
   * `FileRefused` where another user could put a socket of theirs in its place.
   */
  async prepare(path: string): Promise<void> {
    if (!isAbsolute(path) || normalize(path) !== path || path.endsWith("/")) throw notPlain(path);
    checkSocketPath(path);
    const directory = dirname(path);
    if (dirname(directory) === this.#own) {
      for (const each of [this.#runtimeDir, this.#own, directory]) await ensurePrivateDirectory(each);
      return;
    }
    await refuseMissing(directory);
    try {
      refuseSwappableHome(directory);
    } catch (cause) {
      throw new BrokerError("FileRefused", `${path} could be replaced: ${toBrokerError(cause).message}`, {
        hint: `mkdir -m 700 ${shellQuote(join(directory, "credbroker"))}    # and a socket in it`,
        cause,
      });
    }
  }

  /** Removes a directory of ours, whose socket is gone. */
  async clear(path: string): Promise<void> {
    const directory = dirname(path);
    if (dirname(directory) === this.#own) await rm(directory, { recursive: true, force: true });
  }

  /** Removes what a killed daemon left, but for the directories of these sockets. */
  async sweep(live: readonly string[]): Promise<void> {
    const kept = new Set(live.map(dirname));
    const found = (await namesIn(this.#own)).map((name) => join(this.#own, name));
    for (const directory of found) if (!kept.has(directory)) await rm(directory, { recursive: true, force: true });
  }
}

/** What stands at the path now; undefined: nothing. */
export async function inodeOf(path: string): Promise<number | undefined> {
  return lstat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );
}

function notPlain(path: string): BrokerError {
  return new BrokerError("UsageInvalid", `the path of a socket is absolute and without '..', not '${path}'`, {
    hint: "brokerctl lease create NAME ROLE --socket DIRECTORY/lease.sock",
  });
}

async function refuseMissing(directory: string): Promise<void> {
  try {
    if ((await stat(directory)).isDirectory()) return;
  } catch (cause) {
    if (!hasErrno(cause, "ENOENT", "ENOTDIR")) {
      throw new BrokerError("FileRefused", `cannot look at ${directory}: ${reasonOf(cause)}`, {
        hint: `ls -ld ${shellQuote(directory)}`,
        cause,
      });
    }
  }
  throw new BrokerError("FileRefused", `there is no directory ${directory} for the socket`, {
    hint: `mkdir -p -m 700 ${shellQuote(directory)}`,
  });
}
