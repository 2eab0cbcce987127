import { existsSync } from "node:fs";
import { isDialFailure } from "../../control-api/client.js";
import type { StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { table } from "../terminal/table.js";
import { statusJson } from "../terminal/views.js";
import { span, when } from "../terminal/when.js";
import { leaseTable } from "./lease-list.js";
import { roleTable, warnOfRoleErrors } from "./roles.js";

const STATUS_PATIENCE_MS = 5000;

export const statusCommand = defineCommand({
  name: "status",
  summary: "Show daemon, sources, roles, leases: what ends when, what needs a login",
  details: "Never starts the daemon: exit code 3 when it is not running.",
  options: { json: JSON_OPTION },
  examples: ["brokerctl status", "brokerctl status --json | jq .daemon.state"],
  async run(_, context) {
    const status = await context.quietClient
      .call("status", {}, { timeoutMs: STATUS_PATIENCE_MS })
      .catch((error: unknown) => {
        throw withoutConfig(error, context);
      });
    if (context.output.json) context.output.printJson(statusJson(status));
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

function print(status: StatusView, { output, clock }: CliContext): void {
  const { daemon, sources, roles, leases, defaultRole } = status;
  const now = clock.now();
  output.print(
    [
      `brokerd ${daemon.version}, pid ${daemon.pid}, up ${span(now - daemon.startedAt)}: ${daemon.state}`,
      `endpoint      ${daemon.endpoint ?? "not bound"}`,
      `secret store  ${daemon.secretStore}`,
      `config        ${daemon.configPath}`,
      `default role  ${defaultRole ?? "none: brokerctl use ROLE"}`,
      ...daemon.overrides.map((override) => `override      ${override}`),
    ].join("\n"),
  );
  if (sources.length > 0) {
    const rows = sources.map(({ name, type, state, expiresAt }) => [name, type, state, when(expiresAt, now)]);
    output.print(`\n${table(["source", "type", "state", "login ends"], rows)}`);
  }
  if (roles.length > 0) output.print(`\n${roleTable(roles, defaultRole, now)}`);
  if (leases.length > 0) output.print(`\n${leaseTable(leases, now)}`);
  warnOfRoleErrors(roles, output);
  for (const warning of daemon.warnings) output.warn(warning);
  if (daemon.problem) {
    const { code, message, hint } = daemon.problem;
    output.error(new BrokerError(code, message, { hint }));
  }
}
