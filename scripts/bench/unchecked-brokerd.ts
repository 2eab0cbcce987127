import { hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { startDaemon } from "../../src/daemon/daemon.js";
import { SystemClock } from "../../src/system/clock.js";
import { resolvePaths } from "../../src/system/paths.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { createLogger } from "../../src/system/pino-logger.js";

/** brokerd, from the sources, as it is where the system does not tell whose program asks: for a row of the bench. Arguments are ignored. */
const clock = new SystemClock();
const daemon = await startDaemon({
  paths: resolvePaths({
    env: process.env,
    platform: process.platform,
    homeDir: userInfo().homedir,
    uid: userInfo().uid,
  }),
  environment: process.env,
  ...{ clock, logger: createLogger({ level: "error", destination: process.stderr }) },
  peers: new ProcPeers({ clock, notChecked: "the bench measures without it" }),
  ...{ random: Math.random, version: "bench", pid: process.pid, user: userInfo().username, host: hostname() },
  keychainChild: { nodePath: process.execPath, scriptPath: resolve("dist/keychain-child.js") },
  pageDirectory: resolve("dist/page"),
  supervised: true,
  onStopRequested: () => process.exit(),
});
process.once("SIGTERM", () => void daemon.stop().then(() => process.exit()));
