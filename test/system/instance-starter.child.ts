import { writeSync } from "node:fs";
import { BrokerError } from "../../src/core/errors.js";
import { SystemProcessTable } from "../../src/system/process-identity.js";
import { acquireInstanceLock } from "../../src/system/single-instance.js";

/** For each round read from stdin, `DIRECTORY\n`: tries to lock it, says `won` or an error code, and keeps what it won. */
process.stdin.on("data", (chunk: Buffer) => {
  const stateDir = chunk.toString().trim();
  try {
    acquireInstanceLock({ stateDir, pid: process.pid, processes: new SystemProcessTable() });
    writeSync(1, "won\n");
  } catch (error) {
    writeSync(1, `${error instanceof BrokerError ? error.code : String(error)}\n`);
  }
});
writeSync(1, "ready\n");
