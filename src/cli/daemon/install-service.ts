import type { ControlResponse, StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { Supervisor, SupervisorInstall, SupervisorInstalled } from "../../system/service/supervisor.js";
import { readConfig } from "../config/config-file.js";
import type { CliContext } from "../context.js";
import { runningDaemon, startDaemon, supervisedAnswer } from "./start-daemon.js";
import { stopDetached } from "./stop-daemon.js";

export interface ServiceInstallation {
  readonly supervisor: Supervisor;
  readonly written: readonly string[];
  readonly notes: readonly string[];
  readonly status: StatusView;
}

/**
 * Writes the service's files and hands a running brokerd over to it: leases and the default role outlive that. When the
 * supervisor refuses, everything is as it was before, and brokerd runs again if it ran.
 */
export async function installService(context: CliContext): Promise<ServiceInstallation> {
  const supervisor = await neededSupervisor(context);
  const config = await readConfig(context);
  const options = optionsOf(await context.client.call("config-check", config));
  const before = await context.quietClient.call("status", {});
  const wasAbsent = (await supervisor.ownership()) === "absent";
  const installed = await supervisor.install(options);
  try {
    const status = await takeOver(supervisor, installed, context);
    return await confirm({ supervisor, installed, options, before, status }, context);
  } catch (error) {
    if (wasAbsent) await undo(supervisor, context);
    throw error;
  }
}

export async function neededSupervisor({ supervisor }: CliContext): Promise<Supervisor> {
  const found = await supervisor();
  if (found) return found;
  throw new BrokerError("NotSupported", "no service can be installed on this system", { hint: "brokerctl start" });
}

/** A daemon of an earlier version answers without them. */
function optionsOf(checked: Partial<ControlResponse<"config-check">>): SupervisorInstall {
  const { endpointPort: port, programs } = checked;
  if (port === undefined || programs === undefined) {
    throw new BrokerError("NotSupported", "the brokerd that runs is of an earlier version", {
      hint: "brokerctl restart",
    });
  }
  return { port, unconfinedBecause: programs.map(runsProgram), needsPath: programs.length > 0 };
}

function runsProgram(what: string): string {
  return `${what} runs a program`;
}

/** Nothing is stopped that may stay: sockets that are held already are kept, so that the port is never free. */
async function takeOver(
  supervisor: Supervisor,
  { written, socketsChanged = false }: SupervisorInstalled,
  context: CliContext,
): Promise<StatusView> {
  const { running, holdsSockets } = await supervisor.state();
  const since = context.clock.now();
  if ((running || holdsSockets) && !socketsChanged) {
    if (written.length > 0 || !running) await supervisor.restart();
    return supervisedAnswer(context, since);
  }
  if (running || holdsSockets) await supervisor.stop();
  else await stopDetached(context);
  return startDaemon(context);
}

interface Confirmation {
  readonly supervisor: Supervisor;
  readonly installed: SupervisorInstalled;
  readonly options: SupervisorInstall;
  readonly before: StatusView;
  readonly status: StatusView;
}

/** A keychain that opened before and does not now is out of reach of a brokerd that is so confined, or does not see what it is. */
async function confirm(confirmation: Confirmation, context: CliContext): Promise<ServiceInstallation> {
  const { supervisor, installed, options, before, status } = confirmation;
  const { written, notes } = installed;
  const isLost =
    before.daemon.secretStore !== "passphrase" && before.daemon.state === "ready" && status.daemon.state !== "ready";
  const { confined, unreadableNode } = await supervisor.state();
  if (!isLost || !(confined || unreadableNode !== null)) return { supervisor, written, notes, status };
  const reason = `the secret store (${before.daemon.secretStore}) could not be opened under it`;
  const again = await supervisor.install({ ...options, unconfinedBecause: [reason], readableBecause: reason });
  const since = context.clock.now();
  await supervisor.restart();
  return { supervisor, written, notes: again.notes, status: await supervisedAnswer(context, since) };
}

/** What refused once may refuse again: the first error is the one to tell. */
async function undo(supervisor: Supervisor, context: CliContext): Promise<void> {
  try {
    await supervisor.uninstall();
    if (!(await runningDaemon(context))) await startDaemon(context);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.output.warn(`could not go back to how it was: ${reason}`, "brokerctl service status");
  }
}
