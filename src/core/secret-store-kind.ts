/** `secret_store` of the config: who holds the data key. */
export const SECRET_STORE_KINDS = ["keychain", "passphrase", "command", "key_file"] as const;
export type SecretStoreKind = (typeof SECRET_STORE_KINDS)[number];
