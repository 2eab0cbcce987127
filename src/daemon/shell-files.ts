import type { RunningConfig } from "../control/control-services.js";
import { reasonOf } from "../core/errno.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { Mutex } from "../core/serial.js";
import type { LeaseRegistry } from "../leases/lease-registry.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { LeaseFiles } from "./lease-files.js";
import type { DaemonOptions, Services } from "./services.js";
import type { Serving } from "./serving.js";
import { StartLines } from "./start-lines.js";

export interface ShellFilesOptions {
  readonly stateDir: string;
  readonly leases: LeaseRegistry;
  readonly regionOf: (role: string) => string | null;
  readonly endpoint: () => string | null;
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ShellFilesParts {
  readonly services: Pick<Services, "leases">;
  readonly serving: Serving;
  readonly config: RunningConfig;
  readonly writeAtomic: ShellFilesOptions["writeAtomic"];
}

export function createShellFiles(
  { paths, clock, logger }: DaemonOptions,
  { services, serving, config, writeAtomic }: ShellFilesParts,
): ShellFiles {
  return new ShellFiles({
    ...{ stateDir: paths.stateDir, leases: services.leases, writeAtomic, clock, logger },
    regionOf: (role) => (config.current()?.roles.get(role) ?? config.unnamedRole(role))?.region ?? null,
    endpoint: () => serving.endpoint(),
  });
}

/** What shells with our hook read: written at each change of a lease, at start, and again by the sweep. */
export class ShellFiles {
  readonly #leaseFiles: LeaseFiles;
  readonly #startLines: StartLines;
  readonly #logger: Logger;
  readonly #leaseWrites = new Mutex();
  readonly #startWrites = new Mutex();
  readonly #problems = new Map<Mutex, string>();

  constructor({ stateDir, leases, regionOf, endpoint, writeAtomic, clock, logger }: ShellFilesOptions) {
    const region = (): string | null => {
      const role = leases.default?.role ?? null;
      return role === null ? null : regionOf(role);
    };
    this.#leaseFiles = new LeaseFiles({ stateDir, leases: () => leases.list(), regionOf, clock });
    this.#startLines = new StartLines({
      ...{ stateDir, region, endpoint, writeAtomic },
      defaultLease: () => leases.default,
      tokenOf: (lease) => leases.access(lease),
    });
    this.#logger = logger;
  }

  /**
   * Resolves when prompts see the leases as they are; never rejects. New shells' line follows behind: it may need a token
   * that a change of leases, which waits for this, has to bring into step first.
   */
  async publish(): Promise<void> {
    void this.#write(this.#startWrites, () => this.#startLines.publish());
    await this.#write(this.#leaseWrites, () => this.#leaseFiles.publish());
  }

  /** New shells get no URL from now on: the port is not ours. */
  async withdraw(): Promise<void> {
    await this.#write(this.#startWrites, () => this.#startLines.withdraw());
  }

  /** Resolves when nothing is being written. */
  async settle(): Promise<void> {
    await Promise.all([this.#leaseWrites.settled(), this.#startWrites.settled()]);
  }

  /** Why shells read something older than what holds, for `status`; the next sweep tries again. undefined: they do not. */
  get problem(): string | undefined {
    return [...this.#problems.values()][0];
  }

  #write(turns: Mutex, write: () => Promise<void>): Promise<void> {
    const written = turns.run(write).then(() => void this.#problems.delete(turns));
    return written.catch((error: unknown) => {
      this.#problems.set(turns, error instanceof BrokerError ? error.message : reasonOf(error));
      this.#logger.warn({ err: error, code: toBrokerError(error).code }, "files for shells could not be written");
    });
  }
}
