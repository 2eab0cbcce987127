import { basename } from "node:path";
import { type FileSystem, NodeFileSystem } from "../../src/files/atomic-file.js";

export type FileOperation = "create" | "rename" | "sync-directory" | "remove";

/** The real file system, with a record of what was done in which order, and faults on demand. */
export class RecordingFileSystem implements FileSystem {
  /** e.g. `create .state.json.1-….credbroker-tmp`, `rename state.json`, `sync-directory state`. */
  readonly operations: string[] = [];
  readonly #delegate: FileSystem;
  readonly #faults = new Map<FileOperation, Error>();

  constructor(delegate: FileSystem = new NodeFileSystem()) {
    this.#delegate = delegate;
  }

  /** Every further `operation` fails with `error` before it does anything; undefined ends that. */
  fail(operation: FileOperation, error: Error | undefined): void {
    if (error) this.#faults.set(operation, error);
    else this.#faults.delete(operation);
  }

  async createDurable(path: string, data: Uint8Array, mode: number): Promise<void> {
    this.#note("create", path);
    await this.#delegate.createDurable(path, data, mode);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#note("rename", to);
    await this.#delegate.rename(from, to);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#note("sync-directory", path);
    await this.#delegate.syncDirectory(path);
  }

  async remove(path: string): Promise<void> {
    this.#note("remove", path);
    await this.#delegate.remove(path);
  }

  #note(operation: FileOperation, path: string): void {
    this.operations.push(`${operation} ${basename(path)}`);
    const fault = this.#faults.get(operation);
    if (fault) throw fault;
  }
}

/** What Node throws for a failed system call. */
export function systemError(code: string, errno: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: from the test`), { code, errno });
}
