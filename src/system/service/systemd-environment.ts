import { cleanEnvironment } from "../clean-environment.js";
import type { SupervisorPlace } from "./supervisor.js";

/** What the unit says of the environment, beside what the user manager gives every service. */
export interface ServiceEnvironment {
  /** Which home it is: in the unit itself. */
  readonly home: Readonly<Record<string, string>>;
  /** Overrides that this shell has, in a file of mode 0600: a proxy's address may hold a password. */
  readonly carried: Readonly<Record<string, string>>;
}

/** Given by the user manager, true of this shell alone, or told to brokerctl and not to brokerd. */
const LEFT_OUT = /^(HOME|USER|PATH|LANG|TZ|LC_.*|XDG_.*|DBUS_.*|CREDENTIALS_DIRECTORY|CREDBROKER_.*)$/;
/** Set by brokerd itself, for the SDK in it. */
const OF_THE_SDK = /^AWS_(CONFIG_FILE|SHARED_CREDENTIALS_FILE|SDK_.*)$/;
/** No file is to hold it; where it matters (EKS) it is in a file already, which another variable names. */
const SECRET = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const OF_BROKERD = ["CREDBROKER_LOG_LEVEL", "CREDBROKER_PASSPHRASE_FILE"];
/** What decides where every file is. */
const PLACES = ["XDG_CONFIG_HOME", "XDG_STATE_HOME"];

/** A user service does not see the shell's variables: what brokerd would have obeyed is written down for it. */
export function serviceEnvironment(
  { env }: Pick<SupervisorPlace, "env">,
  { needsPath }: { readonly needsPath: boolean },
): ServiceEnvironment {
  const clean = cleanEnvironment(env);
  const isCarried = (name: string): boolean => !LEFT_OUT.test(name) && !OF_THE_SDK.test(name) && name !== SECRET;
  const names = [...Object.keys(clean).filter(isCarried), ...OF_BROKERD, ...(needsPath ? ["PATH"] : [])].sort();
  const home = env["CREDBROKER_HOME"] ? ["CREDBROKER_HOME"] : PLACES;
  return { home: pick(clean, home), carried: pick(clean, names) };
}

function pick(from: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = from[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
