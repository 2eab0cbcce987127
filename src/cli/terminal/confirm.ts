import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { cannotAsk } from "./prompts.js";

/** Asks before something that cannot be undone, unless `--yes` was given; without a terminal `--yes` is needed. */
export async function confirmOrRefuse(question: string, yes: boolean, context: CliContext): Promise<void> {
  if (yes) return;
  if (!context.interactive) throw cannotAsk(`an answer to "${question}"`, "add --yes");
  if (!(await context.prompts.confirm(question, false))) throw new BrokerError("Conflict", "nothing was changed");
}
