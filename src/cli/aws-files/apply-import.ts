import type { ControlError, ControlResponse } from "../../control-api/contract.js";
import type { ImportRequest, TextSpan } from "../../core/aws-import.js";
import { BrokerError } from "../../core/errors.js";
import { replaceConfig } from "../config/config-file.js";
import type { CliContext } from "../context.js";
import { cannotAsk, confirmOrRefuse } from "../terminal/prompts.js";
import { removalView } from "./import-views.js";

export type ImportPlan = ControlResponse<"import-plan">;
type Places = ControlResponse<"import-keys">["places"];

/** A plan and the request it was made for. */
export interface PlannedImport {
  readonly request: ImportRequest;
  readonly plan: ImportPlan;
}

interface Work extends PlannedImport {
  readonly yes: boolean;
  readonly removeKeys: boolean;
  /** A `credential_process` line in the place of each key that is removed. */
  readonly writeProcesses: boolean;
}

export interface ImportResult {
  readonly keys: ImportPlan["keys"];
  /** Files from which keys were removed. */
  readonly removedFrom: readonly string[];
}

/** Config first, then keys, then the AWS files: whatever fails, run again, it goes on where it stopped. */
export async function applyImport(work: Work, context: CliContext): Promise<ImportResult> {
  const { request, plan } = work;
  const { output } = context;
  const toStore = plan.keys.filter(({ state }) => isToStore(state));
  const toRemove = work.removeKeys ? plan.keys.filter(({ state }) => state !== "other") : [];
  if (plan.text === null && toStore.length === 0 && toRemove.length === 0) {
    output.say("nothing to do: what can be taken is there already");
    return { keys: plan.keys, removedFrom: [] };
  }
  if (plan.storeProblem && plan.keys.length > 0) throw asError(plan.storeProblem);
  tellRemoval(toRemove, work, context);
  await confirmImport(questionOf(plan, { toStore, toRemove }), work, context);
  if (plan.text !== null) {
    await replaceConfig(request, plan.text, context);
    output.say(`added to ${request.path}; the config is loaded`);
  }
  return plan.keys.length === 0 ? { keys: [], removedFrom: [] } : moveKeys(work, toStore, context);
}

function tellRemoval(keys: ImportPlan["keys"], { request, writeProcesses }: Work, { output }: CliContext): void {
  const { config, credentials } = request.aws;
  const told = removalView(keys, { config: config?.path, credentials: credentials?.path });
  if (told !== "" && !writeProcesses && !output.json) output.say(told);
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
  const removedFrom = await removeKeys(work, stored.places, context);
  return { keys: stored.keys, removedFrom };
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
    ...(toRemove.length > 0 ? ["remove the stored keys from the AWS files"] : []),
  ];
  return `Import: ${parts.join(", ")}?`;
}

async function removeKeys(work: Work, places: Places, { output }: CliContext): Promise<readonly string[]> {
  const { replaceFileIfUnchanged } = await import("../../files/replace-file.js");
  const removedFrom: string[] = [];
  for (const name of ["config", "credentials"] as const) {
    const file = work.request.aws[name];
    const spans = places[name];
    if (!file || spans.length === 0) continue;
    if (!work.removeKeys) {
      output.warn(`${file.path} still holds keys in clear text`, "brokerctl import --remove-keys");
      continue;
    }
    await replaceFileIfUnchanged({ path: file.path, expected: file.text, next: nextText(file.text, spans, work) });
    output.say(`removed from ${file.path}: the keys that are in the secret store now`);
    removedFrom.push(file.path);
  }
  return removedFrom;
}

function nextText(text: string, spans: Places["config"], { writeProcesses }: Work): string {
  return cutText(text, writeProcesses ? spans : spans.map(({ start, end }) => ({ start, end })));
}

/** The text without these spans, or with the line of each that has one in its place. Every other character stays. */
function cutText(text: string, spans: readonly TextSpan[]): string {
  const fromTheEnd = spans.toSorted((a, b) => b.start - a.start);
  return fromTheEnd.reduce((left, { start, end, instead }) => {
    const lineEnd = /[\r\n]*$/.exec(left.slice(start, end))?.[0] ?? "";
    return left.slice(0, start) + (instead === undefined ? "" : instead + lineEnd) + left.slice(end);
  }, text);
}
