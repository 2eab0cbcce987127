import type { EntryKind, EntryName, EntryRename } from "../../core/config-edit.js";
import type { CliContext } from "../context.js";
import { statusPart } from "../daemon/status-part.js";
import { confirmOrRefuse } from "../terminal/prompts.js";
import { leaseJson } from "../terminal/views.js";
import { when } from "../terminal/when.js";
import { checkName } from "./config-entry.js";
import { readConfig, replaceConfig, writeConfig } from "./config-file.js";

/** The lines of the file that are the entry, how it stands, and what names it. */
export async function showEntry(entry: EntryName, context: CliContext): Promise<void> {
  const { client, output } = context;
  const config = await readConfig(context);
  const { line, text, fields, usedBy } = await client.call("entry-show", { ...config, ...entry });
  const leases = (await client.call("lease-list", {})).leases.filter(({ role, temporary }) =>
    [role, temporary?.thenRole ?? null].some((one) => isOf(one, entry)),
  );
  const { kind, name } = entry;
  if (output.json) {
    const place = { path: config.path, line };
    output.printJson({ [kind]: name, ...place, fields, used_by: usedBy, leases: leases.map(leaseJson) });
    return;
  }
  output.print(text);
  output.say(`${config.path}:${line}, ${await stateOf(entry, context)}`);
  const users = [...usedBy, ...leases.map((lease) => `lease ${lease.name ?? lease.id}`)];
  output.say(users.length === 0 ? "nothing else names it" : `named by ${users.join(", ")}`);
}

function isOf(role: string | null, { kind, name }: EntryName): boolean {
  return kind === "role" ? role === name : role?.startsWith(`${name}:`) === true;
}

async function stateOf({ kind, name }: EntryName, { client, clock }: CliContext): Promise<string> {
  const { roles, sources } = await statusPart(client, { rows: 1000, ...(kind === "role" && { role: name }) });
  const found =
    kind === "role" ? roles.find((role) => role.name === name) : sources.find((source) => source.name === name);
  if (!found) return "not in force: brokerctl config check";
  const end = "expiration" in found ? found.expiration : found.expiresAt;
  return `${found.state.replaceAll("_", " ")}${end === null ? "" : `, ends ${when(end, clock.now())}`}`;
}

/** The file first, then what hangs on the name outside of it: whatever stops it, the same command goes on. */
export async function renameEntry(entry: EntryRename, context: CliContext): Promise<void> {
  const { client, output } = context;
  const { kind, name, to } = entry;
  checkName(to);
  const config = await readConfig(context);
  const plan = await client.call("entry-rename", { ...config, ...entry });
  if (plan.text !== null) await writeConfig(config, plan.text);
  const { leases, notes } = await client.call("entry-renamed", entry);
  if (output.json)
    output.printJson({ [kind]: to, former: name, summary: plan.summary, leases, notes: plan.notes ?? [] });
  for (const line of [...plan.summary, ...notes]) output.say(line);
  if (leases > 0) output.say(`${leases} ${leases === 1 ? "lease has" : "leases have"} followed`);
  for (const note of plan.notes ?? []) output.warn(note, "brokerctl config edit");
  await tellOfProfiles(kind, context);
}

interface Removal extends EntryName {
  readonly yes: boolean;
}

export async function removeEntry({ yes, ...entry }: Removal, context: CliContext): Promise<void> {
  const { client, output } = context;
  const { kind, name } = entry;
  const config = await readConfig(context);
  const plan = await client.call("entry-remove", { ...config, ...entry });
  await confirmOrRefuse(`Remove ${kind} ${name} from ${config.path}?`, yes, context);
  if (plan.text !== null) await replaceConfig(config, plan.text, context);
  if (output.json) output.printJson({ [kind]: name, summary: plan.summary });
  for (const line of plan.summary) output.say(line);
  await tellOfProfiles(kind, context);
}

/** A block that `profiles sync` wrote names roles, too; it is written when the user says so. */
async function tellOfProfiles(kind: EntryKind, context: CliContext): Promise<void> {
  if (kind !== "role") return;
  const [{ readAwsFilesIfThere }, { findBlock }] = await Promise.all([
    import("../aws-files/read-aws-files.js"),
    import("../profiles/profile-block.js"),
  ]);
  const { config } = await readAwsFilesIfThere(context);
  if (config && findBlock(config.text).found === "block") context.output.hint("brokerctl profiles sync");
}
