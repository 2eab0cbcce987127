import { BrokerError, type BrokerErrorCode } from "../../core/errors.js";
import { callingProcess } from "../../system/calling-process.js";
import type { CliContext } from "../context.js";
import { statusPart } from "../daemon/status-part.js";
import { askByPinentry } from "./pinentry.js";

export interface AskedSecret {
  /** `MFA code`. */
  readonly prompt: string;
  /** What it is for, a line each. */
  readonly about: readonly string[];
  /** What is left to do where no answer comes. */
  readonly unanswered: { readonly code: BrokerErrorCode; readonly hint: string };
}

/** Asks once; `problem`: why again. Rejects as `unanswered` says. */
export type Askpass = (asked: AskedSecret, problem?: string) => Promise<string>;

/**
 * The user, by the program that `askpass` of the config names; for where there is no terminal to ask at. undefined: the
 * config does not name one, and nothing is shown that the user did not want.
 */
export async function askpassOf(context: CliContext): Promise<Askpass | undefined> {
  const program = await statusPart(context.client, { rows: 1 }).then(
    ({ daemon }) => daemon.askpass,
    () => undefined,
  );
  if (program === undefined) return undefined;
  return async ({ prompt, about, unanswered }, problem) => {
    const lines = [...about, `Asked by: ${await askerOf(context)}`, "If you do not expect this, cancel."];
    const question = { title: `credbroker: ${prompt}`, lines, prompt, problem };
    const given = await askByPinentry(question, { program, env: context.env, clock: context.clock });
    if (given.answer === "typed") return given.text;
    const { code, hint } = unanswered;
    if (given.answer === "impossible") {
      throw new BrokerError(code, `the ${prompt} is needed, and askpass cannot ask: ${given.why}`, {
        hint: `${hint} (or: ${given.hint})`,
      });
    }
    const why = given.answer === "timeout" ? "no answer came in time" : "it was cancelled";
    throw new BrokerError(code, `the ${prompt} is needed, and ${why}`, { hint });
  };
}

/** The name is what the program calls itself. */
async function askerOf({ pid }: CliContext): Promise<string> {
  const caller = await callingProcess(pid);
  if (!caller) return `a program that has ended (it started brokerctl, pid ${pid})`;
  return `${caller.program}, pid ${caller.pid}${caller.cwd === undefined ? "" : `, in ${caller.cwd}`}`;
}
