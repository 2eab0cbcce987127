import { usualAwsFiles } from "../aws-files/read-aws-files.js";
import { defineCommand } from "../command.js";
import { INIT_OPTIONS, initialize } from "../config/initialize.js";
import type { CliContext } from "../context.js";

export const initCommand = defineCommand({
  name: "init",
  summary: "Write a commented config, make the secret store, start brokerd",
  details: `Never overwrites a config. When it fails half-way, run it again: it goes on where it stopped, asks again for the kind
of store, and takes another --secret-store as long as the config is as it wrote it. Never falls from one kind of store to another by itself. At a
terminal it offers \`import\` and \`service install\`; --yes takes neither.`,
  options: INIT_OPTIONS,
  examples: [
    "brokerctl init",
    "brokerctl init --secret-store passphrase",
    "CREDBROKER_HOME=/tmp/demo brokerctl init --secret-store key_file --yes",
  ],
  async run({ options }, context) {
    await initialize(options, context);
    if (!options.yes) await offerNext(context);
    context.output.say(`Next:
  brokerctl setup                                             the rest, guided, or by hand:
  brokerctl import --dry-run                                  what profiles of ~/.aws would become, if you have some
  brokerctl keys add ops                                      a long-term key
  brokerctl role add dev --source ops --role-arn ARN          a role that it may assume
  brokerctl use dev
  eval "$(brokerctl env)"                                     this shell asks the broker
  brokerctl hook bash --install-line >> ~/.bashrc             every new one, each with a lease of its own`);
  },
});

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
  const options = { "dry-run": false, yes: false, "remove-keys": false, replace: false, from: undefined, json: false };
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
