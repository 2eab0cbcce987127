import { oneLine } from "./run-tool.js";
import type { SupervisorPlace } from "./supervisor.js";
import { confinement } from "./systemd-units.js";

const TRIAL_LIMIT_MS = 20_000;

/** systemd.exec(5), "Process Exit Codes". */
const USER_NAMESPACE_REFUSED = 217;
const CAPABILITIES_REFUSED = 218;
const NAMESPACES_REFUSED = 226;
const REFUSED: readonly (number | null)[] = [USER_NAMESPACE_REFUSED, CAPABILITIES_REFUSED, NAMESPACES_REFUSED];
const MAX_SAID = 300;

/** What brokerd needs under the drop-in: to write its state, and to see the processes that hold leases. */
const TRIAL = `
const { writeFileSync, rmSync, readFileSync } = require("node:fs");
const [state, runtime, pid] = process.argv.slice(1);
for (const directory of [state, runtime]) {
  const file = directory + "/.service-trial-" + process.pid;
  writeFileSync(file, "");
  rmSync(file);
}
readFileSync("/proc/" + pid + "/stat");
`;

/**
 * Runs a program as confined as the drop-in would run brokerd. Undefined: all is well; else why not, in a few words. Where
 * user namespaces are forbidden (containers, Ubuntu's AppArmor) a unit that asks for them does not start at all.
 */
export async function tryConfinement(place: SupervisorPlace): Promise<string | undefined> {
  const { nodePath, paths, run } = place;
  const properties = (await confinement(place)).map((setting) => `--property=${setting}`);
  const { code, stderr } = await run(
    "systemd-run",
    [
      ...["--user", "--wait", "--collect", "--quiet", "--pipe", ...properties, "--"],
      ...[nodePath, "--eval", TRIAL, "--", paths.stateDir, paths.runtimeDir, String(process.pid)],
    ],
    { limitMs: TRIAL_LIMIT_MS },
  );
  if (code === 0) return undefined;
  if (REFUSED.includes(code)) return "this system does not let users make namespaces";
  const said = oneLine(stderr);
  return said === "" ? `a trial ended with exit code ${code ?? "none"}` : said.slice(-MAX_SAID);
}
