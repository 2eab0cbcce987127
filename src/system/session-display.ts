import type { RunTool } from "./service/supervisor.js";

/** The variables by which a program finds the screen of the user's session. */
export type Display = Readonly<Record<string, string>>;

/** Those that say where the screen is; nothing else of an environment reaches a dialog. */
const VARIABLES = [...["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"]] as const;

const MAX_VALUE = 1024;

/** Of these variables those that are the screen's; undefined: they name none. */
function displayIn(environment: Readonly<Record<string, string | undefined>>): Display | undefined {
  const entries = VARIABLES.map((name) => [name, environment[name]] as const).filter(
    (entry): entry is [(typeof VARIABLES)[number], string] => isPlain(entry[1]),
  );
  const names = entries.map(([name]) => name);
  return names.includes("DISPLAY") || names.includes("WAYLAND_DISPLAY") ? Object.fromEntries(entries) : undefined;
}

function isPlain(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value.length <= MAX_VALUE && !/\p{Cc}/u.test(value);
}

/** Where the screen of the user's session is; what programs that ask for a role say of theirs is never taken. */
export class SessionDisplay {
  readonly #run: RunTool;
  readonly #platform: NodeJS.Platform;
  #told: Display | undefined;

  constructor(platform: NodeJS.Platform, run: RunTool) {
    this.#platform = platform;
    this.#run = run;
  }

  /** By who has just proved to be the user. */
  tell(environment: Readonly<Record<string, string | undefined>>): void {
    this.#told = displayIn(environment) ?? this.#told;
  }

  async current(): Promise<Display | undefined> {
    // Quartz needs no variable.
    if (this.#platform === "darwin") return {};
    return this.#told ?? displayOfManager(this.#run);
  }
}

/**
 * What the user's service manager says of the session: it was told by the session itself when that began. Values that it
 * quotes (`$'…'`) hold what no screen's name holds, and are passed over.
 */
async function displayOfManager(run: RunTool): Promise<Display | undefined> {
  const { code, stdout } = await run("/usr/bin/systemctl", ["--user", "show-environment"], { limitMs: 5000 });
  if (code !== 0) return undefined;
  const pairs = stdout.split("\n").map((line) => /^([A-Z_]+)=((?!\$').*)$/.exec(line));
  return displayIn(Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1] ?? "", pair[2] ?? ""]] : []))));
}
