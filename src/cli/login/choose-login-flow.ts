import type { LoginFlow } from "../../control-api/login-contract.js";
import { splitCommand } from "../../core/split-command.js";
import type { Environment } from "../context.js";

export interface LoginFlowOptions {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Whether a program of this name is on PATH. */
  readonly hasProgram: (name: string) => boolean;
  /** `--device` */
  readonly device: boolean;
  /** `--no-browser` */
  readonly noBrowser: boolean;
}

export interface ChosenFlow {
  readonly flow: LoginFlow;
  /** Command lines that show a URL, best first; empty: the person opens it. */
  readonly browsers: readonly (readonly string[])[];
}

/**
 * A browser on this machine can come back to us: then the code flow. Over SSH, in WSL or without a display it is on
 * another machine, or there is none: then the device flow, whose page any browser can open.
 */
export function chooseLoginFlow(options: LoginFlowOptions): ChosenFlow {
  const { env, device, noBrowser } = options;
  const overSsh = isSet(env["SSH_CONNECTION"]) || isSet(env["SSH_TTY"]);
  const browsers = overSsh ? [] : browsersOf(options);
  const flow = device || browsers.length === 0 ? "device" : "browser";
  return { flow, browsers: noBrowser ? [] : browsers };
}

/** $BROWSER, as xdg-open and Python read it: command lines with a colon between them, `%s` for the URL. */
function browsersOf(options: LoginFlowOptions): readonly (readonly string[])[] {
  const { env } = options;
  const own = (env["BROWSER"] ?? "").split(":").flatMap((line) => {
    const split = splitCommand(line);
    return "argv" in split && split.argv.length > 0 ? [split.argv] : [];
  });
  return [...own, ...platformBrowsers(options)];
}

function platformBrowsers({ env, platform, hasProgram }: LoginFlowOptions): readonly (readonly string[])[] {
  if (platform === "darwin") return [["open"]];
  if (isSet(env["WSL_DISTRO_NAME"]) || isSet(env["WSL_INTEROP"])) return hasProgram("wslview") ? [["wslview"]] : [];
  return isSet(env["DISPLAY"]) || isSet(env["WAYLAND_DISPLAY"]) ? [["xdg-open"]] : [];
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
