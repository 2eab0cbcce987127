import type { ControlError, ControlResponse } from "../../control-api/contract.js";
import type { ImportRequest, TextSpan, TextSpans } from "../../core/aws-import.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { replaceConfig } from "../config/config-file.js";
import type { CliContext } from "../context.js";
import { ownCommand } from "../profiles/process-line.js";
import { cannotAsk, confirmOrRefuse } from "../terminal/prompts.js";
import { removalView } from "./import-views.js";
import { type KeyEdit, keyEdits } from "./key-edits.js";

export type ImportPlan = ControlResponse<"import-plan">;

/** A plan and the request it was made for. */
export interface PlannedImport {
  readonly request: ImportRequest;
  readonly plan: ImportPlan;
}

interface Work extends PlannedImport {
  readonly yes: boolean;
  readonly keysInFiles: KeysInFiles;
}

/** What becomes of keys that are in the secret store; replace: by a `credential_process` line, after a copy of the file. */
export type KeysInFiles = "keep" | "remove" | "replace";

export interface ImportResult {
  readonly keys: ImportPlan["keys"];
  /** Files from which keys were removed. */
  readonly removedFrom: readonly string[];
  /** Copies of them as they were. */
  readonly backups: readonly string[];
}

/** Config first, then keys, then the AWS files: whatever fails, run again, it goes on where it stopped. */
export async function applyImport(work: Work, context: CliContext): Promise<ImportResult> {
  const { request, plan } = work;
  const { output } = context;
  const toStore = plan.keys.filter(({ state }) => isToStore(state));
  const toRemove = work.keysInFiles !== "keep" ? plan.keys.filter(({ state }) => state !== "other") : [];
  if (plan.text === null && toStore.length === 0 && toRemove.length === 0) {
    output.say("nothing to do: what can be taken is there already");
    return { keys: plan.keys, removedFrom: [], backups: [] };
  }
  if (plan.storeProblem && plan.keys.length > 0) throw asError(plan.storeProblem);
  tellRemoval(toRemove, work, context);
  await confirmImport(questionOf(plan, { toStore, toRemove }), work, context);
  if (plan.text !== null) {
    await replaceConfig(request, plan.text, context);
    output.say(`added to ${request.path}; the config is loaded`);
  }
  return plan.keys.length === 0 ? { keys: [], removedFrom: [], backups: [] } : moveKeys(work, toStore, context);
}

function tellRemoval(keys: ImportPlan["keys"], { keysInFiles }: Work, { output }: CliContext): void {
  const told = removalView(keys);
  if (told !== "" && keysInFiles === "remove") output.say(told);
  if (keysInFiles !== "replace") return;
  for (const { source, breaks } of keys.filter((key) => !key.isReplaceable)) {
    output.warn(
      `the key of source ${source} stays in the AWS files: ${breaks.join(", ")} cannot do with a line in its place`,
    );
  }
  const roles = keys.flatMap(({ lines, isReplaceable }) => (isReplaceable ? lines.map(({ role }) => role) : []));
  if (roles.length === 0) return;
  output.say(`credentials of ${roles.join(", ")} will be those of a session: IAM and most of STS refuse them`);
}

export function isToStore(state: ImportPlan["keys"][number]["state"]): boolean {
  return state === "missing" || state === "unknown";
}

async function moveKeys(work: Work, toStore: ImportPlan["keys"], context: CliContext): Promise<ImportResult> {
  const { request, plan } = work;
  const { client, output } = context;
  const stored = await client.call("import-keys", { ...request, text: plan.text ?? request.text });
  const kept = toStore.filter(({ source }) => stored.keys.some((key) => key.source === source && key.state === "held"));
  if (kept.length > 0) output.say(`in the secret store: the keys of ${kept.map(({ source }) => source).join(", ")}`);
  return { keys: stored.keys, ...(await takeOut(work, stored.places, context)) };
}

/** With --json nothing is shown that the user could say yes to. */
async function confirmImport(question: string, { yes }: Work, context: CliContext): Promise<void> {
  if (context.output.json && !yes) throw cannotAsk("an answer to the import with --json", "add --yes, or --dry-run");
  await confirmOrRefuse(question, yes, context);
}

function asError({ code, message, hint }: ControlError): BrokerError {
  return new BrokerError(code, message, { hint });
}

function questionOf(
  { items }: ImportPlan,
  { toStore, toRemove }: { readonly toStore: readonly unknown[]; readonly toRemove: readonly unknown[] },
): string {
  const count = items.filter(({ outcome }) => outcome === "add").length;
  const parts = [
    ...(count > 0 ? [`add ${count} to the config`] : []),
    ...(toStore.length > 0 ? [`store ${toStore.length} keys`] : []),
    ...(toRemove.length > 0 ? ["take the stored keys out of the AWS files"] : []),
  ];
  return `Import: ${parts.join(", ")}?`;
}

async function takeOut(work: Work, places: TextSpans, context: CliContext): Promise<Omit<ImportResult, "keys">> {
  const edits = editsOf(work, places, context);
  const { removeKeyLines, replaceKeyLines } = await import("./take-out-keys.js");
  if (work.keysInFiles === "remove") return { removedFrom: await removeKeyLines(edits, context), backups: [] };
  if (work.keysInFiles === "replace") {
    const backups = await replaceKeyLines({ edits, roles: rolesOf(work.plan) }, context);
    return { removedFrom: edits.map(({ file }) => file.path), backups };
  }
  for (const { file } of edits) {
    const named = (work.request.profiles ?? []).map((name) => `${shellQuote(name)} `).join("");
    context.output.warn(`${file.path} still holds keys in clear text`, `brokerctl import ${named}--replace`);
  }
  return { removedFrom: [], backups: [] };
}

/** With `replace`, a key that some profile cannot do without stays where it is. */
export function editsOf(
  { request, plan, keysInFiles }: Pick<Work, "request" | "plan" | "keysInFiles">,
  places: TextSpans,
  context: CliContext,
): readonly KeyEdit[] {
  if (request.from) return []; // its keys are in no file of the user's
  if (keysInFiles !== "replace") return keyEdits(request.aws, places, undefined);
  const kept = plan.keys.filter((key) => !key.isReplaceable).map(({ source }) => source);
  const isTaken = ({ source }: TextSpan): boolean => !kept.includes(source);
  const taken = { config: places.config.filter(isTaken), credentials: places.credentials.filter(isTaken) };
  return keyEdits(request.aws, taken, ownCommand(context));
}

/** Those that lines in the place of keys ask for. */
function rolesOf({ keys }: ImportPlan): readonly string[] {
  const lines = keys.flatMap((key) => (key.isReplaceable && key.state !== "other" ? key.lines : []));
  return [...new Set(lines.map(({ role }) => role))];
}
