import { writeSync } from "node:fs";
import { Secret } from "../../src/core/secret.js";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import { createSecretStore } from "../../src/secrets/create-secret-store.js";
import { SystemClock } from "../../src/system/clock.js";
import { SystemPrograms } from "../../src/system/run-program.js";
import { canarySecretKey } from "../support/canaries.js";
import { memoryLogger } from "../support/memory-logger.js";

/** Puts secrets FIRST…LAST into the store of STATEDIR, four at a time, and says each number once it is acknowledged. */
const [stateDir = "", first = "", last = ""] = process.argv.slice(2);
const fileSystem = new NodeFileSystem();
const { access, secrets } = createSecretStore({
  stateDir,
  kind: "key_file",
  keychainChild: { nodePath: process.execPath, scriptPath: "" },
  passphraseFiles: {},
  programs: new SystemPrograms({ environment: {}, clock: new SystemClock() }),
  fileSystem,
  writeAtomic: (path, data) => writeFileAtomic(fileSystem, path, data),
  clock: new SystemClock(),
  logger: memoryLogger(),
});
await access.probe();
const put = async (number: number): Promise<void> => {
  await secrets.put(`keys:${number}`, new Secret(canarySecretKey(`crash${number}`)));
  writeSync(1, `${number}\n`);
};
for (let number = Number(first); number <= Number(last); number += 4) {
  const batch = [0, 1, 2, 3].map((offset) => number + offset).filter((member) => member <= Number(last));
  await Promise.all(batch.map(put));
}
