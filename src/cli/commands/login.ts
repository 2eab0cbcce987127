import type { SourceView } from "../../control-api/login-contract.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import { type LoginChoice, logInAtTerminal, logInWithCode, loginChoices } from "../login/login.js";
import { cannotAsk, readStdinLine } from "../terminal/prompts.js";

export const loginCommand = defineCommand({
  name: "login",
  summary: "Log in to a source: in the browser for Identity Center, with an MFA code for keys",
  details: `One login serves every role of the source until its session ends. Without SOURCE: the one that needs it. Over SSH, in WSL
without a browser and without a display, --device is chosen by itself: it works with a browser on any machine.`,
  positionals: [{ name: "SOURCE", help: "a source of type sso, or with mfa_serial" }],
  options: {
    device: { type: "boolean", help: "sso: show a code that is confirmed in any browser" },
    "no-browser": { type: "boolean", help: "sso: print where to go, open nothing" },
    "mfa-code-stdin": { type: "boolean", help: "keys: read the MFA code from stdin, also in place of mfa_process" },
  },
  examples: [
    "brokerctl login",
    "brokerctl login corp",
    "brokerctl login corp --device",
    "brokerctl login ops-keys",
    "ykman oath accounts code -s aws | brokerctl login ops-keys --mfa-code-stdin",
  ],
  async run({ options, positionals }, context) {
    const choice = await chosen(positionals[0], context);
    refuseForeignFlags(choice, options);
    if (choice.type === "sso") {
      const { logInToSso } = await import("../login/sso-login.js");
      await logInToSso(context, choice.name, { device: options.device, noBrowser: options["no-browser"] });
    } else if (options["mfa-code-stdin"]) {
      await logInWithCode(context, choice.name, await readStdinLine(context, "--mfa-code-stdin"));
    } else {
      await askAndLogIn(choice, context);
    }
  },
});

/** A flag that would do nothing is a misunderstanding. */
function refuseForeignFlags({ name, type }: LoginChoice, options: Readonly<Record<string, boolean>>): void {
  const foreign = type === "sso" ? ["mfa-code-stdin"] : ["device", "no-browser"];
  const given = foreign.find((flag) => options[flag]);
  if (given === undefined) return;
  throw new BrokerError("UsageInvalid", `--${given} is not for ${name}, a source of type ${type}`, {
    hint: `brokerctl login ${name}`,
  });
}

async function askAndLogIn(choice: LoginChoice, context: CliContext): Promise<void> {
  if (!context.interactive && !choice.mfaProcess) {
    throw cannotAsk(
      `the MFA code of ${choice.mfaSerial ?? choice.name}`,
      `brokerctl login ${choice.name} --mfa-code-stdin`,
    );
  }
  await logInAtTerminal(context, choice);
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
      "no source of the config takes a login: none is of type sso, none has an mfa_serial",
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
      `the source ${name} takes no login: it is not of type sso and has no mfa_serial`,
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
