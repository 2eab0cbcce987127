import { type Denial, findDenial } from "../../core/denial.js";
import type { DenialReport } from "../../core/denial-report.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { InvocationOutcome } from "../../runtime-api/invocation-outcome.js";
import type { CliContext } from "../context.js";
import { DenialWatch } from "./denial-watch.js";
import type { LocalFunction } from "./deployed-function.js";

/** A run is not to be held up for long: `lambda why` has the time. */
const PATIENCE_MS = 10_000;

/**
 * What a run was refused by AWS, if it was: by its error document, else by what it logged. One that answered was refused only what the
 * message says was refused to it: it may print those of others.
 */
export function denialOf(
  { error, status }: Pick<InvocationOutcome, "error" | "status">,
  logged: Denial | undefined,
  { context: { functionName } }: LocalFunction,
): Denial | undefined {
  const told = error && findDenial(`${error.errorType}: ${error.errorMessage}`);
  const denial = told?.action == null ? (logged ?? told) : told;
  return status === "success" && !isOwn(denial, functionName) ? undefined : denial;
}

/** What AWS said and the trace after it come in several writes. */
const SETTLED_MS = 500;

/** Passes on what a served function prints, and tells of each refusal once: its code is asked again and again. */
export function tellingDenials(local: LocalFunction, context: CliContext): DenialWatch {
  const told = new Set<string>();
  let cancel = (): void => undefined;
  const watch = new DenialWatch(context.streams().stderr, () => {
    cancel();
    cancel = context.clock.after(SETTLED_MS, () => {
      const denial = watch.take();
      const key = JSON.stringify(denial);
      if (!denial || !isOwn(denial, local.context.functionName) || told.has(key)) return;
      told.add(key);
      void tellDenial(local, denial, context);
    });
  });
  return watch;
}

/** Its session has its name. */
function isOwn(denial: Denial | undefined, functionName: string): boolean {
  return denial?.principal?.endsWith(`/${functionName.padEnd(2, "-")}`) === true;
}

/** One line on what it comes from, and the command that says more. Nothing is asked of a person for it, and nothing fails by it. */
export async function tellDenial(local: LocalFunction, denial: Denial, context: CliContext): Promise<void> {
  const { client, output } = context;
  const { via, scope, asked } = local;
  const { name, mode } = asked;
  const request = { ...local.request, via, mode, denial, ...(scope && { scope }) };
  const report = await client.call("lambda-why", request, { timeoutMs: PATIENCE_MS }).catch(() => undefined);
  output.say(`brokerctl: denied: ${report ? lineOf(report) : wordsOf(denial)}`);
  output.hint(report?.hint ?? `brokerctl lambda why ${shellQuote(name)} --via ${shellQuote(via)}`);
}

function lineOf({ summary, findings, statement }: DenialReport): string {
  const [first] = findings;
  const near = first === undefined ? "" : ` (${first})`;
  return `${summary}${near}${statement ? `; add to ${statement.where}: ${statement.json}` : ""}`;
}

function wordsOf({ action, resource }: Denial): string {
  if (action === null) return "AWS refused a call, and did not say which";
  return `${action} on ${resource ?? "a resource that AWS did not name"}`;
}
