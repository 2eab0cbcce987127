import type { Secret } from "../core/secret.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";

/**
 * open: the data key is held. locked: it exists and must be unlocked. absent: none was made yet (`init` makes it).
 * error: unreadable, another key id, no keychain: files stay untouched until a person acts.
 */
export type StoreState =
  | { readonly state: "open"; readonly warnings: readonly string[] }
  | { readonly state: "locked" | "absent" | "error"; readonly message: string; readonly hint: string };

export interface UnlockOptions {
  /** For `passphrase`; taken from its file or systemd credential when absent. */
  readonly passphrase?: Secret;
}

/** The door of the secret store. Only `unlock` and `create` may raise a keychain prompt. */
export interface StoreAccess {
  readonly kind: SecretStoreKind;
  current(): StoreState;
  /** At start: fetches the data key without prompting. A store locked by `lock` stays locked, also after a restart. */
  probe(): Promise<StoreState>;
  unlock(options: UnlockOptions): Promise<StoreState>;
  /** Makes and stores the data key; `Conflict` when one or a sealed file exists. */
  create(options: UnlockOptions): Promise<StoreState>;
  /** Forgets the data key, durably: outlives a restart. */
  lock(): Promise<void>;
}
