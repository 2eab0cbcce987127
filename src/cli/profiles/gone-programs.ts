import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { splitCommand } from "../../core/split-command.js";
import type { BlockProfile } from "./profile-block.js";

/** Node or brokerctl, as these profiles name them, where no file is any more: an upgrade or another installation moved them. */
export function gonePrograms(profiles: readonly BlockProfile[]): readonly string[] {
  const named = profiles.flatMap(({ lines }) => lines.flatMap(programsIn));
  return [...new Set(named)].filter((path) => !existsSync(path));
}

function programsIn(line: string): readonly string[] {
  const command = /^credential_process = (.+)$/.exec(line)?.[1];
  const split = command === undefined ? undefined : splitCommand(command);
  if (split === undefined || "problem" in split) return [];
  const words = split.argv.slice(0, split.argv.indexOf("credential-process"));
  return words.map((word) => word.replace(/^CREDBROKER_NODE=/, "")).filter((word) => isAbsolute(word));
}
