import { hardenProcess } from "../../src/system/hardening.js";

hardenProcess(process);
process.on("message", () => {
  process.send?.({ umask: process.umask(0o077), excludeEnv: (process.report as { excludeEnv?: boolean }).excludeEnv });
});
process.send?.("ready");
