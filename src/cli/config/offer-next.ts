import { usualAwsFiles } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";

/** What a new home is asked for, at a terminal: profiles, and a service. Nothing is read before the person says yes. */
export async function offerNext(context: CliContext): Promise<void> {
  if (!context.interactive || context.output.json) return;
  await offerImport(context);
  await offerService(context);
}

async function offerImport(context: CliContext): Promise<void> {
  const { existsSync } = await import("node:fs");
  const { config, credentials } = usualAwsFiles(context);
  if (![config, credentials].some((path) => existsSync(path))) return;
  if (!(await context.prompts.confirm("Import profiles of ~/.aws? They are shown first", false))) return;
  const { importCommand } = await import("../commands/import.js");
  const options = { "dry-run": false, yes: false, "remove-keys": false, "credential-process": false, json: false };
  await importCommand.run({ options, positionals: [], rest: [] }, context);
}

async function offerService(context: CliContext): Promise<void> {
  const supervisor = await context.supervisor();
  if (supervisor === undefined || (await supervisor.ownership()) !== "absent") return;
  if ((await supervisor.isReachable?.()) === false) return;
  const question = `Let ${supervisor.name} start brokerd, and hold its port (brokerctl service install)?`;
  if (!(await context.prompts.confirm(question, false))) return;
  const { serviceInstallCommand } = await import("../commands/service-install.js");
  await serviceInstallCommand.run({ options: { json: false }, positionals: [], rest: [] }, context);
}
