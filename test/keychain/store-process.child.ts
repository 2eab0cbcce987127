import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { Secret } from "../../src/core/secret.js";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import { createSecretStore } from "../../src/secrets/create-secret-store.js";
import { SystemClock } from "../../src/system/clock.js";
import { SystemPrograms } from "../../src/system/run-program.js";
import { canarySecretKey } from "../support/canaries.js";
import { memoryLogger } from "../support/memory-logger.js";

/** A daemon in small: makes or unlocks the store of STATEDIR, says each step, and exits when stdin ends. */
const [stateDir = "", step = ""] = process.argv.slice(2);
const fileSystem = new NodeFileSystem();
const { access, secrets } = createSecretStore({
  stateDir,
  kind: "keychain",
  keychainChild: { nodePath: process.execPath, scriptPath: resolve("dist/keychain-child.js") },
  passphraseFiles: {},
  programs: new SystemPrograms({ environment: {}, clock: new SystemClock() }),
  fileSystem,
  writeAtomic: (path, data) => writeFileAtomic(fileSystem, path, data),
  clock: new SystemClock(),
  logger: memoryLogger(),
});
process.stdin.on("end", () => process.exit(0)).resume();
writeSync(1, "started\n");
if (step === "make") {
  await access.create({});
  await secrets.put("keys:ops", new Secret(canarySecretKey("keychain")));
  writeSync(1, "put\n");
} else {
  writeSync(1, `${(await access.unlock({})).state}\n`);
}
