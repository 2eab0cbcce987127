import { join } from "node:path";
import { BrokerError } from "../core/errors.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import type { FileSystem } from "../files/atomic-file.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { Programs } from "../system/run-program.js";
import type { KeychainChild } from "./ask-keychain-child.js";
import { CommandKey } from "./command-key.js";
import type { DataKeyHolder } from "./data-key.js";
import { KeyFile } from "./key-file.js";
import { Keychain } from "./keychain.js";
import { Passphrase, type PassphraseFiles } from "./passphrase.js";
import { type SealedCache, SealedFileCache } from "./sealed-cache.js";
import { SealedSecretStore, type SecretStore } from "./secret-store.js";
import { SealedStoreAccess, type StoreAccess } from "./store-access.js";
import type { StoreFiles } from "./store-files.js";

export interface SecretStoreOptions {
  /** Absolute, 0700; must exist. */
  readonly stateDir: string;
  readonly kind: SecretStoreKind;
  /** argv, for kind `command`. */
  readonly dataKeyCommand?: readonly string[] | undefined;
  /** Runs it. */
  readonly programs: Programs;
  readonly keychainChild: KeychainChild;
  readonly passphraseFiles: PassphraseFiles;
  /** Replaces a 0600 file durably: `writeFileAtomic` bound to `fileSystem`. */
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly fileSystem: Pick<FileSystem, "rename" | "remove" | "syncDirectory">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Cost of the passphrase; 17 in production, smaller in tests. */
  readonly scryptLog2N?: number;
}

/** The parts of one installation's secret store. */
export interface SealedStore {
  readonly access: StoreAccess;
  readonly secrets: SecretStore;
  readonly cache: SealedCache & { flush(): Promise<void> };
}

/** The secret store of one installation, closed until `access.probe()`: nothing is read or written before that. */
export function createSecretStore(options: SecretStoreOptions): SealedStore {
  const { stateDir, kind, writeAtomic, fileSystem, clock, logger } = options;
  const files: StoreFiles = { writeAtomic, fileSystem };
  const sealed = { kind, files, clock, logger };
  const sealedPath = join(stateDir, "secrets.sealed");
  const secrets = new SealedSecretStore({ ...sealed, path: sealedPath });
  const cache = new SealedFileCache({ ...sealed, path: join(stateDir, "cache.sealed") });
  const access = new SealedStoreAccess({
    kind,
    holder: holderOf(options, files),
    sealedPath,
    lockedMarkerPath: join(stateDir, "locked"),
    secrets,
    cache,
    files,
    logger,
  });
  return { access, secrets, cache };
}

function holderOf(options: SecretStoreOptions, files: StoreFiles): DataKeyHolder {
  const { stateDir, clock, keychainChild, passphraseFiles, scryptLog2N } = options;
  switch (options.kind) {
    case "keychain":
      return new Keychain({ child: keychainChild, stateDir, clock });
    case "passphrase":
      return new Passphrase({ path: join(stateDir, "data-key.wrapped"), files, passphraseFiles, scryptLog2N });
    case "command":
      return new CommandKey({ argv: commandOf(options), programs: options.programs });
    case "key_file":
      return new KeyFile({ path: join(stateDir, "data.key"), files });
  }
}

function commandOf({ dataKeyCommand }: SecretStoreOptions): readonly [string, ...string[]] {
  const [program, ...parameters] = dataKeyCommand ?? [];
  if (program !== undefined) return [program, ...parameters];
  throw new BrokerError("ConfigInvalid", "secret_store command needs data_key_command", {
    hint: "brokerctl config edit",
  });
}
