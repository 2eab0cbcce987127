import type { Config } from "../config/config.js";
import type { DaemonOptions } from "./daemon-options.js";

/** A program may need what the hardened unit takes away; the unit without that is written by `service install`. */
export function programsNote(config: Config | undefined, { hardened }: DaemonOptions): string | undefined {
  if (!hardened || config === undefined || config.programs.length === 0) return undefined;
  return `the service is hardened, so that programs which the config runs may fail (${config.programs.join(", ")}): brokerctl service install`;
}
