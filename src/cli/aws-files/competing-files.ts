import { unlessSet } from "../access/variables.js";
import type { CliContext } from "../context.js";
import { awsFiles, botoFileWithKeys, textOf } from "./aws-files.js";
import type { NeutralAwsFiles } from "./neutral-aws-files.js";

/** For a shell in which `~/.aws` would keep some program from the broker: copies without that, and what they no longer say. Else none. */
export async function competingFiles(context: CliContext): Promise<NeutralAwsFiles> {
  const competing = await competingFile(context);
  if (competing === undefined) return { files: {}, defaultSettings: unlessSet({}, context.env) };
  const { problem, path } = competing;
  if (problem !== undefined) {
    context.output.warn(`${problem}: this shell gets copies without it`);
  } else {
    context.output.hint(`this shell gets copies of ~/.aws without the [default] of ${path}: osls stops at one`);
  }
  const { neutralAwsFiles } = await import("./neutral-aws-files.js");
  const { files, defaultSettings } = await neutralAwsFiles(context);
  return { files, defaultSettings: unlessSet(defaultSettings, context.env) };
}

/** Why a shell needs copies of `~/.aws`. */
export interface CompetingFile {
  /** A sentence without its end; undefined: there is a `[default]`, which alone stops osls. */
  readonly problem: string | undefined;
  readonly path: string;
}

/** The file that keeps some client from the endpoint, that of which most can be said; undefined: there is none. */
export async function competingFile(context: CliContext): Promise<CompetingFile | undefined> {
  const { config, credentials } = awsFiles(context);
  const found = [await looked(credentials), await looked(config)];
  const first = (rank: Rank): CompetingFile | undefined => found.find((it) => it?.rank === rank);
  const wins = first("wins");
  if (wins) return wins;
  const path = await botoFileWithKeys(context);
  return path === undefined
    ? (first("stops") ?? first("default"))
    : winning("aws_access_key_id in [Credentials]", path);
}

/** It wins over the endpoint, stops the AWS CLI, or has a `[default]`. */
type Rank = "wins" | "stops" | "default";

async function looked(path: string): Promise<(CompetingFile & { readonly rank: Rank }) | undefined> {
  const text = await textOf(path);
  if (text === "") return undefined;
  const { defaultProfile, whyAwsCliStops } = await import("./aws-settings.js");
  const profile = defaultProfile(text);
  if (profile?.competing !== undefined) return { rank: "wins", ...winning(`${profile.competing} in [default]`, path) };
  const why = whyAwsCliStops(text);
  if (why !== undefined) return { rank: "stops", problem: `the AWS CLI stops at ${path}, which ${why}`, path };
  return profile && { rank: "default", problem: undefined, path };
}

function winning(setting: string, path: string): CompetingFile {
  return { problem: `${setting} of ${path} would win over the broker`, path };
}
