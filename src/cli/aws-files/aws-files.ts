import { join } from "node:path";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext, Environment } from "../context.js";

/** The two files in which SDKs look before they ask the container endpoint; read for that question only. */
export interface AwsFiles {
  readonly config: string;
  readonly credentials: string;
}

export function awsFiles({ env, homeDir }: CliContext): AwsFiles {
  const home = unlessEmpty(env["HOME"]) ?? homeDir;
  const placeIn = (variable: string, name: string): string => {
    const path = unlessEmpty(env[variable]);
    return path === undefined ? join(home, ".aws", name) : expanded(path, { home, env });
  };
  return {
    config: placeIn("AWS_CONFIG_FILE", "config"),
    credentials: placeIn("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
  };
}

/**
 * The file of boto 2 that holds AWS keys, which botocore (AWS CLI, boto3) asks before the endpoint; undefined: none does.
 * gsutil reads it too: one without such keys is left alone.
 */
export async function botoFileWithKeys({ env, homeDir }: CliContext): Promise<string | undefined> {
  const home = unlessEmpty(env["HOME"]) ?? homeDir;
  const named = env["BOTO_CONFIG"];
  for (const path of named === undefined ? ["/etc/boto.cfg", join(home, ".boto")] : [expanded(named, { home, env })]) {
    if (BOTO_KEY.test(await textOf(path))) return path;
  }
  return undefined;
}

const BOTO_KEY = /^\s*aws_access_key_id\s*[=:]/im;

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
    const { defaultProfile } = await import("./aws-settings.js");
    const profile = defaultProfile(text);
    if (profile?.competing !== undefined) return { setting: `${profile.competing} in [default] of ${path}`, path };
    if (profile) found ??= { setting: undefined, path };
  }
  const path = await botoFileWithKeys(context);
  return path === undefined ? found : { setting: `aws_access_key_id in [Credentials] of ${path}`, path };
}

/** A file that cannot be read competes with nothing: an SDK cannot read it either. */
export async function textOf(path: string): Promise<string> {
  return readRegularFile(path).catch(() => "");
}

/** As botocore reads the path in a variable: `$NAME` and a leading `~/`, which a quoted value still has in it. */
function expanded(path: string, { home, env }: { readonly home: string; readonly env: Environment }): string {
  const named = path.replaceAll(/\$(?:(\w+)|\{(\w+)\})/g, (text, bare?: string, braced?: string) => {
    return env[bare ?? braced ?? ""] ?? text;
  });
  return named.startsWith("~/") ? join(home, named.slice(2)) : named;
}

function unlessEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
