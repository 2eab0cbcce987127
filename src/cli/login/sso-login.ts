import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { platform } from "node:os";
import { delimiter, join } from "node:path";
import type { ControlResponse } from "../../control-api/contract.js";
import type { LoginFlow } from "../../control-api/login-contract.js";
import { splitCommand } from "../../core/split-command.js";
import type { CliContext, Environment } from "../context.js";
import { until } from "../terminal/when.js";

interface SsoLoginOptions {
  readonly device: boolean;
  readonly noBrowser: boolean;
}

type Started = ControlResponse<"login-start">;

/** Starts a login to Identity Center, shows the user where to go, and waits; Ctrl-C leaves it. */
export async function logInToSso(context: CliContext, source: string, options: SsoLoginOptions): Promise<void> {
  const { client, output, env, clock } = context;
  const hasProgram = (name: string): boolean => isOnPath(name, env);
  const { flow, browsers } = chooseLoginFlow({ ...options, env, platform: platform(), hasProgram });
  const started = await client.call("login-start", { source, flow });
  // Waited for from now on: whatever happens to the browser, the login lives as long as this call.
  const waiting = client.call("login-wait", { loginId: started.loginId });
  waiting.catch(() => undefined);
  if (!started.isDone) await show(started, { context, browsers });
  const { expiresAt } = await waiting;
  output.say(`logged in to ${source} until ${until(expiresAt, clock.now())}`);
}

async function show(
  { url, userCode, joined }: Started,
  { context, browsers }: { readonly context: CliContext; readonly browsers: readonly (readonly string[])[] },
): Promise<void> {
  const { output, env } = context;
  // The command that started it has opened the browser already.
  const isOpened = !joined && (await openBrowser(browsers, url, env));
  if (joined) output.say("a login is under way already; this command joins it:");
  output.say(
    isOpened ? "Log in in your browser. If it does not open, go to:" : "To log in, open this page in a browser:",
  );
  output.say(`\n  ${url}\n`);
  if (userCode === null) {
    if (!isOpened) output.say("The browser must be on this machine; brokerctl login --device works with any.");
  } else output.say(`Go on only if the page shows the code  ${userCode}`);
  output.say("Waiting. Ctrl-C ends the login.");
}

/** Shows the URL with the first command that starts; false: none does. It lives on without us. */
async function openBrowser(browsers: readonly (readonly string[])[], url: string, env: Environment): Promise<boolean> {
  for (const argv of browsers) if (await starts(withUrl(argv, url), env)) return true;
  return false;
}

/** Whether a program of this name is on PATH. */
function isOnPath(name: string, env: Environment): boolean {
  return (env["PATH"] ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function withUrl(argv: readonly string[], url: string): readonly string[] {
  return argv.some((word) => word.includes("%s")) ? argv.map((word) => word.replaceAll("%s", url)) : [...argv, url];
}

/** Without a shell, and without our terminal: what a browser prints does not belong here. */
function starts([program = "", ...args]: readonly string[], env: Environment): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", detached: true, env });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

interface LoginFlowOptions {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Whether a program of this name is on PATH. */
  readonly hasProgram: (name: string) => boolean;
  /** `--device` */
  readonly device: boolean;
  /** `--no-browser` */
  readonly noBrowser: boolean;
}

interface ChosenFlow {
  readonly flow: LoginFlow;
  /** Command lines that show a URL, best first; empty: the user opens it. */
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
