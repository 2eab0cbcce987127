import { whyAwsCliStops } from "../aws-files/aws-settings.js";
import { defineCommand, JSON_OPTION, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { gonePrograms } from "../profiles/gone-programs.js";
import { type ProfilesPlan, planProfiles, type SkippedRole } from "../profiles/plan-profiles.js";
import { type OwnCommand, ownCommand } from "../profiles/process-line.js";
import { findBlock } from "../profiles/profile-block.js";
import { missingPlaces, type ProfilesFile, readProfilesFile, writeProfilesFile } from "../profiles/profiles-file.js";
import { wantedProfiles } from "../profiles/wanted-profiles.js";
import type { Output } from "../terminal/output.js";

interface Sync {
  readonly file: ProfilesFile;
  readonly plan: ProfilesPlan;
  readonly dryRun: boolean;
}

export const profilesSyncCommand = defineCommand({
  name: "profiles sync",
  summary: "Write a profile for each role into ~/.aws/config, for tools that insist on profiles",
  details: `The profiles stand in one marked block, each with a credential_process that asks brokerctl: \`aws --profile dev\`, AWS_PROFILE=dev,
\`cdk --profile dev\`. The block is exactly the roles named, without ROLE all of the config; those that are gone leave it. Every other byte of
the file stays, and so do your own profiles: a role of the same name is left out and told. AWS_CONFIG_FILE is honoured.`,
  positionals: [{ name: "ROLE", repeat: true, help: "only these" }],
  options: {
    "dry-run": { type: "boolean", help: "show it and change nothing" },
    prefix: { type: "string", value: "PREFIX", help: "what the profiles' names begin with, before the role's" },
    force: { type: "boolean", help: "also where the block was changed by hand: what was changed in it is lost" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl profiles sync",
    "brokerctl profiles sync dev prod --prefix broker- --dry-run",
    "brokerctl profiles sync && aws --profile dev sts get-caller-identity",
  ],
  exitCodes: ["1 also: a ROLE that was named could not be given a profile"],
  async run({ options, positionals }, context) {
    const file = await readProfilesFile(context);
    const command = ownCommand(context);
    const { prefix = "", force, "dry-run": dryRun } = options;
    const wanted = await wantedProfiles({ roles: positionals, prefix, command, file }, context);
    const made = await missingPlaces(file);
    const plan = planProfiles(file.texts, wanted, { path: file.path, made, force });
    const sync = { file, plan, dryRun };
    tellGone(sync, context);
    if (plan.text !== null && !dryRun) await writeProfilesFile(file, plan.text, context);
    if (context.output.json) context.output.printJson(syncJson(sync));
    else tell(sync, command, context);
    return outcomeOf(plan, positionals);
  },
});

function outcomeOf({ skipped }: ProfilesPlan, named: readonly string[]): Outcome {
  const failed = skipped.some(({ role, isServed }) => !isServed && named.includes(role));
  return failed ? EXIT.failed : EXIT.done;
}

function tell(sync: Sync, command: OwnCommand, { output }: CliContext): void {
  const { file, plan, dryRun } = sync;
  tellChanges(sync, output);
  for (const skip of plan.skipped) tellSkipped(skip, output);
  const why = whyAwsCliStops(plan.text ?? file.texts.config?.text ?? "");
  if (why !== undefined) output.warn(`the AWS CLI and boto3 read no profile of ${file.path}, which ${why}`);
  for (const note of command.notes) output.warn(note);
  const [first] = plan.profiles;
  if (first && !dryRun) output.hint(`aws --profile ${first.name} sts get-caller-identity`);
}

function tellChanges({ file, plan, dryRun }: Sync, output: Output): void {
  if (plan.text === null) return output.say(`nothing to change in ${file.path}`);
  if (dryRun) output.print(blockLines(plan.text));
  for (const what of ["added", "changed", "removed"] as const) {
    if (plan[what].length > 0) output.say(`${dryRun ? "would be " : ""}${what}: ${plan[what].join(", ")}`);
  }
  output.say(dryRun ? `nothing was written to ${file.path}` : `written to ${file.path}`);
}

function blockLines(text: string): string {
  const search = findBlock(text);
  return search.found === "block" ? text.slice(search.block.start, search.block.end).trimEnd() : "# no block";
}

function tellSkipped({ role, profile, why, isServed }: SkippedRole, output: Output): void {
  if (isServed) output.say(`role ${role} needs no profile here: ${why}`);
  else output.warn(`role ${role} gets no profile ${profile}: ${why}`, "brokerctl profiles sync --prefix PREFIX-");
}

/** Until now these profiles failed. */
function tellGone({ file, plan }: Sync, { output }: CliContext): void {
  const search = findBlock(file.texts.config?.text ?? "");
  if (search.found !== "block" || plan.text === null) return;
  for (const path of gonePrograms(search.block.profiles)) output.warn(`the profiles named ${path}, which is gone`);
}

function syncJson({ file, plan, dryRun }: Sync): Readonly<Record<string, unknown>> {
  const { added, changed, removed, skipped } = plan;
  return {
    ...{ config_path: file.path, dry_run: dryRun, profiles: plan.profiles.map(({ name }) => name) },
    ...{ added, changed, removed },
    skipped: skipped.map(({ role, profile, why, isServed }) => ({ role, profile, why, served: isServed })),
  };
}
