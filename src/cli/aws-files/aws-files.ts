import { join } from "node:path";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext, Environment } from "../context.js";

/** The two files in which SDKs look before they ask the container endpoint; read for that question only. */
export interface AwsFiles {
  readonly config: string;
  readonly credentials: string;
}

/** What names them elsewhere. */
export const AWS_FILE_VARIABLES = { config: "AWS_CONFIG_FILE", credentials: "AWS_SHARED_CREDENTIALS_FILE" } as const;

export function awsFiles({ env, homeDir }: CliContext): AwsFiles {
  const home = unlessEmpty(env["HOME"]) ?? homeDir;
  const placeOf = (name: keyof AwsFiles): string => {
    const path = unlessEmpty(env[AWS_FILE_VARIABLES[name]]);
    return path === undefined ? join(home, ".aws", name) : expanded(path, { home, env });
  };
  return { config: placeOf("config"), credentials: placeOf("credentials") };
}

/** Where boto 2, and botocore with it, looks for AWS keys. */
export function botoFiles({ env, homeDir }: Pick<CliContext, "env" | "homeDir">): readonly string[] {
  const home = unlessEmpty(env["HOME"]) ?? homeDir;
  const named = env["BOTO_CONFIG"];
  return named === undefined ? ["/etc/boto.cfg", join(home, ".boto")] : [expanded(named, { home, env })];
}

/**
 * The file of boto 2 that holds AWS keys, which botocore (AWS CLI, boto3) asks before the endpoint; undefined: none does.
 * gsutil reads it too: one without such keys is left alone.
 */
export async function botoFileWithKeys(context: CliContext): Promise<string | undefined> {
  for (const path of botoFiles(context)) if (BOTO_KEY.test(await textOf(path))) return path;
  return undefined;
}

const BOTO_KEY = /^\s*aws_access_key_id\s*[=:]/im;

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
