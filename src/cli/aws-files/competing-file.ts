import type { CliContext } from "../context.js";
import { awsFiles, botoFileWithKeys, textOf } from "./aws-files.js";

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
