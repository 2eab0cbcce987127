import { StateFile, type WriteAtomic } from "../files/state-file.js";
import { type LeaseRecords, parseLeaseRecords, renderLeaseRecords } from "./lease-records.js";

/** `leases.json`: which tokens are good for what, by hash. Callers write one at a time. */
export class LeaseStore {
  readonly path: string;
  readonly #file: StateFile;

  constructor({ path, writeAtomic }: { readonly path: string; readonly writeAtomic: WriteAtomic }) {
    this.path = path;
    this.#file = new StateFile({ path, writeAtomic, what: "leases" });
  }

  /** undefined: there is no such file yet. An unreadable one rejects and is left as it is. */
  read(): Promise<LeaseRecords | undefined> {
    return this.#file.read(parseLeaseRecords);
  }

  write(records: LeaseRecords): Promise<void> {
    return this.#file.write(renderLeaseRecords(records));
  }
}
