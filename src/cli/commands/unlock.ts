import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { defineCommand } from "../command.js";
import { passphraseAsker, passphraseOfStdin } from "../config/passphrase.js";
import type { CliContext, Environment } from "../context.js";

const ATTEMPTS = 3;

export const unlockCommand = defineCommand({
  name: "unlock",
  summary: "Open the secret store again",
  details:
    "The only command that may raise a prompt of the keychain. A passphrase is typed without echo or piped in; without a terminal `askpass` of the config asks for it.",
  options: { "passphrase-stdin": { type: "boolean", help: "read the passphrase from stdin" } },
  examples: ["brokerctl unlock", "pass show credbroker | brokerctl unlock --passphrase-stdin"],
  async run({ options }, context) {
    const { daemon } = await context.client.call("status", {});
    const wantsPassphrase = daemon.secretStore === "passphrase";
    if (options["passphrase-stdin"] && !wantsPassphrase) {
      throw new BrokerError(
        "UsageInvalid",
        `the secret store is ${daemon.secretStore}: --passphrase-stdin has no use`,
        {
          hint: "brokerctl unlock",
        },
      );
    }
    if (wantsPassphrase && daemon.state === "ready") {
      context.output.say("the secret store is open already");
      return;
    }
    const { warnings } = wantsPassphrase
      ? await unlockWithPassphrase(options["passphrase-stdin"], context)
      : await context.client.call("unlock", {});
    context.output.say("unlocked");
    for (const warning of warnings) context.output.warn(warning);
  },
});

async function unlockWithPassphrase(fromStdin: boolean, context: CliContext): Promise<ControlResponse<"unlock">> {
  if (fromStdin) return unlockWith(await passphraseOfStdin(context), context);
  const ask = await passphraseAsker(context);
  if (!ask) return context.client.call("unlock", {});
  let problem: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const passphrase = await ask(problem);
    try {
      return await unlockWith(passphrase, context);
    } catch (error) {
      const again = error instanceof BrokerError && error.code === "StoreLocked";
      if (!again || attempt === ATTEMPTS) throw error;
      problem = error.message;
      context.output.say(problem);
    }
  }
}

function unlockWith(passphrase: string, { client, env }: CliContext): Promise<ControlResponse<"unlock">> {
  return client.call("unlock", { passphrase, display: displayOf(env) });
}

/** Where this session's screen is, for guards that ask in a dialog: brokerd takes it from who has the passphrase only. */
function displayOf(env: Environment): Record<string, string> {
  const names = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"];
  return Object.fromEntries(
    names.map((name) => [name, env[name]]).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
