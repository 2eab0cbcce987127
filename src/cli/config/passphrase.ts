import { BrokerError } from "../../core/errors.js";
import { passphraseProblem } from "../../core/passphrase-problem.js";
import type { CliContext } from "../context.js";
import { readStdinLine } from "../terminal/prompts.js";

const STDIN_FLAG = "--passphrase-stdin";

/**
 * Who can be asked for the passphrase: the user at the terminal, or by the `askpass` of the config. `problem`: of the one
 * before. undefined: no one; then the daemon looks into CREDBROKER_PASSPHRASE_FILE.
 */
export async function passphraseAsker(
  context: CliContext,
): Promise<((problem?: string) => Promise<string>) | undefined> {
  if (context.env["CREDBROKER_PASSPHRASE_FILE"]) return undefined;
  if (context.interactive) return () => context.prompts.secret("Passphrase");
  const { askpassOf } = await import("../terminal/askpass.js");
  const askpass = await askpassOf(context);
  if (!askpass) return undefined;
  const about = ["Passphrase of credbroker's secret store"];
  const unanswered = { code: "StoreLocked", hint: "brokerctl unlock" } as const;
  return (problem) => askpass({ prompt: "Passphrase", about, unanswered }, problem);
}

/** Piped in. */
export function passphraseOfStdin(context: CliContext): Promise<string> {
  return readStdinLine(context, STDIN_FLAG);
}

/** A new one is typed twice: a slip could not be found out later. Undefined: the daemon reads CREDBROKER_PASSPHRASE_FILE. */
export async function newPassphrase(fromStdin: boolean, context: CliContext): Promise<string | undefined> {
  if (fromStdin) {
    const piped = await readStdinLine(context, STDIN_FLAG);
    const problem = passphraseProblem(piped);
    if (problem === undefined) return piped;
    throw new BrokerError("UsageInvalid", problem, { hint: "use several words, and run the same command again" });
  }
  if (context.env["CREDBROKER_PASSPHRASE_FILE"]) return undefined;
  if (!context.interactive) {
    throw new BrokerError(
      "UsageInvalid",
      "secret_store passphrase needs a passphrase, and there is no terminal to ask at",
      {
        hint: "CREDBROKER_PASSPHRASE_FILE=FILE brokerctl init --secret-store passphrase (or --passphrase-stdin)",
      },
    );
  }
  for (;;) {
    const first = await context.prompts.secret("New passphrase for the secret store");
    const problem = passphraseProblem(first);
    if (problem !== undefined) context.output.say(`${problem}; use several words`);
    else if (first === (await context.prompts.secret("The same again"))) return first;
    else context.output.say("the two differ");
  }
}
