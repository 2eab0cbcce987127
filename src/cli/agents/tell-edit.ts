import type { CliContext } from "../context.js";
import type { AgentEdit } from "./agent-file.js";
import { unifiedDiff } from "./text-edit.js";

interface Told {
  readonly dryRun: boolean;
  /** Where nothing is to be changed, and where it was. */
  readonly unchanged: string;
  readonly changed: string;
  /** Beside what is the same for both commands. */
  readonly json?: object;
}

/** What an edit does, or with `--dry-run` would do. */
export function tellEdit({ agent, path, before = "", edit }: AgentEdit, told: Told, { output }: CliContext): void {
  const { dryRun, unchanged, changed } = told;
  const diff = edit === undefined || !dryRun ? "" : unifiedDiff(path, before, edit);
  if (output.json) {
    const shown = { agent: agent.name, path, changed: edit !== undefined, dry_run: dryRun, ...(dryRun && { diff }) };
    output.printJson({ ...shown, ...told.json });
    return;
  }
  if (diff !== "") output.print(diff);
  if (edit === undefined) output.say(unchanged);
  else output.say(dryRun ? `nothing was written to ${path}` : changed);
}
