/** brokerd whose endpoint answers nothing from memory before its app; started as the real one, with `--log-file FILE`. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { toBrokerError } from "../../../src/core/errors.js";
import { startDaemon } from "../../../src/daemon/daemon.js";
import { SystemClock } from "../../../src/system/clock.js";
import { openLogFile } from "../../../src/system/log-file.js";
import { homeDirectory, resolvePaths } from "../../../src/system/paths.js";
import { ProcPeers } from "../../../src/system/peer-identity.js";
import { createLogger } from "../../../src/system/pino-logger.js";

const { values } = parseArgs({ options: { "log-file": { type: "string", default: "" } } });
const clock = new SystemClock();
const log = await openLogFile({ path: values["log-file"], clock });
const uid = process.getuid?.() ?? -1;
const logger = createLogger({ level: "info", destination: log });
const daemon = await startDaemon({
  paths: resolvePaths({ env: process.env, platform: process.platform, homeDir: homeDirectory(), uid }),
  environment: process.env,
  ...{ clock, logger, fromMemory: false },
  peers: new ProcPeers({ clock }),
  rotateLog: () => log.rotate(),
  random: Math.random,
  version: "0.0.0-test",
  pid: process.pid,
  ...{ user: "victim", host: hostname() },
  keychainChild: { nodePath: process.execPath, scriptPath: resolve("dist/keychain-child.js") },
  pageDirectory: resolve("dist/page"),
  supervised: true,
  onStopRequested: () => process.exit(),
}).catch(async (error: unknown) => {
  const { code, hint, message } = toBrokerError(error);
  logger.error({ code, hint }, `not started: ${message}`);
  await log.close();
  throw error;
});
process.on("SIGTERM", () => void daemon.stop().then(() => process.exit()));
