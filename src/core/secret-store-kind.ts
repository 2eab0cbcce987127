/** interface §2 `secret_store`: who holds the data key. */
export const SECRET_STORE_KINDS = ["keychain", "passphrase", "command", "key_file"] as const;
export type SecretStoreKind = (typeof SECRET_STORE_KINDS)[number];
