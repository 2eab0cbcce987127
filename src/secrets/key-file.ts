import { BrokerError } from "../core/errors.js";
import { type DataKey, decodeDataKey, encodeDataKey } from "./data-key.js";
import { assertKept, type DataKeyHolder, type DataKeyOutcome } from "./data-key-holder.js";
import { readPrivateFile } from "./private-file.js";
import { type RoomFiles, writeOrExplain } from "./room-files.js";

export interface KeyFileOptions {
  /** Absolute, `…/data.key`. */
  readonly path: string;
  readonly files: RoomFiles;
}

/** `secret_store: key_file`: the data key in clear in a 0600 file beside what it opens. For demos and CI. */
export class KeyFile implements DataKeyHolder {
  readonly place: string;
  readonly warnings: readonly string[];
  readonly #options: KeyFileOptions;

  constructor(options: KeyFileOptions) {
    this.#options = options;
    this.place = options.path;
    this.warnings = [
      `weak secret store: the data key lies in clear in ${options.path}; whoever copies the state directory has your secrets`,
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
