import { existsSync } from "node:fs";
import { isDialFailure } from "../../control-api/client.js";
import type { RoleView, StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { fields, table } from "../terminal/table.js";
import { statusJson } from "../terminal/views.js";
import { span, when } from "../terminal/when.js";
import { leaseTable } from "./lease-list.js";
import { roleTable, warnOfLeftOut, warnOfRoleErrors } from "./roles.js";

const STATUS_PATIENCE_MS = 5000;

export const statusCommand = defineCommand({
  name: "status",
  summary: "Show daemon, sources, roles, leases: what ends when, what needs a login",
  details: `What is in use comes first; where there is much more, the rest is only counted (--json has all of it). Never starts the
daemon: exit code 3 when it is not running.`,
  options: { all: { type: "boolean", help: "every source, role and lease" }, json: JSON_OPTION },
  examples: ["brokerctl status", "brokerctl status --all", "brokerctl status --json | jq .daemon.state"],
  async run({ options }, context) {
    const status = await context.quietClient
      .call("status", {}, { timeoutMs: STATUS_PATIENCE_MS })
      .catch((error: unknown) => {
        throw withoutConfig(error, context);
      });
    if (context.output.json) context.output.printJson(statusJson(status));
    else print(inUseFirst(status, options.all), context);
  },
});

/** Rows of a table that fit on a page with the other two. */
const ROWS = 12;

interface ShownStatus extends StatusView {
  /** How many of what are left out. */
  readonly hidden: readonly string[];
}

/** What programs have or had, or the user must see to, before what is only configured; of that, as much as a page takes. */
function inUseFirst(status: StatusView, all: boolean): ShownStatus {
  const leased = new Set(status.leases.map(({ role }) => role));
  const isUsed = ({ name, state, lastError }: RoleView): boolean =>
    name === status.defaultRole || leased.has(name) || state !== "idle" || lastError !== null;
  const usedSources = new Set(status.roles.filter(isUsed).map(({ source }) => source));
  const hidden: string[] = [];
  const shown = <T>(list: readonly T[], isInUse: (one: T) => boolean, what: string): readonly T[] => {
    const used = list.filter(isInUse);
    const ordered = [...used, ...list.filter((one) => !isInUse(one))];
    const rows = all ? ordered.length : Math.max(used.length, ROWS);
    if (ordered.length > rows) hidden.push(`${ordered.length - rows} ${what}`);
    return ordered.slice(0, rows);
  };
  return {
    ...status,
    sources: shown(status.sources, ({ name, state }) => usedSources.has(name) || state !== "ready", "sources"),
    roles: shown(status.roles, isUsed, "roles that are not in use"),
    leases: shown(
      status.leases,
      ({ kind, lastUsedAt }) => kind === "default" || lastUsedAt !== null,
      "leases not used yet",
    ),
    hidden,
  };
}

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

function print(status: ShownStatus, { output, clock }: CliContext): void {
  const { daemon, sources, roles, leases, defaultRole, pendingRequests, hidden, leftOut } = status;
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
  if (sources.length > 0) {
    const rows = sources.map(({ name, type, state, expiresAt }) => [name, type, state, when(expiresAt, now)]);
    output.print(`\n${table(["source", "type", "state", "login ends"], rows, screen)}`);
  }
  if (roles.length > 0) output.print(`\n${roleTable(roles, { defaultRole, now, screen })}`);
  if (leases.length > 0) output.print(`\n${leaseTable(leases, now, screen)}`);
  if (hidden.length > 0)
    output.print(`\n${fields([`not shown: ${hidden.join(", ")}; all: brokerctl status --all`], screen)}`);
  if (pendingRequests > 0) output.warn(`${pendingRequests} requests wait for a person`, "brokerctl requests");
  warnOfRoleErrors(roles, output);
  warnOfLeftOut(leftOut, output);
  for (const warning of daemon.warnings) output.warn(warning);
  if (daemon.problem) {
    const { code, message, hint } = daemon.problem;
    output.error(new BrokerError(code, message, { hint }));
  }
}
