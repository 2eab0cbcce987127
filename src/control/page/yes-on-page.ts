import type { ControlRequest } from "../../control-api/contract.js";
import type { GuardTarget } from "../../control-api/guard-contract.js";
import type { WantedScope } from "../../control-api/lease-contract.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { ControlServices } from "../control-services.js";
import type { ControlCall } from "../handlers/handler.js";
import type { Operations } from "../operations.js";

interface Wanted {
  readonly role: string;
  readonly target: GuardTarget;
  readonly forSeconds: number | undefined;
  readonly reason: string | undefined;
  readonly scope?: WantedScope | undefined;
}

interface Asking {
  readonly operation: "use" | "lease-set" | "lease-create" | "request-approve";
  readonly call: ControlCall;
  readonly services: ControlServices;
  readonly operations: Operations;
}

/**
 * What the role's guard asks is asked by brokerd itself, while the page waits: a click is no yes, as any program of the user can
 * send what a click sends. What is asked at a terminal is refused, with the command that asks there.
 */
export async function yesOnPage(wanted: Wanted, asking: Asking): Promise<{ readonly confirmation?: string }> {
  const { operations, call } = asking;
  const request = requestOf(wanted);
  const answer = await operations.run("guard-confirm", request, call);
  if (answer.needs === null) return kept(answer.confirmation, { request, asking });
  const passphrase = await onRecord(
    async () => {
      if (answer.needs === "terminal") throw atTerminal(wanted, asking.operation);
      return asking.services.questions.passphraseFor(answer.question, PAGE);
    },
    { request, asking },
  );
  const said = await operations.run("guard-confirm", { ...request, passphrase: passphrase.reveal() }, call);
  return kept(said.needs === null ? said.confirmation : null, { request, asking });
}

interface Try {
  readonly request: ControlRequest<"guard-confirm">;
  readonly asking: Asking;
}

/** A yes that was not given is a try at the role, which brokerd puts on record. */
async function onRecord<T>(ask: () => Promise<T>, { request, asking: { operations, call } }: Try): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    await operations.run("guard-confirm", { ...request, quiet: true }, call).catch(toBrokerError);
    throw error;
  }
}

/** A yes is good for who waits for it: not once the question was closed on the page, or the page was. */
async function kept(confirmation: string | null, tried: Try): Promise<{ readonly confirmation?: string }> {
  if (confirmation === null) return {};
  if (!tried.asking.call.signal.aborted) return { confirmation };
  const message = `role ${tried.request.role ?? ""} is guarded: the page no longer waits for the answer`;
  return onRecord(() => Promise.reject(new BrokerError("GuardRefused", message)), tried);
}

/** Who is counted where a window is shown: all pages together. */
export const PAGE = "page";

function atTerminal(wanted: Wanted, operation: Asking["operation"]): BrokerError {
  return new BrokerError("GuardRefused", `role ${wanted.role} is guarded: its yes is given at a terminal`, {
    hint: commandFor(operation, wanted),
  });
}

function requestOf({ role, target, forSeconds, reason, scope }: Wanted): ControlRequest<"guard-confirm"> {
  return {
    ...{ role, target },
    ...(forSeconds !== undefined && { forSeconds }),
    ...(reason !== undefined && { reason }),
    ...(scope && { scope }),
  };
}

/** What does the same at a terminal. */
function commandFor(operation: Asking["operation"], { role, target, forSeconds, reason }: Wanted): string {
  const quoted = shellQuote(role);
  const time = forSeconds === undefined ? "" : ` --for ${forSeconds}s`;
  const why = reason === undefined ? "" : ` --reason ${shellQuote(reason)}`;
  if (target.by === "request") return `brokerctl approve ${target.id}${time}`;
  if (operation === "lease-create") return `brokerctl lease create NAME ${quoted}${time}${why}`;
  const name = target.by === "name" ? shellQuote(target.name) : "NAME";
  if (operation === "lease-set") return `brokerctl lease set ${name} ${quoted}${time}${why}`;
  const of = target.by === "default" ? " --default" : target.by === "name" ? ` --lease ${name}` : "";
  return `brokerctl use ${quoted}${of}${time}${why}`;
}
