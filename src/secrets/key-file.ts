import { BrokerError } from "../core/errors.js";
import {
  assertKept,
  type DataKey,
  type DataKeyHolder,
  type DataKeyOutcome,
  decodeDataKey,
  encodeDataKey,
} from "./data-key.js";
import { readPrivateFile, type StoreFiles, writeOrExplain } from "./store-files.js";

export interface KeyFileOptions {
  /** Absolute, `…/data.key`. */
  readonly path: string;
  readonly files: StoreFiles;
}

/** `secret_store: key_file`: the data key in clear in a 0600 file beside the files that it opens. For demos and CI. */
export class KeyFile implements DataKeyHolder {
  readonly place: string;
  readonly warnings: readonly string[];
  readonly #options: KeyFileOptions;

  constructor(options: KeyFileOptions) {
    this.#options = options;
    this.place = options.path;
    this.warnings = [
      `weak secret store: the data key lies in clear in ${options.path}; a copy of the state directory is a copy of your secrets`,
    ];
  }

  async load(): Promise<DataKeyOutcome> {
    const { path } = this.#options;
    const file = await readPrivateFile(path, { whose: "ours" });
    if (file.outcome === "missing") return { outcome: "absent" };
    if (file.outcome === "refused") return { ...file, outcome: "unavailable" };
    const key = decodeDataKey(file.data.toString("latin1").trim());
    file.data.fill(0);
    if (key) return { outcome: "found", key };
    return { outcome: "unavailable", message: `${path} holds no data key`, hint: "restore the file from a backup" };
  }

  async save(key: DataKey): Promise<void> {
    const { path, files } = this.#options;
    const before = await this.load();
    if (before.outcome !== "absent") throw new BrokerError("Conflict", `${path} exists already`);
    await writeOrExplain(files, path, Buffer.from(`${encodeDataKey(key)}\n`));
    await assertKept(this, key, { interactive: false });
  }
}
