import { join } from "node:path";
import type { AuditEvent } from "../../src/audit/audit-event.js";
import type { Lease } from "../../src/core/lease.js";
import type { Secret } from "../../src/core/secret.js";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import { NODE_WRITES } from "../../src/files/journal-file.js";
import { renderLeaseRecords } from "../../src/leases/lease-records.js";
import { LeaseRegistry } from "../../src/leases/lease-registry.js";
import type { SecretStore } from "../../src/secrets/secret-store.js";
import { FakeProcesses } from "../fakes/fake-processes.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { FakeClock } from "./fake-clock.js";
import { memoryLogger } from "./memory-logger.js";
import { tempDir } from "./temp-dir.js";

/** Fails durable steps when told; each effect counts two steps, one before and one after it. */
class Faults {
  steps = 0;
  /** From this step on everything fails, as after a crash. */
  crashAt: number | undefined;
  /** Only this step fails. */
  failOnce: number | undefined;
  /** Every write of leases.json fails. */
  diskFull = false;

  async durably<T>(effect: () => Promise<T>): Promise<T> {
    this.#step();
    const result = await effect();
    this.#step();
    return result;
  }

  #step(): void {
    const step = this.steps++;
    if (step === this.failOnce || (this.crashAt !== undefined && step >= this.crashAt)) throw new Error("failed here");
  }
}

/** What survives a daemon (file, secret store, clock, processes), and daemons' registries over it. */
export class LeaseFixture {
  readonly clock = new FakeClock();
  readonly processes = new FakeProcesses();
  readonly secrets = new MemorySecretStore();
  readonly logger = memoryLogger();
  readonly path = join(tempDir("leases"), "leases.json");
  readonly faults = new Faults();
  /** What was put on record. */
  readonly record: AuditEvent[] = [];
  writes = 0;
  /** Of the journal of child leases: lines added, and the whole written anew. */
  readonly journal = { appends: 0, replaces: 0 };
  /** Runs while a write of leases.json is under way. */
  duringWrite = (): void => undefined;

  /** What follows each change that holds. */
  onChange = (): Promise<void> => Promise.resolve();

  /** A registry as it is after a start with an open secret store. */
  async start(): Promise<LeaseRegistry> {
    const registry = await this.startLocked();
    await registry.reconcile();
    return registry;
  }

  /** A registry that has read leases.json and nothing else. */
  async startLocked(): Promise<LeaseRegistry> {
    const registry = this.registry();
    await registry.load();
    return registry;
  }

  /** A registry that finds these leases, and makes the default one. */
  async startWith(leases: readonly Lease[]): Promise<LeaseRegistry> {
    const text = renderLeaseRecords({ leases, ended: [], rotationDue: [] });
    await writeFileAtomic(new NodeFileSystem(), this.path, Buffer.from(text));
    return this.start();
  }

  registry(): LeaseRegistry {
    const { clock, processes, logger } = this;
    const file = { path: this.path, writeAtomic: (path: string, data: Uint8Array) => this.#write(path, data) };
    return new LeaseRegistry({
      ...file,
      journal: {
        append: (path, text) => this.#journal("appends", () => NODE_WRITES.append(path, text)),
        replace: (path, data) => this.#journal("replaces", () => NODE_WRITES.replace(path, data)),
      },
      secrets: this.#faultySecrets(),
      clock,
      processes,
      logger,
      audit: { record: (event) => void this.record.push(event) },
      onChange: () => this.onChange(),
    });
  }

  async #journal(kind: "appends" | "replaces", write: () => Promise<void>): Promise<void> {
    this.journal[kind]++;
    if (this.faults.diskFull) throw new Error("no space left on device");
    await this.faults.durably(write);
  }

  async #write(path: string, data: Uint8Array): Promise<void> {
    this.writes++;
    this.duringWrite();
    if (this.faults.diskFull) throw new Error("no space left on device");
    await this.faults.durably(() => writeFileAtomic(new NodeFileSystem(), path, data));
  }

  #faultySecrets(): SecretStore {
    const { secrets, faults } = this;
    return {
      get: (key) => secrets.get(key),
      keys: (prefix) => secrets.keys(prefix),
      put: (key: string, value: Secret) => faults.durably(() => secrets.put(key, value)),
      putAll: (values) => faults.durably(() => secrets.putAll(values)),
      deleteAll: (keys) => faults.durably(() => secrets.deleteAll(keys)),
      delete: (key) => faults.durably(() => secrets.delete(key)),
    };
  }
}
