import type { CliContext } from "../context.js";
import { competingDefault } from "./aws-files.js";
import type { NeutralAwsFiles } from "./neutral-aws-files.js";

/** For a shell in which `~/.aws` would keep some program from the broker: copies without that, and what they no longer say. Else none. */
export async function competingFiles(context: CliContext): Promise<NeutralAwsFiles> {
  const competing = await competingDefault(context);
  if (competing === undefined) return { files: {}, settings: {} };
  const { setting, path } = competing;
  if (setting !== undefined) {
    context.output.warn(`${setting} would win over the broker: this shell gets copies without it`);
  } else {
    context.output.hint(`this shell gets copies of ~/.aws without the [default] of ${path}: osls stops at one`);
  }
  const { neutralAwsFiles, unsaid } = await import("./neutral-aws-files.js");
  const { files, settings } = await neutralAwsFiles(context);
  return { files, settings: unsaid(settings, context.env) };
}
