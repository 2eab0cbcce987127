import type { CliContext } from "../context.js";
import { competingAwsSetting } from "./aws-files.js";

/** For a shell whose `~/.aws` would win over the broker: variables of copies without that. Else none. */
export async function competingFileVariables(context: CliContext): Promise<Readonly<Record<string, string>>> {
  const competing = await competingAwsSetting(context);
  if (competing === undefined) return {};
  context.output.warn(`${competing} would win over the broker: this shell gets copies of ~/.aws without it`);
  const { neutralAwsFiles } = await import("./neutral-aws-files.js");
  return neutralAwsFiles(context);
}
