import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { READ_AT_ONCE } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";
import { cannotAsk } from "../terminal/prompts.js";
import type { Finding, Offer } from "./finding.js";

/** Asks before each of the few things that are safe to do; says what is left to the user. Answers what was done. */
export async function offerFixes(findings: readonly Finding[], context: CliContext): Promise<number> {
  if (!context.interactive) throw cannotAsk("an answer to each fix", "run brokerctl doctor --fix in a terminal");
  let done = 0;
  const offered = new Set<string>();
  for (const { message, offer } of findings) {
    if (offer === undefined || offered.has(nameOf(offer))) continue;
    offered.add(nameOf(offer));
    if (await context.prompts.confirm(`${message}. ${questionOf(offer)}`, false)) {
      await act(offer, context);
      done += 1;
    }
  }
  const unsets = findings.map(({ fix }) => fix).filter((fix) => fix?.startsWith("unset "));
  if (unsets.length > 0) {
    context.output.say("a command cannot change the shell that starts it; paste there:");
    for (const line of new Set(unsets)) context.output.say(`  ${line ?? ""}`);
  }
  return done;
}

function nameOf(offer: Offer): string {
  return offer.do === "chmod" ? `chmod ${offer.path}` : `import ${offer.profile}`;
}

function questionOf(offer: Offer): string {
  if (offer.do === "import") return `Import [${offer.profile}], with its key, now?`;
  return `Set its mode to ${offer.mode.toString(8)}?`;
}

async function act(offer: Offer, context: CliContext): Promise<void> {
  if (offer.do === "chmod") {
    await changeMode(offer.path, offer.mode);
    return;
  }
  const { importCommand } = await import("../commands/import.js");
  const options = { "dry-run": false, yes: false, replace: true, "remove-keys": false, from: undefined, json: false };
  await importCommand.run({ options, positionals: [offer.profile], rest: [] }, context);
}

/** Through the open file: another process could have put a link in its place, and what that names is not ours to change. */
async function changeMode(path: string, mode: number): Promise<void> {
  const handle = await open(path, READ_AT_ONCE | constants.O_NOFOLLOW);
  try {
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}
