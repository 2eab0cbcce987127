import { BrokerError } from "../core/errors.js";
import { passphraseProblem } from "../core/passphrase-problem.js";
import type { Secret } from "../core/secret.js";
import { shellQuote } from "../core/shell-quote.js";
import {
  assertKept,
  type DataKey,
  type DataKeyHolder,
  type DataKeyOutcome,
  type LoadOptions,
  type Obstacle,
} from "./data-key.js";
import { readPrivateFile, type StoreFiles, writeOrExplain } from "./store-files.js";
import { inspectWrappedKey, SCRYPT_LOG2_N, unwrapKey, wrapKey } from "./wrapped-key.js";

/** Absolute paths of files that may hold the passphrase, as brokerd found them in its environment. */
export interface PassphraseFiles {
  /** What CREDBROKER_PASSPHRASE_FILE names: must be there. */
  readonly named?: string | undefined;
  /** `$CREDENTIALS_DIRECTORY/credbroker-passphrase` (systemd LoadCredential=): may be missing. */
  readonly credential?: string | undefined;
}

type PassphraseOutcome =
  /** `from`: the file, or undefined for what the user typed. */
  | { readonly outcome: "given"; readonly passphrase: string; readonly from: string | undefined }
  | { readonly outcome: "none" }
  | ({ readonly outcome: "refused" } & Obstacle);

export interface PassphraseOptions {
  /** Absolute, `…/data-key.wrapped`. */
  readonly path: string;
  readonly files: StoreFiles;
  readonly passphraseFiles: PassphraseFiles;
  /** Smaller in tests only. */
  readonly scryptLog2N?: number | undefined;
}

/** `secret_store: passphrase`: the data key in a 0600 file, wrapped by what the user types or keeps in a file. */
export class Passphrase implements DataKeyHolder {
  readonly place: string;
  readonly warnings: readonly string[] = [];
  readonly #options: PassphraseOptions;

  constructor(options: PassphraseOptions) {
    this.#options = options;
    this.place = options.path;
  }

  async load({ passphrase }: LoadOptions): Promise<DataKeyOutcome> {
    const file = await readPrivateFile(this.place, { whose: "ours" });
    if (file.outcome === "missing") return { outcome: "absent" };
    if (file.outcome === "refused") return { ...file, outcome: "unavailable" };
    const state = inspectWrappedKey(file.data);
    if (state !== "ok") return this.#unreadable(state);
    const found = await findPassphrase(passphrase, this.#options.passphraseFiles);
    if (found.outcome === "none") {
      return { outcome: "locked", message: "the passphrase has not been given", hint: "brokerctl unlock" };
    }
    if (found.outcome === "refused") return { ...found, outcome: "locked" };
    return this.#unwrap(file.data, found);
  }

  async save(key: DataKey, options: LoadOptions): Promise<void> {
    const before = await readPrivateFile(this.place, { whose: "ours" });
    if (before.outcome !== "missing") throw new BrokerError("Conflict", `${this.place} exists already`);
    const found = await findPassphrase(options.passphrase, this.#options.passphraseFiles);
    if (found.outcome === "none") {
      throw new BrokerError("UsageInvalid", "secret_store passphrase needs a passphrase", {
        hint: "run brokerctl init on a terminal, or set CREDBROKER_PASSPHRASE_FILE",
      });
    }
    if (found.outcome === "refused") throw new BrokerError("UsageInvalid", found.message, { hint: found.hint });
    const problem = passphraseProblem(found.passphrase);
    if (problem !== undefined) {
      const where = found.from === undefined ? "" : ` (in ${found.from})`;
      throw new BrokerError("UsageInvalid", `${problem}${where}`, { hint: "use several words: brokerctl init" });
    }
    const { files, scryptLog2N = SCRYPT_LOG2_N } = this.#options;
    await writeOrExplain(files, this.place, await wrapKey(key, found.passphrase, scryptLog2N));
    await assertKept(this, key, options);
  }

  async #unwrap(
    data: Buffer,
    { passphrase, from }: Extract<PassphraseOutcome, { outcome: "given" }>,
  ): Promise<DataKeyOutcome> {
    const unwrapped = await unwrapKey(data, passphrase);
    if (unwrapped.outcome === "ok") return { outcome: "found", key: unwrapped.key };
    if (unwrapped.outcome !== "wrong-passphrase") return this.#unreadable(unwrapped.outcome);
    return {
      outcome: "locked",
      message: from === undefined ? "the passphrase is wrong" : `the passphrase in ${from} is wrong`,
      hint: "brokerctl unlock",
    };
  }

  #unreadable(state: "damaged" | "newer"): DataKeyOutcome {
    return state === "newer"
      ? {
          outcome: "unavailable",
          message: `${this.place} was written by a newer credbroker`,
          hint: "npm install --global credbroker@latest",
        }
      : {
          outcome: "unavailable",
          message: `${this.place} is damaged`,
          hint: `restore it from a backup: ls -l ${shellQuote(this.place)}`,
        };
  }
}

/** The passphrase that the user typed; else the one in the named file; else systemd's. */
async function findPassphrase(typed: Secret | undefined, files: PassphraseFiles): Promise<PassphraseOutcome> {
  if (typed) return given(typed.reveal(), undefined);
  if (files.named !== undefined) {
    const named = await readPassphrase(files.named);
    if (named.outcome !== "none") return named;
    return {
      outcome: "refused",
      message: `passphrase file ${files.named} does not exist`,
      hint: "set CREDBROKER_PASSPHRASE_FILE to a 0600 file, or unset it and run brokerctl unlock",
    };
  }
  return files.credential === undefined ? { outcome: "none" } : readPassphrase(files.credential);
}

async function readPassphrase(path: string): Promise<PassphraseOutcome> {
  const file = await readPrivateFile(path, { whose: "named" });
  if (file.outcome === "missing") return { outcome: "none" };
  if (file.outcome === "refused") return { ...file, message: `passphrase file ${file.message}` };
  const text = file.data.toString().replace(/\r?\n$/, "");
  file.data.fill(0);
  return given(text, path);
}

/** NFC: the same letters typed on macOS and on Linux are the same bytes. */
function given(text: string, from: string | undefined): PassphraseOutcome {
  if (text !== "") return { outcome: "given", passphrase: text.normalize("NFC"), from };
  return {
    outcome: "refused",
    message: from === undefined ? "the passphrase is empty" : `passphrase file ${from} is empty`,
    hint: "give a passphrase",
  };
}
