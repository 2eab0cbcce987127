import { platform } from "node:os";
import type { ControlResponse } from "../../control-api/contract.js";
import type { LoginFlow } from "../../control-api/login-contract.js";
import { BrokerError } from "../../core/errors.js";
import { type BrowserCommand, type Desktop, isOnPath, openUrl, ownBrowsers } from "../browser/open-url.js";
import type { CliContext } from "../context.js";
import { cannotAsk } from "../terminal/prompts.js";
import { until } from "../terminal/when.js";

interface SsoLoginOptions {
  readonly device: boolean;
  readonly noBrowser: boolean;
}

type Started = ControlResponse<"login-start">;

/** Starts a login to Identity Center or the console, shows the user where to go, and waits; Ctrl-C leaves it. */
export async function logInByBrowser(context: CliContext, source: string, options: SsoLoginOptions): Promise<void> {
  const { client, output, env, clock } = context;
  const hasProgram = (name: string): boolean => isOnPath(name, env);
  const { flow, browsers } = chooseLoginFlow({ ...options, env, platform: platform(), hasProgram });
  const started = await client.call("login-start", { source, flow });
  // Waited for from now on: whatever happens to the browser, the login lives as long as this call.
  const waiting = client.call("login-wait", { loginId: started.loginId });
  waiting.catch(() => undefined);
  if (!started.isDone) await show(started, { context, browsers });
  if (started.takesCode === true) await enterCode({ source, ...started }, context);
  const { expiresAt } = await waiting;
  output.say(`logged in to ${source} until ${until(expiresAt, clock.now())}`);
}

async function show(
  { url, userCode, joined, takesCode }: Started,
  { context, browsers }: { readonly context: CliContext; readonly browsers: readonly BrowserCommand[] },
): Promise<void> {
  const { output, env } = context;
  // The command that started it has opened the browser already.
  const isOpened = !joined && (await openUrl(browsers, url, env));
  if (joined) output.say("a login is under way already; this command joins it:");
  output.say(
    isOpened ? "Log in in your browser. If it does not open, go to:" : "To log in, open this page in a browser:",
  );
  output.say(`\n  ${url}\n`);
  if (takesCode === true) {
    output.say("It may be on any machine. At its end the page shows a code: copy it to here.");
    return;
  }
  if (userCode === null) {
    if (!isOpened) output.say("The browser must be on this machine; brokerctl login --device works with any.");
  } else output.say(`Go on only if the page shows the code  ${userCode}`);
  output.say("Waiting. Ctrl-C ends the login.");
}

/** One that is copied wrong costs nothing; a third wrong one is not a slip. */
const ATTEMPTS = 3;

interface AwaitedCode {
  readonly source: string;
  readonly loginId: string;
}

async function enterCode({ source, loginId }: AwaitedCode, context: CliContext): Promise<void> {
  if (!context.interactive)
    throw cannotAsk("the code of the page", `brokerctl login ${source} --device    # at a terminal`);
  for (let attempt = 1; ; attempt++) {
    const code = await context.prompts.line("Code that the page shows");
    try {
      await context.client.call("login-code", { loginId, code });
      return;
    } catch (error) {
      const isWrong = error instanceof BrokerError && error.code === "UsageInvalid";
      if (!isWrong || attempt === ATTEMPTS) throw error;
      context.output.say(error.message);
    }
  }
}

interface LoginFlowOptions extends Desktop {
  /** `--device` */
  readonly device: boolean;
  /** `--no-browser` */
  readonly noBrowser: boolean;
}

interface ChosenFlow {
  readonly flow: LoginFlow;
  /** Empty: the user opens it. */
  readonly browsers: readonly BrowserCommand[];
}

/**
 * A browser on this machine can come back to us: then the code flow. Over SSH, in WSL or without a display it is on
 * another machine, or there is none: then the device flow, whose page any browser can open.
 */
export function chooseLoginFlow({ device, noBrowser, ...desktop }: LoginFlowOptions): ChosenFlow {
  const browsers = ownBrowsers(desktop);
  const flow = device || browsers.length === 0 ? "device" : "browser";
  return { flow, browsers: noBrowser ? [] : browsers };
}
