import { notRunning } from "../../control-api/client.js";
import type { Supervisor } from "../../system/service/supervisor.js";
import type { CliHost } from "../context.js";

/** The supervisor, where what it has installed serves this very home; undefined: brokerd is started by us. */
export async function ownSupervisor({ supervisor }: Pick<CliHost, "supervisor">): Promise<Supervisor | undefined> {
  const found = await supervisor();
  return found !== undefined && (await found.ownership()) === "ours" ? found : undefined;
}

/** Rejects, as if no daemon listened, where connecting would start the daemon. */
export async function refuseToWake(host: Pick<CliHost, "supervisor">): Promise<void> {
  const supervisor = await ownSupervisor(host);
  if (supervisor === undefined) return;
  const { running, holdsSockets } = await supervisor.state();
  if (holdsSockets && !running) throw notRunning();
}
