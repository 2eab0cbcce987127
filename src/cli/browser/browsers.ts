import { join } from "node:path";
import type { Environment } from "../context.js";
import { type BrowserCommand, isExecutable, isOnPath } from "./open-url.js";

/** Where a browser may be looked for. */
export interface Machine {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  readonly homeDir: string;
}

/** A browser that has profiles. */
export interface BrowserKind {
  /** How users name it here: `edge:Work`. */
  readonly id: string;
  /** On PATH, the usual name first. */
  readonly programs: readonly string[];
  /** Of the application on macOS, and of its program. */
  readonly app: string;
  readonly appProgram: string;
  /** Directories that hold its profiles; below the home. */
  readonly linux: readonly string[];
  readonly darwin: readonly string[];
}

export const CHROMIUMS: readonly BrowserKind[] = [
  chromium("chrome", ["google-chrome", "google-chrome-stable"], {
    app: "Google Chrome",
    linux: [".config/google-chrome"],
    darwin: "Google/Chrome",
  }),
  chromium("chromium", ["chromium", "chromium-browser"], {
    app: "Chromium",
    linux: [".config/chromium", "snap/chromium/common/chromium"],
    darwin: "Chromium",
  }),
  chromium("edge", ["microsoft-edge", "microsoft-edge-stable"], {
    app: "Microsoft Edge",
    linux: [".config/microsoft-edge"],
    darwin: "Microsoft Edge",
  }),
  chromium("brave", ["brave-browser", "brave-browser-stable", "brave"], {
    app: "Brave Browser",
    linux: [".config/BraveSoftware/Brave-Browser"],
    darwin: "BraveSoftware/Brave-Browser",
  }),
  chromium("vivaldi", ["vivaldi", "vivaldi-stable"], {
    app: "Vivaldi",
    linux: [".config/vivaldi"],
    darwin: "Vivaldi",
  }),
];

export const FIREFOX: BrowserKind = {
  id: "firefox",
  programs: ["firefox", "firefox-esr"],
  app: "Firefox",
  appProgram: "firefox",
  linux: [".mozilla/firefox", ".config/mozilla/firefox", "snap/firefox/common/.mozilla/firefox"],
  darwin: ["Library/Application Support/Firefox"],
};

interface ChromiumPlaces {
  readonly app: string;
  readonly linux: readonly string[];
  readonly darwin: string;
}

function chromium(id: string, programs: readonly string[], { app, linux, darwin }: ChromiumPlaces): BrowserKind {
  const directory = `Library/Application Support/${darwin}`;
  return { id, programs, app, appProgram: app, linux, darwin: [directory] };
}

/** Where a browser may keep its profiles on this machine. */
export function profileDirectoriesOf(kind: BrowserKind, { platform, homeDir, env }: Machine): readonly string[] {
  if (platform === "darwin") return kind.darwin.map((directory) => join(homeDir, directory));
  const config = env["XDG_CONFIG_HOME"];
  return kind.linux.map((directory) => {
    const inConfig = directory.startsWith(".config/") && config?.startsWith("/") === true;
    return inConfig ? join(config, directory.slice(".config/".length)) : join(homeDir, directory);
  });
}

/** The words that start the browser with these arguments; undefined: it is not installed. */
export function commandOf(kind: BrowserKind, args: readonly string[], machine: Machine): BrowserCommand | undefined {
  const program = programOf(kind, machine);
  return program === undefined ? undefined : [program, ...args];
}

function programOf(
  { programs, app, appProgram }: BrowserKind,
  { platform, homeDir, env }: Machine,
): string | undefined {
  if (platform !== "darwin") return programs.find((name) => isOnPath(name, env));
  const inside = join(`${app}.app`, "Contents", "MacOS", appProgram);
  return ["/Applications", join(homeDir, "Applications")]
    .map((directory) => join(directory, inside))
    .find(isExecutable);
}
