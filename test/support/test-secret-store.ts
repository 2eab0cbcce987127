import { join } from "node:path";
import { type FileSystem, NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import { createSecretStore, type SealedStore, type SecretStoreOptions } from "../../src/secrets/create-secret-store.js";
import { SystemClock } from "../../src/system/clock.js";
import { SystemPrograms } from "../../src/system/run-program.js";
import { FakeClock } from "./fake-clock.js";
import { memoryLogger } from "./memory-logger.js";
import { tempDir } from "./temp-dir.js";

export interface TestSecretStoreOptions extends Partial<Omit<SecretStoreOptions, "fileSystem" | "writeAtomic">> {
  readonly fileSystem?: FileSystem;
}

/** A secret store on the real disk with a clock that stands; a key file holds the key unless told otherwise. */
export function testSecretStore(options: TestSecretStoreOptions = {}): SealedStore & { readonly stateDir: string } {
  const { fileSystem = new NodeFileSystem(), stateDir = tempDir("secrets"), ...rest } = options;
  const store = createSecretStore({
    stateDir,
    kind: "key_file",
    keychainChild: { nodePath: process.execPath, scriptPath: join(stateDir, "no-such-child.js") },
    passphraseFiles: {},
    programs: new SystemPrograms({ environment: process.env, clock: new SystemClock() }),
    fileSystem,
    writeAtomic: (path, data) => writeFileAtomic(fileSystem, path, data),
    clock: new FakeClock(),
    logger: memoryLogger(),
    scryptLog2N: 4,
    ...rest,
  });
  return { ...store, stateDir };
}
