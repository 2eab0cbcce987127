import type { EditPlan } from "../../core/config-edit.js";
import { MAX_CONFIG_BYTES } from "../../core/config-size.js";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";

export interface ConfigText {
  readonly path: string;
  readonly text: string;
}

/** The config as it stands on disk. */
export async function readConfig(context: CliContext): Promise<ConfigText> {
  return readConfigAt(context.paths().configFile, "brokerctl init");
}

export async function readConfigAt(path: string, hint: string): Promise<ConfigText> {
  try {
    return { path, text: await readRegularFile(path, MAX_CONFIG_BYTES) };
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    const reason = hasErrno(error, "ENOENT") ? `there is no file ${path}` : `cannot read ${path}: ${reasonOf(error)}`;
    throw new BrokerError("ConfigInvalid", reason, { hint, cause: error });
  }
}

/** Writes what the daemon planned, unless another program changed the file meanwhile, and has it loaded. Returns what changed. */
export async function applyEdit(config: ConfigText, plan: EditPlan, context: CliContext): Promise<readonly string[]> {
  if (plan.text === null) return plan.summary;
  await replaceConfig(config, plan.text, context);
  return plan.summary;
}

/** Notes of the reload (what else it changed) are told. */
export async function replaceConfig(config: ConfigText, next: string, context: CliContext): Promise<void> {
  await writeConfig(config, next);
  const { notes } = await context.client.call("config-reload", {});
  for (const note of notes) context.output.say(note);
}

/** Without having it loaded. */
export async function writeConfig({ path, text }: ConfigText, next: string): Promise<void> {
  const { replaceFileIfUnchanged } = await import("../../files/replace-file.js");
  await replaceFileIfUnchanged({ path, expected: text, next });
}
