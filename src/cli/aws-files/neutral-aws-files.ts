import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NodeFileSystem, replaceFile } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import type { CliContext } from "../context.js";
import { type AwsFiles, awsFiles, botoFileWithKeys, textOf } from "./aws-files.js";
import { neutralConfig } from "./neutral-config.js";

/** What takes the place of `~/.aws`, as variables for a child or a shell. */
export interface NeutralAwsFiles {
  readonly files: Readonly<Record<string, string>>;
  /** What `[default]` said and the copy does not: for those whose environment does not say it (`unlessSet`). */
  readonly defaultSettings: Readonly<Record<string, string>>;
}

/**
 * Copies of `~/.aws` without what competes: the config with what is harmless and other profiles but no keys, the
 * credentials file empty, because no long-term key is ever copied. A shell that has them already keeps them.
 */
export async function neutralAwsFiles(context: CliContext): Promise<NeutralAwsFiles> {
  const { stateDir } = context.paths();
  const root = join(stateDir, "aws/");
  const files = awsFiles(context);
  if (files.config.startsWith(root) && files.credentials.startsWith(root)) {
    return {
      files: await variablesFor(files, context),
      defaultSettings: settingsIn(await textOf(settingsFile(files))),
    };
  }
  const directory = neutralDirectory(files.config, context);
  await ensurePrivateDirectory(stateDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const generated = { config: join(directory, "config"), credentials: join(directory, "credentials") };
  // A line feed in the path would begin a line of settings.
  const from = files.config.replaceAll(/\p{Cc}/gu, "?");
  const header = `# Written by brokerctl from ${from}: without what would win over the broker. Change that file, not this one.\n`;
  const [config, credentials] = await Promise.all([textOf(files.config), textOf(files.credentials)]);
  const { text, variables } = neutralConfig({ config, credentials });
  await writeIfOther(generated.config, header + text);
  await writeIfOther(settingsFile(generated), JSON.stringify(variables));
  await writeIfOther(generated.credentials, "# Written by brokerctl: the broker gives the credentials.\n");
  return { files: await variablesFor(generated, context), defaultSettings: variables };
}

/** Where the copies of this config, and of the credentials beside it, are. */
export function neutralDirectory(config: string, { paths }: Pick<CliContext, "paths">): string {
  return join(paths().stateDir, "aws", createHash("sha256").update(config).digest("hex").slice(0, 12));
}

/** The SDK v2 for JavaScript, and Serverless 3 with it, follows the other two only beside the third. */
async function variablesFor(copies: AwsFiles, context: CliContext): Promise<NeutralAwsFiles["files"]> {
  const { config, credentials } = copies;
  const files = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_SDK_LOAD_CONFIG: "1" };
  const isOurs = context.env["BOTO_CONFIG"] === credentials;
  // The copy of the credentials is empty to boto too.
  return isOurs || (await botoFileWithKeys(context)) !== undefined ? { ...files, BOTO_CONFIG: credentials } : files;
}

/** Beside the copies, for a shell that has them. */
function settingsFile({ config }: AwsFiles): string {
  return join(dirname(config), "settings.json");
}

function settingsIn(text: string): NeutralAwsFiles["defaultSettings"] {
  try {
    return JSON.parse(text) as NeutralAwsFiles["defaultSettings"];
  } catch {
    return {};
  }
}

/** `aws configure` in a shell that has the copies is told so: what it wrote here would be lost without a word. */
const READ_ONLY = 0o400;

async function writeIfOther(path: string, text: string): Promise<void> {
  if ((await textOf(path)) === text) return;
  await replaceFile(new NodeFileSystem(), { path, data: Buffer.from(text), mode: READ_ONLY });
}
