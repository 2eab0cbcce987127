import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const OTHER_UID = 65_534;
/** As text: where the tests lie may be closed to other users. */
const SCRIPT = readFileSync(join(import.meta.dirname, "port-thief.py"), "utf8");

export interface Theft {
  readonly attempts: number;
  readonly taken: number;
  readonly unexpected: readonly string[];
}

/** Another user who tries to get `port` while `during` runs. */
export async function stealWhile(port: number, during: () => Promise<void>): Promise<Theft> {
  const child = spawn("python3", ["-c", SCRIPT, String(port)], {
    ...{ uid: OTHER_UID, gid: OTHER_UID, cwd: "/", env: { PATH: "/usr/bin:/bin" } },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "close");
  await once(child.stdout, "data");
  await during();
  child.stdin.end();
  await ended;
  return JSON.parse(said.trim().split("\n").at(-1) ?? "") as Theft;
}
