import { dirname } from "node:path";
import { cleanEnvironment } from "./clean-environment.js";
import type { SupervisorPlace } from "./supervisor.js";

/** Set by launchd itself, true of this shell alone, or told to brokerctl and not to brokerd. */
const LEFT_OUT = /^(HOME|USER|PATH|LANG|TZ|LC_.*|XDG_.*|DBUS_.*|CREDENTIALS_DIRECTORY|CREDBROKER_(HOME|NO_AUTOSTART))$/;
const SDK_OWN = /^(AWS_(CONFIG_FILE|SHARED_CREDENTIALS_FILE|SDK_|CONTAINER_)|AWS_EC2_)/;

/**
 * The variables of the LaunchAgent: where everything lies, and those overrides of brokerd's allow-list that this shell
 * has. Never NODE_OPTIONS or the like: cleanEnvironment does not know them.
 */
export function carriedIntoLaunchd(
  { env, paths }: SupervisorPlace,
  { needsPath }: { readonly needsPath: boolean },
): { readonly environment: Readonly<Record<string, string>>; readonly notes: readonly string[] } {
  const overrides = Object.entries(cleanEnvironment(env)).filter(
    ([name]) => !LEFT_OUT.test(name) && !SDK_OWN.test(name),
  );
  const path = env["PATH"];
  const carriesPath = needsPath && path !== undefined && path !== "";
  const names = [...overrides.map(([name]) => name), ...(carriesPath ? ["PATH"] : [])].sort();
  return {
    environment: {
      CREDBROKER_HOME: dirname(paths.configFile),
      ...Object.fromEntries(overrides.sort(([one], [other]) => (one < other ? -1 : 1))),
      ...(carriesPath && { PATH: path }),
    },
    notes: names.length === 0 ? [] : [`carried over from this shell: ${names.join(" ")}`],
  };
}
