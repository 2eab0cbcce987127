import type { Supervisor } from "../../system/service/supervisor.js";
import type { CliSurroundings } from "../context.js";

/** The supervisor, where what it has installed serves this very home; undefined: brokerd is started by us. */
export async function ownSupervisor({
  supervisor,
}: Pick<CliSurroundings, "supervisor">): Promise<Supervisor | undefined> {
  const found = await supervisor();
  return found !== undefined && (await found.ownership()) === "ours" ? found : undefined;
}
