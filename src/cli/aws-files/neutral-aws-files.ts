import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { NodeFileSystem, writeFileAtomic } from "../../system/atomic-file.js";
import { ensurePrivateDirectory } from "../../system/private-directory.js";
import type { CliContext } from "../context.js";
import { withoutCompetingSettings } from "./aws-file-text.js";
import { type AwsFiles, awsFiles, textOf } from "./aws-files.js";

/** Variables that take the place of `~/.aws`, for a child or a shell. */
export type AwsFileVariables = Readonly<Record<"AWS_CONFIG_FILE" | "AWS_SHARED_CREDENTIALS_FILE", string>>;

/**
 * Copies of `~/.aws` without what competes: the config with its regions and other profiles but no keys, the credentials
 * file empty, because no long-term key is ever copied. A shell that has them already keeps them.
 */
export async function neutralAwsFiles(context: CliContext): Promise<AwsFileVariables> {
  const { stateDir } = context.paths();
  const root = join(stateDir, "aws/");
  const files = awsFiles(context);
  if (files.config.startsWith(root) && files.credentials.startsWith(root)) return variablesFor(files);
  const directory = join(root, createHash("sha256").update(files.config).digest("hex").slice(0, 12));
  await ensurePrivateDirectory(stateDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const generated = { config: join(directory, "config"), credentials: join(directory, "credentials") };
  // A line feed in the path would begin a line of settings.
  const from = files.config.replaceAll(/\p{Cc}/gu, "?");
  const header = `# Written by brokerctl from ${from}: without what would win over the broker. Edits here are lost.\n`;
  await writeIfOther(generated.config, header + withoutCompetingSettings(await textOf(files.config)));
  await writeIfOther(generated.credentials, "# Written by brokerctl: the broker gives the credentials.\n");
  return variablesFor(generated);
}

function variablesFor({ config, credentials }: AwsFiles): AwsFileVariables {
  return { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
}

async function writeIfOther(path: string, text: string): Promise<void> {
  if ((await textOf(path)) !== text) await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(text));
}
