import { platform } from "node:os";
import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { Secret } from "../../core/secret.js";
import { ProcPeers } from "../../system/peer-identity.js";
import type { CliContext } from "../context.js";
import { until } from "../terminal/when.js";
import type { Machine } from "./browsers.js";
import { type BrowserCommand, isOnPath, openUrl, ownBrowsers } from "./open-url.js";

type Console = ControlResponse<"console">;

/** The browser that was chosen: it is there, and takes what it is given. */
export interface ConsoleOpener {
  open(found: Console): Promise<void>;
}

export interface ChosenBrowser {
  readonly profile: string | undefined;
  readonly container: boolean;
}

/** A browser that starts anew, on a busy machine. */
const PATIENCE_MS = 60_000;

/** Rejects where there is no such browser, before anything was asked for it. */
export async function consoleOpener(chosen: ChosenBrowser, context: CliContext): Promise<ConsoleOpener> {
  const { env, homeDir } = context;
  const machine: Machine = { env, homeDir, platform: platform() };
  if (chosen.container) {
    const { colourOf, containerOpener } = await import("./firefox-container.js");
    const { command, wrap } = await containerOpener(machine);
    const wrapped =
      ({ role, accountId }: Console) =>
      (url: string) =>
        wrap(url, { name: role, colour: colourOf(accountId ?? role) });
    return { open: (found) => show(found, { commands: [command], wrap: wrapped(found) }, context) };
  }
  const commands = await commandsFor(chosen, machine);
  return { open: (found) => show(found, { commands, wrap: (url) => url }, context) };
}

async function commandsFor({ profile }: ChosenBrowser, machine: Machine): Promise<readonly BrowserCommand[]> {
  if (profile !== undefined) {
    const { profileCommand } = await import("./browser-profiles.js");
    return [await profileCommand(profile, machine)];
  }
  const { env } = machine;
  const commands = ownBrowsers({ ...machine, hasProgram: (name) => isOnPath(name, env) });
  if (commands.length > 0) return commands;
  throw new BrokerError(
    "UsageInvalid",
    "there is no browser on this machine to open: no display, or this is a shell over SSH",
    {
      hint: "brokerctl console ROLE --print",
    },
  );
}

interface Showing {
  readonly commands: readonly BrowserCommand[];
  readonly wrap: (url: string) => string;
}

/** What signs in never stands in the browser's command line: it gets a page of ours that leads there once. */
async function show(found: Console, { commands, wrap }: Showing, context: CliContext): Promise<void> {
  const { output, env, clock } = context;
  if (found.way !== "federated") {
    await start(found, { commands, env }, wrap(found.url));
    output.say(`opened ${whose(found)}: the browser signs in by itself, or asks you to`);
    return;
  }
  const { handOver } = await import("./hand-over.js");
  const page = await handOver(new Secret(found.url), new ProcPeers({ clock }));
  try {
    await start(found, { commands, env }, wrap(page.url));
    await output.progress.during("waiting for the browser", () => inTime(page.taken, found, context));
    output.say(`signed in to ${whose(found)} until ${until(found.until, clock.now())}`);
  } finally {
    if (page.refused() > 0) output.warn("another user's program asked for the page that signs in, and was refused");
    await page.close();
  }
}

async function start(
  { role }: Console,
  { commands, env }: Pick<Showing, "commands"> & Pick<CliContext, "env">,
  url: string,
): Promise<void> {
  if (await openUrl(commands, url, env)) return;
  const program = commands[0]?.[0] ?? "the browser";
  throw new BrokerError("Conflict", `${program} does not start`, { hint: `brokerctl console ${role} --print` });
}

function inTime(taken: Promise<void>, { role }: Console, { clock }: CliContext): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(PATIENCE_MS, () => {
      const message = `no browser came for the console of ${role} within ${PATIENCE_MS / 1000} s`;
      reject(new BrokerError("Conflict", message, { hint: `brokerctl console ${role} --print` }));
    });
    void taken.then(() => {
      cancel();
      resolve();
    });
  });
}

function whose({ role, accountId, region }: Console): string {
  const account = accountId === null ? "" : `account ${accountId}, `;
  return `the console as ${role} (${account}${region})`;
}
