import type { FieldValues } from "../../core/config-edit.js";
import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { NAME_PATTERN } from "../../core/role.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { absolutePath } from "../arguments/argument-values.js";
import type { OptionSpec } from "../command.js";
import type { CliContext } from "../context.js";
import { applyEdit, readConfig } from "./config-file.js";

export interface ConfigEntry {
  readonly kind: "source" | "role";
  readonly name: string;
  readonly fields: FieldValues;
}

/** Has the daemon write a source or role into the config's text, and puts that text in its place; what is odd about it is told. */
export async function addEntry({ kind, name, fields }: ConfigEntry, context: CliContext): Promise<readonly string[]> {
  checkName(name);
  const config = await readConfig(context);
  const plan = await context.client.call(`${kind}-add`, { ...config, name, fields });
  const summary = await applyEdit(config, plan, context);
  for (const note of plan.notes ?? []) context.output.warn(note, "brokerctl config edit");
  return summary;
}

export function checkName(name: string): void {
  if (NAME_PATTERN.test(name)) return;
  throw new BrokerError(
    "UsageInvalid",
    `NAME '${name}' must begin with a letter or digit and go on with those or . _ / @ + -`,
    {
      hint: "at most 128 characters, no colon and no space",
    },
  );
}

/** The flags that were given as fields in the config's spelling; a value `file://PATH` is the file's content, as with the AWS CLI. */
export async function fieldsOf(
  options: Readonly<Record<string, boolean | string | readonly string[] | undefined>>,
  specs: Readonly<Record<string, OptionSpec>>,
  context: CliContext,
): Promise<FieldValues> {
  const fields: Record<string, string | readonly string[]> = {};
  for (const name of Object.keys(specs)) {
    const value = options[name];
    if (value === undefined || typeof value === "boolean" || value.length === 0) continue;
    fields[name.replaceAll("-", "_")] =
      typeof value === "string" ? await contentOf(value, `--${name}`, context) : value;
  }
  return fields;
}

async function contentOf(value: string, flag: string, context: CliContext): Promise<string> {
  if (!value.startsWith("file://")) return value;
  const path = absolutePath(value.slice("file://".length), context);
  try {
    return await readRegularFile(path);
  } catch (error) {
    throw new BrokerError("UsageInvalid", `${flag}: cannot read ${path}: ${reasonOf(error)}`, {
      hint: `${flag} file://policy.json`,
      cause: error,
    });
  }
}
