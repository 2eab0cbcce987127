import { join } from "node:path";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";

/** The two files in which SDKs look before they ask the container endpoint; read for that question only. */
export interface AwsFiles {
  readonly config: string;
  readonly credentials: string;
}

export function awsFiles({ env, homeDir }: CliContext): AwsFiles {
  const directory = join(unlessEmpty(env["HOME"]) ?? homeDir, ".aws");
  return {
    config: unlessEmpty(env["AWS_CONFIG_FILE"]) ?? join(directory, "config"),
    credentials: unlessEmpty(env["AWS_SHARED_CREDENTIALS_FILE"]) ?? join(directory, "credentials"),
  };
}

/** Why a shell needs copies of `~/.aws`. */
export interface CompetingDefault {
  /** What wins over the endpoint: `aws_access_key_id in [default] of /home/me/.aws/credentials`. Undefined: nothing does. */
  readonly setting: string | undefined;
  /** The file in which a `[default]` is, which alone stops osls. */
  readonly path: string;
}

/** What of the default profile keeps some client from the endpoint; undefined: there is no such profile. */
export async function competingDefault(context: CliContext): Promise<CompetingDefault | undefined> {
  const { config, credentials } = awsFiles(context);
  let found: CompetingDefault | undefined;
  for (const path of [credentials, config]) {
    const text = await textOf(path);
    if (text === "") continue;
    const { defaultProfile } = await import("./aws-file-text.js");
    const profile = defaultProfile(text);
    if (profile?.competing !== undefined) return { setting: `${profile.competing} in [default] of ${path}`, path };
    if (profile) found ??= { setting: undefined, path };
  }
  return found;
}

/** A file that cannot be read competes with nothing: an SDK cannot read it either. */
export async function textOf(path: string): Promise<string> {
  return readRegularFile(path).catch(() => "");
}

function unlessEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
