import type { ControlRequest } from "../../control-api/contract.js";
import type { ConfirmAnswer, GuardTarget, QuestionView } from "../../control-api/guard-contract.js";
import type { LeaseView, WantedScope } from "../../control-api/lease-contract.js";
import { quotedReason } from "../../core/access-request.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { wrapped } from "../terminal/table.js";
import { until } from "../terminal/when.js";

/** Of every command that leads to a role. */
export const REASON_OPTION = {
  type: "string",
  value: "TEXT",
  help: "why, for a role whose guard asks it: shown to who confirms, and on record",
} as const;

export interface WantedRole {
  /** null: the role that `--via` has by default. */
  readonly role: string | null;
  readonly target: GuardTarget;
  readonly forSeconds?: number | undefined;
  readonly reason?: string | undefined;
  /** Of a lease that is to be made. */
  readonly scope?: WantedScope | undefined;
}

/** To be spread into the request that follows. */
export interface Confirmed {
  readonly confirmation?: string;
}

/** What a lease that is made is narrowed by, too. */
export interface NarrowedTerms extends Confirmed {
  readonly scope?: WantedScope;
}

/** A passphrase may be mistyped; a third wrong one is not a slip. */
const ATTEMPTS = 3;

/** What the role's guard asks for is asked, before anything is fetched: nothing for a role without one, or a yes that still holds. */
export async function confirmRole(wanted: WantedRole, context: CliContext): Promise<Confirmed> {
  const ask = (given: object = {}): Promise<ConfirmAnswer> =>
    context.client.call("guard-confirm", { ...requestOf(wanted), ...given });
  let answer = await ask();
  for (let attempt = 1; answer.needs !== null; attempt++) {
    const given = await askPerson(answer, context);
    if (typeof given === "string") throw await refusal(wanted, given, context);
    try {
      answer = await ask(given);
    } catch (error) {
      const isWrong = "passphrase" in given && error instanceof BrokerError && error.code === "GuardRefused";
      if (!isWrong || attempt === ATTEMPTS) throw error;
      context.output.say(error.message);
    }
  }
  return answer.confirmation === null ? {} : { confirmation: answer.confirmation };
}

/** For programs that other programs run: what a person would have to be asked is refused, and named. */
export async function confirmQuietly(wanted: WantedRole, { client }: CliContext): Promise<Confirmed> {
  try {
    const answer = await client.call("guard-confirm", { ...requestOf(wanted), quiet: true });
    return answer.needs === null && answer.confirmation !== null ? { confirmation: answer.confirmation } : {};
  } catch (error) {
    throw asQuietRefusal(error, wanted.role ?? "ROLE");
  }
}

/** A guard's refusal with what helps where no one can be asked; any other error as it is. */
export function asQuietRefusal(error: unknown, role: string): unknown {
  if (!(error instanceof BrokerError) || error.code !== "GuardRefused") return error;
  const hint = `brokerctl request ${role} --reason TEXT    # in the shell that this is run from`;
  return new BrokerError("GuardRefused", error.message, { hint, cause: error });
}

function requestOf({ role, target, forSeconds, reason, scope }: WantedRole): Omit<Asked, "confirmed" | "passphrase"> {
  return {
    ...{ role, target },
    ...(forSeconds !== undefined && { forSeconds }),
    ...(reason !== undefined && { reason }),
    ...(scope && { scope }),
  };
}

type Asked = ControlRequest<"guard-confirm">;

type Needed = Extract<ConfirmAnswer, { readonly question: unknown }>;

/**
 * At the terminal itself: stdin and stderr may be a pipe's, and what answers there may be no person. What is to be sent, or
 * why there is no yes.
 */
async function askPerson({ needs, question }: Needed, context: CliContext): Promise<object | string> {
  const terminal = await context.openTerminal();
  if (!terminal) return `role ${question.role} is guarded, and there is no terminal to ask at`;
  try {
    terminal.say(linesOf(question));
    if (needs === "passphrase") return { passphrase: await terminal.prompts.secret("Passphrase of the secret store") };
    if (await terminal.prompts.confirm("Give it?", false)) return { confirmed: true };
    return `role ${question.role} is guarded: the answer was no`;
  } finally {
    terminal.close();
  }
}

function linesOf({ role, account, scope = [], asker, reason, seconds }: QuestionView): string {
  return [
    `role     ${role}${account === null ? "" : ` (account ${account})`}`,
    ...scope.map((line, index) => (index === 0 ? "only" : "").padEnd(9) + line),
    `to       ${asker}`,
    `for      ${Math.ceil(seconds / 60)} min, as often as it asks`,
    `reason   ${reason === null ? "none" : wrapped(quotedReason(reason), REASON_COLUMNS).join(`\n${" ".repeat(9)}`)}`,
  ].join("\n");
}

/** It is broken by us and not by the terminal: no line of another program's text begins where ours do. */
const REASON_COLUMNS = 64;

/** brokerd puts the try on record, and knows what its asker can do instead. */
async function refusal(wanted: WantedRole, message: string, { client }: CliContext): Promise<BrokerError> {
  const told = await client.call("guard-confirm", { ...requestOf(wanted), quiet: true }).catch(toBrokerError);
  const instead = told instanceof BrokerError ? told.hint : undefined;
  const { target } = wanted;
  const hint = target.by === "request" ? `brokerctl approve ${target.id}    # at a terminal` : instead;
  return new BrokerError("GuardRefused", message, hint === undefined ? {} : { hint });
}

interface BothEnds {
  readonly lease: LeaseView;
  /** Of the credentials, as AWS has it. */
  readonly expiration: number | null;
}

/** A guarded role's lease may end before its credentials do: AWS gives none for less than 15 minutes. */
export function sayBothEnds({ lease, expiration }: BothEnds, { output, clock }: CliContext): void {
  if (lease.grant === null) return;
  const now = clock.now();
  const credentials = expiration === null ? "" : `; credentials that were fetched work until ${until(expiration, now)}`;
  output.say(`${lease.role ?? "the role"} is given until ${until(lease.grant.until, now)}${credentials}`);
}
