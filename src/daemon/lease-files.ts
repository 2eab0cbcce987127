import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Lease, leaseAt } from "../core/lease.js";
import {
  LEASE_FILE_PATTERN,
  type LeaseLine,
  leaseFileName,
  renderLeaseLine,
  shellDirectory,
} from "../core/shell-files.js";
import { replaceFileNonDurable } from "../files/atomic-file.js";
import { TEMPORARY_FILE_PATTERN } from "../files/temporary-file.js";
import type { Clock } from "../system/clock.js";

export interface LeaseFilesOptions {
  readonly stateDir: string;
  /** Live leases, the default one among them, as they stand now. */
  readonly leases: () => readonly Lease[];
  readonly regionOf: (role: string) => string | null;
  readonly clock: Clock;
}

/** One small file a lease, from which a prompt reads the role. Kept only where a shell's hook has made the directory. */
export class LeaseFiles {
  readonly #options: LeaseFilesOptions;
  readonly #directory: string;
  #written: ReadonlyMap<string, string> = new Map();

  constructor(options: LeaseFilesOptions) {
    this.#options = options;
    this.#directory = join(shellDirectory(options.stateDir), "leases");
  }

  /** Brings the files in step with the leases. Rejects when one could not be written; then that one is gone. */
  async publish(): Promise<void> {
    if (!(await isDirectory(shellDirectory(this.#options.stateDir)))) return;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const there = new Set((await readdir(this.#directory)).filter(isOurs));
    const wanted = this.#wanted();
    const written = new Map<string, string>();
    const failures: unknown[] = [];
    const attempt = async (change: () => Promise<void>): Promise<void> => {
      await change().catch((error: unknown) => failures.push(error));
    };
    for (const name of there) if (!wanted.has(name)) await attempt(() => rm(join(this.#directory, name)));
    for (const [name, line] of wanted) {
      const isThere = there.has(name) && this.#written.get(name) === line;
      if (!isThere) await attempt(() => replaceFileNonDurable(join(this.#directory, name), `${line}\n`));
      written.set(name, line);
    }
    // After a failure everything is written anew, the next time.
    this.#written = failures.length > 0 ? new Map() : written;
    if (failures.length > 0) throw failures[0];
  }

  #wanted(): ReadonlyMap<string, string> {
    const { leases, regionOf, clock } = this.#options;
    const live = leases();
    const followed = live.find(({ kind }) => kind === "default");
    const now = clock.now();
    return new Map(
      live.map((lease) => {
        const line = lineOf(lease, followed, now);
        return [
          leaseFileName(lease.tokenHash),
          renderLeaseLine({ ...line, region: line.role === null ? null : regionOf(line.role) }),
        ];
      }),
    );
  }
}

/** Those of leases, and what a killed writer left. Anything else was not written here: it stays. */
function isOurs(name: string): boolean {
  return LEASE_FILE_PATTERN.test(name) || TEMPORARY_FILE_PATTERN.test(name);
}

/** The role of `lease` now and after its next change; what comes after two changes is told when it comes. */
function lineOf(lease: Lease, followed: Lease | undefined, now: number): Omit<LeaseLine, "region"> {
  const [until, later] = changesAhead([lease, ...(followed && mayFollow(lease) ? [followed] : [])], now);
  const role = roleAt(lease, followed, now);
  const { expiresAt } = lease;
  if (until === undefined) return { role, until: null, then: null, expiresAt };
  return { role, until, then: later === undefined ? roleAt(lease, followed, until) : undefined, expiresAt };
}

/** Now, or when its `use --for` has ended. */
function mayFollow(lease: Lease): boolean {
  return (
    lease.followsDefault || (lease.temporary !== undefined && leaseAt(lease, lease.temporary.until).followsDefault)
  );
}

/** When a `use --for` of one of these ends. */
function changesAhead(leases: readonly Lease[], now: number): readonly number[] {
  const instants = leases.map(({ temporary }) => temporary?.until ?? 0).filter((until) => until > now);
  return [...new Set(instants)].sort((a, b) => a - b);
}

function roleAt(lease: Lease, followed: Lease | undefined, at: number): string | null {
  const then = leaseAt(lease, at);
  if (!then.followsDefault) return then.role;
  return followed ? leaseAt(followed, at).role : null;
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
