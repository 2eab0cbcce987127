import { writeSync } from "node:fs";
import { AuditLog } from "../../src/audit/audit-log.js";
import { SystemClock } from "../../src/system/clock.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { memoryLogger } from "../support/memory-logger.js";

/** Records uses of roles FIRST, FIRST+1, … in the log of STATEDIR until it is killed, and says each number once it is written. */
const [stateDir = "", first = ""] = process.argv.slice(2);
const processes = { processOf: async () => undefined, processAt: async () => undefined };
const log = new AuditLog({
  ...{ stateDir, processes, secrets: new MemorySecretStore(), clock: new SystemClock(), logger: memoryLogger() },
  redact: (text) => text,
  limits: { audit: { fileBytes: 20_000, files: 50 } },
});
await log.open();
for (let number = Number(first); ; number++) {
  log.record({ event: "use", outcome: "done", role: `role-${number}` });
  await log.flush();
  writeSync(1, `${number}\n`);
}
