import type { RunningConfig } from "../control/control-services.js";
import type { Operations } from "../control/operations.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import { Mutex } from "../core/serial.js";
import type { ServerLimits } from "../http/limited-server.js";
import { type Listener, listenOnSocket } from "../http/listen.js";
import { createLeaseSocketApp } from "../lease-socket/app.js";
import { networkNamespace } from "../system/network-namespace.js";
import { inodeOf, LeaseSocketPlace } from "./lease-socket-place.js";
import type { DaemonOptions, Services } from "./services.js";

export interface LeaseSocketsParts {
  readonly services: Pick<Services, "leases" | "credentials" | "audit">;
  readonly config: RunningConfig;
  readonly noticeResume: () => void;
}

/** Clients of one sandbox or container. All sockets together must leave descriptors for the endpoint. */
const LIMITS: Partial<ServerLimits> = { maxConnections: 64 };
const MOST_SOCKETS = 256;

interface OpenSocket {
  readonly path: string;
  readonly listener: Listener;
  /** Of the socket as it was made: another one there is not ours. */
  readonly inode: number | undefined;
}

/** The sockets of leases that have one: there while their lease lives and brokerd runs, made again by the next one. */
export class LeaseSockets {
  readonly #options: DaemonOptions;
  readonly #parts: LeaseSocketsParts;
  readonly #place: LeaseSocketPlace;
  readonly #turns = new Mutex();
  /** By the lease's id. */
  readonly #open = new Map<string, OpenSocket>();
  readonly #problems = new Map<string, BrokerError>();
  /** undefined: not serving. */
  #operations: Operations | undefined;

  constructor(options: DaemonOptions, parts: LeaseSocketsParts) {
    this.#options = options;
    this.#parts = parts;
    this.#place = new LeaseSocketPlace(options.paths.runtimeDir);
  }

  newPath(): string {
    return this.#place.newPath();
  }

  /** Why the lease is not served on its socket; undefined: it is, or has none. */
  problemOf({ id }: Pick<Lease, "id">): BrokerError | undefined {
    return this.#problems.get(id);
  }

  /** A sentence each, for `status`. */
  get warnings(): readonly string[] {
    return [...this.#problems.values()].map(({ message, hint }) =>
      hint === undefined ? message : `${message}: ${hint}`,
    );
  }

  /** Of all leases that there are by now. Never rejects. */
  async start(operations: Operations): Promise<void> {
    this.#operations = operations;
    await this.sweep();
  }

  /** Brings the sockets in step with the leases; one that could not be made is tried again. Never rejects. */
  async follow(): Promise<void> {
    await this.#turns.run(async () => this.#follow());
  }

  /** Also where another program removed a socket, and what a killed daemon left. Never rejects. */
  async sweep(): Promise<void> {
    await this.#turns.run(async () => {
      for (const [id, socket] of this.#open) {
        if ((await inodeOf(socket.path)) !== socket.inode) await this.#close(id, socket);
      }
      await this.#follow();
      const live = [...this.#open.values()].map(({ path }) => path);
      await this.#place.sweep(live).catch((err: unknown) => {
        this.#options.logger.warn({ err }, "sockets of ended leases kept");
      });
    });
  }

  /** Closes all of them; the leases go on. */
  async stop(): Promise<void> {
    this.#operations = undefined;
    await this.#turns.run(async () => {
      await Promise.all([...this.#open.values()].map(({ listener }) => listener.close()));
      this.#open.clear();
    });
  }

  async #follow(): Promise<void> {
    if (!this.#operations) return;
    const wanted = new Map(this.#parts.services.leases.withSocket.map((lease) => [lease.id, lease]));
    for (const [id, socket] of this.#open) if (!wanted.has(id)) await this.#close(id, socket);
    for (const id of this.#problems.keys()) if (!wanted.has(id)) this.#problems.delete(id);
    for (const { id, name, socket } of wanted.values()) {
      if (socket !== undefined && !this.#open.has(id)) await this.#tryOpen({ id, name }, socket);
    }
  }

  async #tryOpen({ id, name }: Pick<Lease, "id"> & { readonly name: string | undefined }, path: string): Promise<void> {
    try {
      if (this.#open.size >= MOST_SOCKETS) throw tooMany();
      await this.#place.prepare(path);
      const listener = await this.#listen(id, path);
      this.#open.set(id, { path, listener, inode: await inodeOf(path) });
      this.#problems.delete(id);
    } catch (error) {
      const { code, message, hint } = toBrokerError(error);
      const problem = new BrokerError(code, `lease ${name ?? id} is not served: ${message}`, { hint, cause: error });
      if (!this.#problems.has(id)) this.#options.logger.warn({ lease: id, reason: message }, "lease not on its socket");
      this.#problems.set(id, problem);
    }
  }

  async #listen(id: string, path: string): Promise<Listener> {
    const { clock, logger } = this.#options;
    const { audit, leases } = this.#parts.services;
    const onRefused = (): void => {
      const lease = leases.list().find((one) => one.id === id);
      audit.record({ event: "refused", outcome: "refused", code: "RequestRefused", lease });
    };
    try {
      return await listenOnSocket(this.#appOf(id), { path, clock, logger, limits: LIMITS, onRefused });
    } catch (cause) {
      throw isTaken(cause) ? taken(path, cause) : cause;
    }
  }

  #appOf(id: string): ReturnType<typeof createLeaseSocketApp> {
    const { services, config, noticeResume } = this.#parts;
    const { leases, credentials, audit } = services;
    const { clock, logger } = this.#options;
    return createLeaseSocketApp({
      ...{ leases: leases.lookup, credentials, audit, clock, logger, noticeResume },
      network: networkNamespace(),
      lease: () => leases.lookup.byId(id),
      ask: async (operation, body, signal) => {
        if (!this.#operations) throw new BrokerError("LeaseEnded", "brokerd ends", { hint: "brokerctl start" });
        await config.takeUpEdit();
        return this.#operations.run(operation, body, { signal, caller: { lease: leases.lookup.byId(id) } });
      },
      regionOf: (role) => (config.current()?.roles.get(role) ?? config.unnamedRole(role))?.region ?? null,
      takeUpEdit: () => config.takeUpEdit(),
      whyMissing: (role) => config.whyLeftOut("role", role),
    });
  }

  /** The path is free at once; requests under way are answered, and refused where their lease has ended. */
  async #close(id: string, { path, listener }: OpenSocket): Promise<void> {
    this.#open.delete(id);
    void listener.close();
    await this.#place.clear(path).catch((err: unknown) => {
      this.#options.logger.warn({ err, lease: id }, "directory of a lease's socket kept");
    });
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof BrokerError && error.code === "DaemonRunning";
}

function taken(path: string, cause: unknown): BrokerError {
  return new BrokerError("Conflict", `another program answers on ${path}`, {
    hint: "choose another path for --socket",
    cause,
  });
}

function tooMany(): BrokerError {
  return new BrokerError("Conflict", `there are ${MOST_SOCKETS} leases with a socket already`, {
    hint: "brokerctl lease list",
  });
}
