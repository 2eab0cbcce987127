import { existsSync } from "node:fs";
import { isDialFailure } from "../../control-api/client.js";
import type { RowsLeftOut, ScheduleView, StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { statusPart } from "../daemon/status-part.js";
import type { Screen } from "../terminal/screen.js";
import { fields, table } from "../terminal/table.js";
import { statusJson } from "../terminal/views.js";
import { span, when } from "../terminal/when.js";
import { leaseTable } from "./lease-list.js";
import { roleTable, warnOfLeftOut, warnOfRoleErrors } from "./roles.js";

const STATUS_PATIENCE_MS = 5000;
/** Rows of a table that fit on a page with the other two. */
const ROWS = 20;

export const statusCommand = defineCommand({
  name: "status",
  summary: "Show daemon, sources, roles, leases: what ends when, what needs a login",
  details: `This shell's role comes first, then what needs you, what is in use, and what leases name, ${ROWS} of each at most; of the rest
only how many there are (--all and --json have all of it). Never starts the daemon: exit code 3 when it is not running.`,
  options: { all: { type: "boolean", help: "every source, role and lease" }, json: JSON_OPTION },
  examples: ["brokerctl status", "brokerctl status --all", "brokerctl status --json | jq .daemon.state"],
  async run({ options }, context) {
    const { json } = context.output;
    const wanted = json || options.all ? {} : { rows: ROWS };
    const patience = { timeoutMs: STATUS_PATIENCE_MS };
    const status = await statusPart(context.quietClient, wanted, patience).catch((error: unknown) => {
      throw withoutConfig(error, context);
    });
    if (json) context.output.printJson(statusJson(status));
    else print(status, context);
  },
});

/** Before `init` there is nothing to start. */
function withoutConfig(error: unknown, context: CliContext): unknown {
  if (!isDialFailure(error) || existsSync(context.paths().configFile)) return error;
  return new BrokerError("DaemonUnreachable", "brokerd is not running, and there is no config yet", {
    hint: "brokerctl init",
    cause: error,
  });
}

/** An older brokerd says nothing of them. */
function protections({ peerCheck, memory }: StatusView["daemon"]): readonly string[] {
  const askers = (why: string | null): string => `not known, the token alone decides: ${why ?? ""}`;
  return [
    ...(peerCheck ? [`who asks      ${peerCheck.on ? "programs of your user only" : askers(peerCheck.why)}`] : []),
    ...(memory ? [`memory        ${memory.on ? "closed to other programs" : (memory.why ?? "")}`] : []),
  ];
}

/** What stands under a table of which a part is shown. */
function moreOf(leftOut: RowsLeftOut | undefined, what: string, screen: Screen): string {
  if (!leftOut || leftOut.count === 0) return "";
  const { count, inTrouble } = leftOut;
  const trouble = inTrouble === 0 ? "" : `, ${inTrouble.toLocaleString("en")} of which need you`;
  const line = `… and ${count.toLocaleString("en")} more ${what}${trouble}: brokerctl status --all`;
  return `\n${fields([line], screen)}`;
}

/** Of what there is any of. */
function tables(
  { sources, roles, leases, defaultRole, more, schedules = [] }: StatusView,
  { now, screen }: { readonly now: number; readonly screen: Screen },
): readonly string[] {
  const rows = sources.map(({ name, type, state, expiresAt }) => [name, type, state, when(expiresAt, now)]);
  const sourceTable = (): string => table(["source", "type", "state", "login ends"], rows, screen);
  return [
    ...(sources.length > 0 ? [`${sourceTable()}${moreOf(more?.sources, "sources", screen)}`] : []),
    ...(roles.length > 0
      ? [`${roleTable(roles, { defaultRole, now, screen })}${moreOf(more?.roles, "roles", screen)}`]
      : []),
    ...(leases.length > 0 ? [`${leaseTable(leases, now, screen)}${moreOf(more?.leases, "leases", screen)}`] : []),
    ...(schedules.length > 0 ? [scheduleTable(schedules, now, screen)] : []),
  ];
}

function scheduleTable(schedules: readonly ScheduleView[], now: number, screen: Screen): string {
  const rows = schedules.map((schedule) => [
    ...[schedule.cron, schedule.do, nextRun(schedule, now)],
    `${when(schedule.lastRunAt, now)}${schedule.lastError ? ", failed" : ""}`,
  ]);
  return table(["schedule", "does", "next run", "last run"], rows, screen);
}

function nextRun({ nextAt, waitsForUnlock }: ScheduleView, now: number): string {
  if (waitsForUnlock) return "after brokerctl unlock";
  return nextAt !== null && nextAt <= now ? "now" : when(nextAt, now);
}

function warnOfSchedules(
  { schedules = [] }: StatusView,
  { output, now }: Pick<CliContext, "output"> & { readonly now: number },
): void {
  for (const { cron, do: act, lastRunAt, lastError } of schedules) {
    if (!lastError) continue;
    const what = `the schedule "${cron}" ${act} failed ${when(lastRunAt, now)}: ${lastError.message}`;
    output.warn(what, lastError.hint);
  }
}

function print(status: StatusView, { output, clock }: CliContext): void {
  const { daemon, roles, defaultRole, pendingRequests, leftOut } = status;
  const now = clock.now();
  const { screen } = output;
  output.print(
    fields(
      [
        `brokerd ${daemon.version}, pid ${daemon.pid}, up ${span(now - daemon.startedAt)}: ${daemon.state}`,
        `endpoint      ${daemon.endpoint ?? "not bound"}`,
        `secret store  ${daemon.secretStore}`,
        `config        ${daemon.configPath}`,
        ...protections(daemon),
        `default role  ${defaultRole ?? "none: brokerctl use ROLE"}`,
        ...daemon.overrides.map((override) => `override      ${override}`),
      ],
      screen,
    ),
  );
  for (const text of tables(status, { now, screen })) output.print(`\n${text}`);
  warnOfSchedules(status, { output, now });
  if (pendingRequests > 0) output.warn(`${pendingRequests} requests wait for a person`, "brokerctl requests");
  warnOfRoleErrors(roles, output);
  warnOfLeftOut(leftOut, output);
  for (const warning of daemon.warnings) output.warn(warning);
  if (daemon.problem) {
    const { code, message, hint } = daemon.problem;
    output.error(new BrokerError(code, message, { hint }));
  }
}
