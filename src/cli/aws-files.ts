import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { NodeFileSystem, writeFileAtomic } from "../system/atomic-file.js";
import { ensurePrivateDirectory } from "../system/private-directory.js";
import { competingSetting, withoutCompetingSettings } from "./aws-file-text.js";
import type { CliContext } from "./context.js";

/** The two files in which SDKs look before they ask the container endpoint; read for that question only. */
interface AwsFiles {
  readonly config: string;
  readonly credentials: string;
}

/** Variables that take the place of `~/.aws`, for a child or a shell. */
export type AwsFileVariables = Readonly<Record<"AWS_CONFIG_FILE" | "AWS_SHARED_CREDENTIALS_FILE", string>>;

/** What in `~/.aws` wins over the endpoint, e.g. `aws_access_key_id in [default] of /home/me/.aws/credentials`. */
export async function competingAwsSetting(context: CliContext): Promise<string | undefined> {
  const files = awsFiles(context);
  for (const path of [files.credentials, files.config]) {
    const setting = competingSetting(await textOf(path));
    if (setting !== undefined) return `${setting} in [default] of ${path}`;
  }
  return undefined;
}

/**
 * Copies of `~/.aws` without what competes: the config with its regions and other profiles but no keys, the credentials
 * file empty, because no long-term key is ever copied. A shell that has them already keeps them.
 */
export async function neutralAwsFiles(context: CliContext): Promise<AwsFileVariables> {
  const { stateDir } = context.paths();
  const files = awsFiles(context);
  if (files.config.startsWith(generatedRoot(stateDir))) return variablesFor(files);
  const directory = join(generatedRoot(stateDir), createHash("sha256").update(files.config).digest("hex").slice(0, 12));
  await ensurePrivateDirectory(stateDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const generated = { config: join(directory, "config"), credentials: join(directory, "credentials") };
  const header = `# Written by brokerctl from ${files.config}: without what would win over the broker. Edits here are lost.\n`;
  await writeIfOther(generated.config, header + withoutCompetingSettings(await textOf(files.config)));
  await writeIfOther(generated.credentials, "# Written by brokerctl: the broker gives the credentials.\n");
  return variablesFor(generated);
}

function awsFiles({ env, homeDir }: CliContext): AwsFiles {
  const directory = join(unlessEmpty(env["HOME"]) ?? homeDir, ".aws");
  return {
    config: unlessEmpty(env["AWS_CONFIG_FILE"]) ?? join(directory, "config"),
    credentials: unlessEmpty(env["AWS_SHARED_CREDENTIALS_FILE"]) ?? join(directory, "credentials"),
  };
}

function unlessEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function generatedRoot(stateDir: string): string {
  return join(stateDir, "aws/");
}

function variablesFor({ config, credentials }: AwsFiles): AwsFileVariables {
  return { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
}

/** A file that cannot be read competes with nothing: an SDK cannot read it either. */
async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

async function writeIfOther(path: string, text: string): Promise<void> {
  if ((await textOf(path)) !== text) await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(text));
}
