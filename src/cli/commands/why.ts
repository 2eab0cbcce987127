import { readFile } from "node:fs/promises";
import type { ControlResponse } from "../../control-api/contract.js";
import type { LastRefusal } from "../../core/audit-views.js";
import { BrokerError } from "../../core/errors.js";
import type { LeaseSelector } from "../../core/lease.js";
import { tokenInVariables } from "../access/find-lease.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext, Environment } from "../context.js";
import { programText } from "../terminal/audit-text.js";
import { isoInstant, when } from "../terminal/when.js";

export const whyCommand = defineCommand({
  name: "why",
  summary: "What this shell's lease, or a process, was last refused, and how to fix it",
  details: `Many SDKs do not show what they were told: JavaScript v3, Java v2 and Go v1 say "no credentials" only. Without PID: the lease whose
token is in this shell's variables, else the default lease. With PID: what that process was refused, and, on Linux while it runs, the lease
that its variables hold. What was before a restart of brokerd is told as the log of refusals has it.`,
  positionals: [{ name: "PID", help: "the number of a process, also of one that has ended" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl why", "brokerctl why $(pgrep -n node)", "brokerctl why --json | jq -r .refusal.hint"],
  exitCodes: ["0 also where nothing was refused"],
  async run({ positionals: [typed] }, context) {
    const { client, output } = context;
    const pid = typed === undefined ? undefined : pidOf(typed);
    const lease = await leaseIn(pid === undefined ? context.env : await environmentOf(pid), pid);
    const answer = await client.call("why", { ...(lease && { lease }), ...(pid !== undefined && { pid }) });
    if (output.json) output.printJson(answerJson(answer));
    else tell(answer, { whose: whoseOf(pid, lease), context });
  },
});

function whoseOf(pid: number | undefined, lease: LeaseSelector | undefined): string {
  if (pid !== undefined) return `process ${pid}`;
  return lease?.by === "token" ? "this shell's lease" : "the default lease";
}

function pidOf(text: string): number {
  const pid = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (pid > 0) return pid;
  throw new BrokerError("UsageInvalid", `PID must be the number of a process, not '${text}'`, {
    hint: "brokerctl why $(pgrep -n node)",
  });
}

async function leaseIn(env: Environment, pid: number | undefined): Promise<LeaseSelector | undefined> {
  const token = await tokenInVariables(env);
  if (token !== undefined) return { by: "token", token };
  return pid === undefined ? { by: "default" } : undefined;
}

/** Of a process of this user, on Linux; of another one nothing. Only a token of ours is taken from it. */
async function environmentOf(pid: number): Promise<Environment> {
  const text = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  const variables = text.split("\0").map((line) => /^([^=]+)=(.*)$/s.exec(line));
  return Object.fromEntries(variables.flatMap((found) => (found ? [[found[1] ?? "", found[2]]] : [])));
}

type Answer = ControlResponse<"why">;

function tell({ refusal, leaseProblem }: Answer, { whose, context }: { whose: string; context: CliContext }): void {
  const { output } = context;
  if (leaseProblem !== null) {
    output.print(
      `${leaseProblem}: the token that programs of this ${whose.startsWith("process") ? "process" : "shell"} send names no live lease`,
    );
    output.hint('eval "$(brokerctl env)"');
  }
  if (refusal) tellRefusal(refusal, context);
  else if (leaseProblem === null) output.print(`nothing was refused to ${whose}`);
}

function tellRefusal(refusal: LastRefusal, { output, clock }: CliContext): void {
  const { code, message, hint, at, lease, leaseName, role, servedSince } = refusal;
  const now = clock.now();
  output.print(message === null ? code : `${code}: ${message}`);
  output.print(`  when     ${when(at, now)}`);
  output.print(`  program  ${programText(refusal)}`);
  if (lease !== null || role !== null) output.print(`  lease    ${leaseName ?? lease ?? "-"}, role ${role ?? "-"}`);
  if (servedSince !== null) {
    output.print(`  since    served again ${when(servedSince, now)}; a program that still fails: start it again`);
  }
  if (hint !== null && servedSince === null) output.hint(hint);
}

function answerJson({ refusal, leaseProblem }: Answer): Readonly<Record<string, unknown>> {
  return { refusal: refusal && refusalJson(refusal), lease_problem: leaseProblem };
}

function refusalJson(refusal: LastRefusal): Readonly<Record<string, unknown>> {
  const { code, message, hint, at, lease, leaseName, role, pid, program, cwd, servedSince } = refusal;
  return {
    ...{ code, message, hint, at: isoInstant(at), program, pid, cwd },
    ...{ lease, lease_name: leaseName, role, served_since: isoInstant(servedSince) },
  };
}
