import { BrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import type { DataKey } from "./data-key.js";

export interface LoadOptions {
  /** Only then may a prompt be raised, and waited for. */
  readonly interactive: boolean;
  /** For `passphrase`: what the user typed. */
  readonly passphrase?: Secret | undefined;
}

/** Why there is no key now, and the mend. */
export interface Obstacle {
  readonly message: string;
  readonly hint: string;
}

/**
 * Four outcomes that must never be mixed up (threat-model §4.4): only `absent` may lead to a new key. locked: a person
 * can open it. unavailable: unreadable, damaged, not there to be asked.
 */
export type DataKeyOutcome =
  | { readonly outcome: "found"; readonly key: DataKey }
  | { readonly outcome: "absent" }
  | ({ readonly outcome: "locked" | "unavailable" } & Obstacle);

/** Keeps the data key of one installation. */
export interface DataKeyHolder {
  /** Where the key lies, for messages: `the keychain`. */
  readonly place: string;
  /** What is weak about it, for `status`. */
  readonly warnings: readonly string[];
  load(options: LoadOptions): Promise<DataKeyOutcome>;
  /** Keeps a new key where none was, reads it back and compares. Missing: this holder only yields what a person put there. */
  save?(key: DataKey, options: LoadOptions): Promise<void>;
}

/** The last step of every `save`: what cannot be read back the same was not kept. */
export async function assertKept(holder: DataKeyHolder, key: DataKey, options: LoadOptions): Promise<void> {
  const outcome = await holder.load(options);
  if (outcome.outcome === "found" && outcome.key.equals(key)) return;
  const what = "message" in outcome ? outcome.message : `read back: ${outcome.outcome}`;
  throw new BrokerError("StoreUnavailable", `${holder.place} did not keep the data key (${what})`, {
    hint: "brokerctl logs",
  });
}
