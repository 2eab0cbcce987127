import { dirname, join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { SECRET_STORE_KINDS, type SecretStoreKind } from "../../core/secret-store-kind.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { usualAwsFiles } from "../aws-files/read-aws-files.js";
import { defineCommand, type OptionSpecs, type OptionValues } from "../command.js";
import { SCHEMA_FILE } from "../config/config-template.js";
import { type InitChoices, writeInitialConfig } from "../config/initial-config.js";
import { makeSecretStore } from "../config/make-secret-store.js";
import type { CliContext } from "../context.js";

const OPTIONS = {
  "secret-store": { type: "string", choices: SECRET_STORE_KINDS, help: "who holds the data key; default keychain" },
  "data-key-command": {
    type: "string",
    value: "COMMAND",
    help: "for --secret-store command: prints the data key; words split at spaces, or a JSON list",
  },
  port: { type: "string", value: "N", help: "of the endpoint; default: a free one from 9171 to 9270" },
  "passphrase-stdin": { type: "boolean", help: "for --secret-store passphrase: read it from stdin" },
  yes: { type: "boolean", help: "ask nothing: keychain, where --secret-store is not given and there is one" },
} as const satisfies OptionSpecs;

export const initCommand = defineCommand({
  name: "init",
  summary: "Write a commented config, make the secret store, start brokerd",
  details: `Never overwrites a config. When it fails half-way, run it again: it goes on where it stopped, asks again for the kind
of store, and takes another --secret-store as long as the config is as it wrote it. Never falls from one kind of store to another by itself. At a
terminal it offers \`import\` and \`service install\`; --yes takes neither.`,
  options: OPTIONS,
  examples: [
    "brokerctl init",
    "brokerctl init --secret-store passphrase",
    "CREDBROKER_HOME=/tmp/demo brokerctl init --secret-store key_file --yes",
  ],
  async run({ options }, context) {
    const { output } = context;
    const written = await writeInitialConfig(choicesOf(options), options.yes, context);
    if (written.hasChanged) output.say(`wrote ${context.paths().configFile}`);
    const warnings = await makeSecretStore(written, options["passphrase-stdin"], context);
    await writeConfigSchema(context);
    for (const warning of warnings) output.warn(warning);
    if (!options.yes) await offerNext(context);
    output.say(`Next:
  brokerctl import --dry-run                                  what profiles of ~/.aws would become, if you have some
  brokerctl keys add ops                                      a long-term key
  brokerctl role add dev --source ops --role-arn ARN          a role that it may assume
  brokerctl use dev
  eval "$(brokerctl env)"                                     this shell asks the broker
  brokerctl hook bash --install-line >> ~/.bashrc             every new one, each with a lease of its own`);
  },
});

function choicesOf(options: OptionValues<typeof OPTIONS>): InitChoices {
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
  };
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

/** What a new home is asked for, at a terminal: profiles, and a service. Nothing is read before the user says yes. */
async function offerNext(context: CliContext): Promise<void> {
  if (!context.interactive || context.output.json) return;
  await offerImport(context);
  await offerService(context);
}

async function offerImport(context: CliContext): Promise<void> {
  const { existsSync } = await import("node:fs");
  const { config, credentials } = usualAwsFiles(context);
  if (![config, credentials].some((path) => existsSync(path))) return;
  if (!(await context.prompts.confirm("Import profiles of ~/.aws? They are shown first", false))) return;
  const { importCommand } = await import("./import.js");
  const options = { "dry-run": false, yes: false, "remove-keys": false, replace: false, json: false };
  await importCommand.run({ options, positionals: [], rest: [] }, context);
}

async function offerService(context: CliContext): Promise<void> {
  const supervisor = await context.supervisor();
  if (supervisor === undefined || (await supervisor.ownership()) !== "absent") return;
  if ((await supervisor.isReachable?.()) === false) return;
  const question = `Let ${supervisor.name} start brokerd, and hold its port (brokerctl service install)?`;
  if (!(await context.prompts.confirm(question, false))) return;
  const { serviceInstallCommand } = await import("./service-install.js");
  await serviceInstallCommand.run({ options: { json: false }, positionals: [], rest: [] }, context);
}
