import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { REGION_PATTERN } from "../../core/region.js";
import { SECRET_STORE_KINDS, type SecretStoreKind } from "../../core/secret-store-kind.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import type { OptionSpecs, OptionValues } from "../command.js";
import type { CliContext } from "../context.js";
import { stopDaemon } from "../daemon/stop-daemon.js";
import { Interrupted } from "../terminal/prompts.js";
import { SCHEMA_FILE } from "./config-template.js";
import { type InitChoices, type InitialConfig, isUntouched, writeInitialConfig } from "./initial-config.js";
import { makeSecretStore } from "./make-secret-store.js";

/** Flags of `init`, and of `setup`, which begins with it. */
export const INIT_OPTIONS = {
  "secret-store": { type: "string", choices: SECRET_STORE_KINDS, help: "who holds the data key; default keychain" },
  "data-key-command": {
    type: "string",
    value: "COMMAND",
    help: "for --secret-store command: prints the data key; words split at spaces, or a JSON list",
  },
  port: { type: "string", value: "N", help: "of the endpoint; default: a free one from 9171 to 9270" },
  region: { type: "string", value: "REGION", help: "AWS_REGION of roles that name none" },
  "passphrase-stdin": { type: "boolean", help: "for --secret-store passphrase: read it from stdin" },
  yes: { type: "boolean", help: "ask nothing: keychain, where --secret-store is not given and there is one" },
} as const satisfies OptionSpecs;

export type InitOptions = OptionValues<typeof INIT_OPTIONS>;

/** Config, secret store, daemon. After Ctrl-C at a question there is nothing of them; what fails otherwise goes on with the next try. */
export async function initialize(options: InitOptions, context: CliContext): Promise<void> {
  const { output } = context;
  const written = await writeInitialConfig(choicesOf(options), options.yes, context);
  if (written.hasChanged) output.say(`wrote ${context.paths().configFile}`);
  const warnings = await undoneIfInterrupted(written, context, () =>
    makeSecretStore(written, options["passphrase-stdin"], context),
  );
  await writeConfigSchema(context);
  for (const warning of warnings) output.warn(warning);
}

/** Only what this command has written, and only as it was written. */
async function undoneIfInterrupted<T>(
  { isNew }: InitialConfig,
  context: CliContext,
  make: () => Promise<T>,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Interrupted && isNew && (await isUntouched(context))) {
      await stopDaemon(context);
      await rm(context.paths().configFile);
      context.output.say(`took ${context.paths().configFile} away again: nothing is set up`);
    }
    throw error;
  }
}

function choicesOf(options: InitOptions): InitChoices {
  const secretStore: SecretStoreKind | undefined = options["secret-store"];
  const command = options["data-key-command"];
  if ((secretStore === "command") !== (command !== undefined)) {
    throw new BrokerError("UsageInvalid", "--secret-store command and --data-key-command belong together", {
      hint: "brokerctl init --secret-store command --data-key-command 'pass show credbroker'",
    });
  }
  if (options["passphrase-stdin"] && secretStore !== "passphrase") {
    throw new BrokerError("UsageInvalid", "--passphrase-stdin goes with --secret-store passphrase only", {
      hint: "brokerctl init --secret-store passphrase --passphrase-stdin",
    });
  }
  return {
    secretStore,
    dataKeyCommand: command === undefined ? undefined : wordsOf(command),
    port: options.port === undefined ? undefined : portOf(options.port),
    region: options.region === undefined ? undefined : regionOf(options.region),
  };
}

function regionOf(text: string): string {
  if (REGION_PATTERN.test(text)) return text;
  throw new BrokerError("UsageInvalid", `--region must be an AWS region, not '${text}'`, {
    hint: "--region eu-west-1",
  });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1024 && port <= 65_535) return port;
  throw new BrokerError("UsageInvalid", `--port must be a number from 1024 to 65535, not '${text}'`, {
    hint: "--port 9171",
  });
}

function wordsOf(command: string): readonly string[] {
  const words = command.startsWith("[") ? listOf(command) : command.split(/\s+/).filter(Boolean);
  if (words.length > 0 && words.every((word) => typeof word === "string" && word !== "")) return words as string[];
  throw new BrokerError("UsageInvalid", "--data-key-command must be words, or a JSON list of words", {
    hint: `--data-key-command '["op", "read", "op://Private/credbroker/key"]'`,
  });
}

function listOf(text: string): readonly unknown[] {
  try {
    return JSON.parse(text) as readonly unknown[];
  } catch {
    return [];
  }
}

/** For editors with a YAML language server: the config's first line names this file. */
async function writeConfigSchema({ client, paths }: CliContext): Promise<void> {
  const { schema } = await client.call("config-schema", {});
  const path = join(dirname(paths().configFile), SCHEMA_FILE);
  await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(`${JSON.stringify(schema, null, 2)}\n`));
}
