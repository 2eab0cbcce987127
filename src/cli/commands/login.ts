import type { SourceView } from "../../control-api/login-contract.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import {
  isInBrowser,
  type LoginChoice,
  logInAtTerminal,
  logInByAskpass,
  logInWithCode,
  loginChoices,
} from "../login/login.js";
import { cannotAsk, readStdinLine } from "../terminal/prompts.js";
import { until } from "../terminal/when.js";

export const loginCommand = defineCommand({
  name: "login",
  summary: "Log in to a source: in the browser for Identity Center and the console, with an MFA code for keys",
  details: `One login serves every role of the source until its session ends. Without SOURCE: the one that needs it. Where the session
is still good nothing is asked; one of an MFA code counts as good until 15 minutes before its end. Over SSH, in WSL without a browser and
without a display, --device is chosen by itself: it works with a browser on any machine. Of a console_login the
page then shows a code, which is typed here.`,
  positionals: [{ name: "SOURCE", help: "a source of type sso or console_login, or with mfa_serial" }],
  options: {
    device: { type: "boolean", help: "sso, console_login: a browser on any machine, with a code" },
    "no-browser": { type: "boolean", help: "sso, console_login: print where to go, open nothing" },
    force: { type: "boolean", help: "log in anew, also while the session is good" },
    "mfa-code-stdin": { type: "boolean", help: "keys: read the MFA code from stdin, also in place of mfa_process" },
  },
  examples: [
    "brokerctl login",
    "brokerctl login corp",
    "brokerctl login corp --device",
    "brokerctl login corp --force",
    "brokerctl login ops-keys",
    "ykman oath accounts code -s aws | brokerctl login ops-keys --mfa-code-stdin",
  ],
  async run({ options, positionals }, context) {
    const choice = await chosen(positionals[0], context);
    refuseForeignFlags(choice, options);
    if (!options.force && isGood(choice, context.clock.now())) {
      tellGood(choice, context);
    } else if (isInBrowser(choice)) {
      const { logInByBrowser } = await import("../login/sso-login.js");
      await logInByBrowser(context, choice.name, { device: options.device, noBrowser: options["no-browser"] });
    } else if (options["mfa-code-stdin"]) {
      await logInWithCode(context, choice.name, await readStdinLine(context, "--mfa-code-stdin"));
    } else {
      await askAndLogIn(choice, context);
    }
  },
});

/** A session of less than that is worth a code before its end: a role on it may live for an hour. */
const WORTH_A_CODE_MS = 15 * 60_000;

/** Of Identity Center only the access token's end is known, which is renewed by itself: that there is a login is enough. */
function isGood({ type, needs, expiresAt }: LoginChoice, now: number): boolean {
  if (needs !== null) return false;
  return type === "sso" || (expiresAt !== null && expiresAt - now >= WORTH_A_CODE_MS);
}

function tellGood({ name, type, expiresAt }: LoginChoice, { output, clock }: CliContext): void {
  const end = type === "sso" ? "" : ` until ${until(expiresAt, clock.now())}`;
  output.say(`logged in to ${name} already${end}`);
  output.hint(`brokerctl login ${name} --force, to log in anew`);
}

/** A flag that would do nothing is a misunderstanding. */
function refuseForeignFlags(choice: LoginChoice, options: Readonly<Record<string, boolean>>): void {
  const { name, type } = choice;
  const foreign = isInBrowser(choice) ? ["mfa-code-stdin"] : ["device", "no-browser"];
  const given = foreign.find((flag) => options[flag]);
  if (given === undefined) return;
  throw new BrokerError("UsageInvalid", `--${given} is not for ${name}, a source of type ${type}`, {
    hint: `brokerctl login ${name}`,
  });
}

async function askAndLogIn(choice: LoginChoice, context: CliContext): Promise<void> {
  if (context.interactive || choice.mfaProcess) return logInAtTerminal(context, choice);
  if (await logInByAskpass(context, choice)) return;
  throw cannotAsk(
    `the MFA code of ${choice.mfaSerial ?? choice.name}`,
    `brokerctl login ${choice.name} --mfa-code-stdin`,
  );
}

async function chosen(name: string | undefined, context: CliContext): Promise<LoginChoice> {
  const choices = await loginChoices(context);
  if (name === undefined) return theOneThatNeedsIt(choices);
  const choice = choices.find((candidate) => candidate.name === name);
  if (choice) return choice;
  const { sources, leftOut = [] } = await context.client.call("status", {});
  const error = leftOut.find((entry) => entry.kind === "source" && entry.name === name)?.error;
  throw error ? new BrokerError(error.code, error.message, { hint: error.hint }) : noLoginFor(name, sources);
}

function theOneThatNeedsIt(choices: readonly LoginChoice[]): LoginChoice {
  const needing = choices.filter(({ needs }) => needs !== null);
  if (needing.length === 1 && needing[0]) return needing[0];
  const able = choices.map(({ name }) => name);
  if (able.length === 0) {
    throw new BrokerError(
      "UsageInvalid",
      "no source of the config takes a login: none is of type sso or console_login, none has an mfa_serial",
      {
        hint: "brokerctl source add --help",
      },
    );
  }
  const why =
    needing.length === 0 ? "no source needs a login now" : `${needing.map(({ name }) => name).join(", ")} need a login`;
  throw new BrokerError("UsageInvalid", `${why}: name one of ${able.join(", ")}`, {
    hint: `brokerctl login ${able[0] ?? ""}`,
  });
}

function noLoginFor(name: string, sources: readonly SourceView[]): BrokerError {
  if (sources.some((source) => source.name === name)) {
    return new BrokerError(
      "UsageInvalid",
      `the source ${name} takes no login: it is not of type sso or console_login and has no mfa_serial`,
      {
        hint: "brokerctl roles",
      },
    );
  }
  const near = nearestName(
    name,
    sources.map((source) => source.name),
  );
  return new BrokerError("SourceUnknown", `there is no source '${name}'`, {
    hint: near === undefined ? "brokerctl status" : `did you mean brokerctl login ${near}?`,
  });
}
