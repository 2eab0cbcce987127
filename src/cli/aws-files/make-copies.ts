import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NodeFileSystem, replaceFile } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import type { CliContext } from "../context.js";
import { type AwsFiles, awsFiles, botoFileWithKeys, textOf } from "./aws-files.js";
import { competingFile } from "./competing-file.js";
import { copiesOf, lookBefore, type NeutralAwsFiles, writeStamp } from "./copies-stamp.js";
import { neutralConfig } from "./neutral-config.js";

/** Writes the copies and their stamp, what differs from what is there; for an environment that has them, only says them. */
export async function makeCopies(context: CliContext): Promise<NeutralAwsFiles> {
  const { stateDir } = context.paths();
  const root = join(stateDir, "aws/");
  const files = awsFiles(context);
  if (files.config.startsWith(root) && files.credentials.startsWith(root)) {
    return {
      files: await variablesFor(files, context),
      defaultSettings: settingsIn(await textOf(settingsFile(files))),
    };
  }
  const { directory, from } = copiesOf(context);
  const before = await lookBefore(from, context.clock.now());
  await ensurePrivateDirectory(stateDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const generated = { config: join(directory, "config"), credentials: join(directory, "credentials") };
  const variables = await write(files, generated);
  const copies = { files: await variablesFor(generated, context), defaultSettings: variables };
  const competing = (await competingFile(context)) !== undefined;
  await writeStamp({ directory, from, before, generator: context.version }, { ...copies, competing });
  return copies;
}

async function write(files: AwsFiles, generated: AwsFiles): Promise<NeutralAwsFiles["defaultSettings"]> {
  // A line feed in the path would begin a line of settings.
  const from = files.config.replaceAll(/\p{Cc}/gu, "?");
  const header = `# Written by brokerctl from ${from}: without what would win over the broker. Change that file, not this one.\n`;
  const [config, credentials] = await Promise.all([textOf(files.config), textOf(files.credentials)]);
  const { text, variables } = neutralConfig({ config, credentials });
  await writeIfOther(generated.config, header + text);
  await writeIfOther(settingsFile(generated), JSON.stringify(variables));
  await writeIfOther(generated.credentials, "# Written by brokerctl: the broker gives the credentials.\n");
  return variables;
}

/**
 * The SDK v2 for JavaScript, and Serverless 3 with it, follows the first two only beside AWS_SDK_LOAD_CONFIG; the SDK v1 for Java
 * knows the second by another name alone.
 */
async function variablesFor(copies: AwsFiles, context: CliContext): Promise<NeutralAwsFiles["files"]> {
  const { config, credentials } = copies;
  const files = {
    ...{ AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_SDK_LOAD_CONFIG: "1" },
    AWS_CREDENTIAL_PROFILES_FILE: credentials,
  };
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
