import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { readCheckedFile } from "../files/private-file.js";
import { takenPortMarker } from "../system/paths.js";

/** Remembers beside the state which port leases name, and whether another program was found on it. */
export class EndpointPort {
  readonly #portFile: string;
  readonly #squattedFile: string;
  readonly #writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  /** The port that the disk did not take, and why. */
  #unsaved: { readonly port: number; readonly problem: string } | undefined;
  /** Found taken by this process, whether or not the disk took the marker. */
  #foundTaken = false;

  constructor(stateDir: string, writeAtomic: (path: string, data: Uint8Array) => Promise<void>) {
    this.#portFile = join(stateDir, "endpoint-port");
    this.#squattedFile = takenPortMarker(stateDir);
    this.#writeAtomic = writeAtomic;
  }

  /**
   * The port of the last start: with a broken config leases still find us and learn what is wrong. Rejects with
   * FileRefused where others could have written it.
   */
  async last(): Promise<number | undefined> {
    const text = (await readOurs(this.#portFile)) ?? "";
    const port = Number(text.trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  }

  /** A full disk does not keep clients from being served: `retry` writes the port later. */
  async remember(port: number): Promise<void> {
    this.#unsaved = undefined;
    if ((await this.last()) === port) return;
    await this.#writeAtomic(this.#portFile, Buffer.from(`${port}\n`)).catch((error: unknown) => {
      this.#unsaved = { port, problem: toBrokerError(error).message };
    });
  }

  /** Why the port is not remembered, for `status`; undefined: it is. */
  get problem(): string | undefined {
    return this.#unsaved?.problem;
  }

  async retry(): Promise<void> {
    if (this.#unsaved) await this.remember(this.#unsaved.port);
  }

  /** Another program listens where our leases point: their tokens may have been harvested, and are made anew at the next start. */
  async markTaken(): Promise<void> {
    this.#foundTaken = true;
    await this.#writeAtomic(this.#squattedFile, Buffer.from(""));
  }

  async wasTaken(): Promise<boolean> {
    return this.#foundTaken || (await readOurs(this.#squattedFile)) !== undefined;
  }

  async clearTaken(): Promise<void> {
    await rm(this.#squattedFile, { force: true });
    this.#foundTaken = false;
  }
}

/** No port or marker is longer. */
const MAX_BYTES = 16;

async function readOurs(path: string): Promise<string | undefined> {
  const file = await readCheckedFile(path, { maxBytes: MAX_BYTES });
  if (file.outcome === "missing") return undefined;
  if (file.outcome === "read") return file.data.toString("utf8");
  if (file.outcome === "unreadable") throw refused(path, "cannot be read as a file of ours", file.cause);
  if (file.flaw.kind === "size") return ""; // neither a port nor a marker, but ours
  throw refused(path, file.flaw.what, file.flaw.cause);
}

function refused(path: string, what: string, cause?: unknown): BrokerError {
  // It is written anew at the next start.
  return new BrokerError("FileRefused", `${path} ${what}`, { hint: `rm -f ${shellQuote(path)}`, cause });
}
