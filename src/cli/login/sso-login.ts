import { platform } from "node:os";
import type { ControlResponse } from "../../control-api/contract.js";
import type { CliContext } from "../context.js";
import { until } from "../terminal/when.js";
import { chooseLoginFlow } from "./choose-login-flow.js";
import { isOnPath, openBrowser } from "./open-browser.js";

export interface SsoLoginOptions {
  readonly device: boolean;
  readonly noBrowser: boolean;
}

type Started = ControlResponse<"login-start">;

/** Starts a login to Identity Center, shows the person where to go, and waits; Ctrl-C leaves it. */
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
  // Whoever started it has the browser open already.
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
