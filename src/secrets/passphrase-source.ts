import type { Secret } from "../core/secret.js";
import type { Obstacle } from "./data-key-holder.js";
import { readPrivateFile } from "./private-file.js";

/** Absolute paths of files that may hold the passphrase, as the entry found them in its environment. */
export interface PassphraseFiles {
  /** What CREDBROKER_PASSPHRASE_FILE names: must be there. */
  readonly named?: string | undefined;
  /** `$CREDENTIALS_DIRECTORY/credbroker-passphrase` (systemd LoadCredential=): may be missing. */
  readonly credential?: string | undefined;
}

export type PassphraseOutcome =
  /** `from`: the file, or undefined for what the user typed. */
  | { readonly outcome: "given"; readonly passphrase: string; readonly from: string | undefined }
  | { readonly outcome: "none" }
  | ({ readonly outcome: "refused" } & Obstacle);

/** What was typed goes before the named file, and that before systemd's. */
export async function findPassphrase(typed: Secret | undefined, files: PassphraseFiles): Promise<PassphraseOutcome> {
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
