import { readFile } from "node:fs/promises";
import { join } from "node:path";
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

/** What in `~/.aws` wins over the endpoint, e.g. `aws_access_key_id in [default] of /home/me/.aws/credentials`. */
export async function competingAwsSetting(context: CliContext): Promise<string | undefined> {
  const { config, credentials } = awsFiles(context);
  for (const path of [credentials, config]) {
    const text = await textOf(path);
    if (text === "") continue;
    const { competingSetting } = await import("./aws-file-text.js");
    const setting = competingSetting(text);
    if (setting !== undefined) return `${setting} in [default] of ${path}`;
  }
  return undefined;
}

/** A file that cannot be read competes with nothing: an SDK cannot read it either. */
export async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function unlessEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
