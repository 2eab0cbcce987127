import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** Remembers beside the state which port leases name, and whether somebody else was found on it. */
export class EndpointPort {
  readonly #portFile: string;
  readonly #squattedFile: string;
  readonly #writeAtomic: (path: string, data: Uint8Array) => Promise<void>;

  constructor(stateDir: string, writeAtomic: (path: string, data: Uint8Array) => Promise<void>) {
    this.#portFile = join(stateDir, "endpoint-port");
    this.#squattedFile = join(stateDir, "port-was-taken");
    this.#writeAtomic = writeAtomic;
  }

  /** The port of the last start: with a broken config leases still find us and learn what is wrong. */
  async last(): Promise<number | undefined> {
    const text = await readFile(this.#portFile, "utf8").catch(() => "");
    const port = Number(text.trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  }

  async remember(port: number): Promise<void> {
    if ((await this.last()) !== port) await this.#writeAtomic(this.#portFile, Buffer.from(`${port}\n`));
  }

  /** Somebody else listens where our leases point: their tokens may have been harvested (design §6.8). */
  async markTaken(): Promise<void> {
    await this.#writeAtomic(this.#squattedFile, Buffer.from(""));
  }

  async wasTaken(): Promise<boolean> {
    return readFile(this.#squattedFile).then(
      () => true,
      () => false,
    );
  }

  async clearTaken(): Promise<void> {
    await rm(this.#squattedFile, { force: true });
  }
}
