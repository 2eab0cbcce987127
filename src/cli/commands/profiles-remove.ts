import { defineCommand, JSON_OPTION, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { blockToReplace } from "../profiles/plan-profiles.js";
import { findBlock, type ProfileBlock, withoutBlock } from "../profiles/profile-block.js";
import { readProfilesFile, writeProfilesFile } from "../profiles/profiles-file.js";

export const profilesRemoveCommand = defineCommand({
  name: "profiles remove",
  summary: "Take the profiles of `profiles sync` out of ~/.aws/config, which is then as it was before",
  details: "Lines that you or `import` wrote stay. Never starts brokerd.",
  options: {
    "dry-run": { type: "boolean", help: "show it and change nothing" },
    force: { type: "boolean", help: "also where the block was changed by hand: what was changed in it is lost" },
    json: JSON_OPTION,
  },
  examples: ["brokerctl profiles remove --dry-run", "brokerctl profiles remove"],
  async run({ options }, context) {
    const { force, "dry-run": dryRun } = options;
    const file = await readProfilesFile(context);
    const { path } = file;
    const text = file.texts.config?.text ?? "";
    const block = blockToReplace(findBlock(text), path, force);
    if (block && !dryRun) await writeProfilesFile(file, withoutBlock(text, block), context);
    if (!context.output.json) return tell({ path, text, block, dryRun }, context);
    context.output.printJson({
      ...{ config_path: path, dry_run: dryRun },
      removed: block?.profiles.map(({ name }) => name) ?? [],
    });
    return EXIT.done;
  },
});

interface Removed {
  readonly path: string;
  readonly text: string;
  readonly block: ProfileBlock | undefined;
  readonly dryRun: boolean;
}

function tell({ path, text, block, dryRun }: Removed, { output }: CliContext): Outcome {
  if (block === undefined) {
    output.say(`there is no block of credbroker in ${path}`);
    return EXIT.done;
  }
  if (dryRun) output.print(text.slice(block.start, block.end).trimEnd());
  output.say(`${dryRun ? "would be removed" : "removed"} from ${path}: ${profilesOf(block)}`);
  return EXIT.done;
}

function profilesOf({ profiles, lines: [first, last] }: ProfileBlock): string {
  return `${profiles.map(({ name }) => name).join(", ")} (lines ${first} to ${last})`;
}
