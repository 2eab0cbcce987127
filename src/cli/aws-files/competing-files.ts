import { unlessSet } from "../access/variables.js";
import type { CliContext } from "../context.js";
import { competingFile } from "./competing-file.js";
import { type NeutralAwsFiles, stampOfCopies } from "./copies-stamp.js";
import { neutralAwsFiles } from "./neutral-aws-files.js";

/** For a shell in which `~/.aws` would keep some program from the broker: copies without that, and what they no longer say. Else none. */
export async function competingFiles(context: CliContext): Promise<NeutralAwsFiles> {
  const none = { files: {}, defaultSettings: unlessSet({}, context.env) };
  const stamped = stampOfCopies(context);
  if (stamped?.competing === false) return none;
  const competing = await competingFile(context);
  if (competing === undefined) {
    // So that the next one finds the stamp; where it cannot be written, nothing is lost.
    await neutralAwsFiles(context).catch(() => undefined);
    return none;
  }
  const { problem, path } = competing;
  if (problem !== undefined) {
    context.output.warn(`${problem}: this shell gets copies without it`);
  } else {
    context.output.hint(`this shell gets copies of ~/.aws without the [default] of ${path}: osls stops at one`);
  }
  const { files, defaultSettings } = await neutralAwsFiles(context);
  return { files, defaultSettings: unlessSet(defaultSettings, context.env) };
}
