#!/usr/bin/env node
import { existsSync } from "node:fs";
import type { KeychainRequest } from "./secrets/ask-keychain-child.js";
import { answerKeychainRequest } from "./secrets/keyring-item.js";
import { hardenProcess } from "./system/hardening.js";

/**
 * One keychain request per process: a JSON line in, a JSON line out. It may hang in a prompt that the user does not answer, so the
 * daemon kills it; and it kills itself when the daemon is gone, which `process.exit` could not do with a blocked thread.
 */
let input = "";
let asked = false;

hardenProcess(process);
nameSessionBus();
process.stdin.setEncoding("utf8");
process.stdin.on("end", () => process.kill(process.pid, "SIGKILL"));
process.stdin.on("data", (chunk: string) => {
  input += chunk;
  if (asked || !input.includes("\n")) return;
  asked = true;
  void answer(JSON.parse(input) as KeychainRequest);
});

async function answer(request: KeychainRequest): Promise<void> {
  const line = `${JSON.stringify(await answerKeychainRequest(request))}\n`;
  process.stdout.write(line, () => process.kill(process.pid, "SIGKILL"));
}

/** libdbus looks at the variable only; without a login session (ssh, cron) the user's bus is where systemd puts it. */
function nameSessionBus(): void {
  const bus = `${process.env["XDG_RUNTIME_DIR"] ?? ""}/bus`;
  if (bus.startsWith("/") && existsSync(bus)) process.env["DBUS_SESSION_BUS_ADDRESS"] ??= `unix:path=${bus}`;
}
