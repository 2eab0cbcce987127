import { notRunning } from "../../control-api/client.js";
import type { CliSurroundings } from "../context.js";
import { ownSupervisor } from "./own-supervisor.js";

/** Rejects, as if nobody listened, where connecting would start the daemon. */
export async function refuseToWake(surroundings: Pick<CliSurroundings, "supervisor">): Promise<void> {
  const supervisor = await ownSupervisor(surroundings);
  if (supervisor === undefined) return;
  const { running, holdsSockets } = await supervisor.state();
  if (holdsSockets && !running) throw notRunning();
}
