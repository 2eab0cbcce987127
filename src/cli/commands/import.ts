import { type FileText, type ImportRequest, VAULTS, type Vault } from "../../core/aws-import.js";
import { BrokerError } from "../../core/errors.js";
import {
  applyImport,
  editsOf,
  type ImportPlan,
  type ImportResult,
  isToStore,
  type KeysInFiles,
  type PlannedImport,
} from "../aws-files/apply-import.js";
import { importCounts, importItemJson, importKeyJson, importTable } from "../aws-files/import-views.js";
import type { KeyEdit } from "../aws-files/key-edits.js";
import { readAwsFiles, usualAwsFiles } from "../aws-files/read-aws-files.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { readConfig } from "../config/config-file.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { ownCommand } from "../profiles/process-line.js";
import type { ImportedFiles } from "../vaults/read-vault.js";

interface Choices {
  readonly profiles: readonly string[];
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly keysInFiles: KeysInFiles;
}

export const importCommand = defineCommand({
  name: "import",
  summary: "Take profiles of ~/.aws/config and credentials into the config, and their keys into the secret store",
  details: `Shows what each profile becomes, or why it is not taken, and asks. Without PROFILE: all but [default], which is taken when it
is named or when you say so. Entries that the config has already stay as they are. The AWS files stay as they are too,
unless --replace or --remove-keys takes out the access keys that were stored. With --replace a credential_process line stands in
their place, so that \`--profile NAME\` goes on, and the file as it was is kept beside it.
AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE are honoured.
--from reads what another program has, and only that: of aws-vault the keys of its keyring, by its own commands, which may ask you; of
aws-sso-cli its config.yaml and its profiles; of granted its config and its profiles. None of them is changed.`,
  positionals: [{ name: "PROFILE", repeat: true, help: "only these, and those that sign for them" }],
  options: {
    "dry-run": { type: "boolean", help: "show it and change nothing" },
    yes: { type: "boolean", help: "do not ask; [default] must then be named" },
    replace: {
      type: "boolean",
      help: "have the profiles of stored keys ask brokerctl in place of them; a copy of the file stays",
    },
    "remove-keys": { type: "boolean", help: "remove the keys from the AWS files once they are in the secret store" },
    from: { type: "string", choices: VAULTS, help: "take what this program has, with --dry-run too" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl import --dry-run",
    "brokerctl import",
    "brokerctl import prod default --replace",
    "brokerctl import --from aws-vault",
    "brokerctl import --yes --json | jq '.profiles[] | select(.outcome == \"refused\")'",
  ],
  exitCodes: ["1 also: a PROFILE that was named could not be taken"],
  async run({ options, positionals }, context) {
    const { yes, "dry-run": dryRun } = options;
    const keysInFiles = keysInFilesOf(options);
    const choices: Choices = { profiles: positionals, dryRun, yes, keysInFiles };
    const config = await readConfig(context);
    const files = await readFiles(options.from, context);
    const { request, plan } = await planned({ config, files, choices }, context);
    const result = dryRun
      ? { keys: plan.keys, removedFrom: [], backups: [] }
      : await applyImport({ request, plan, yes, keysInFiles }, context);
    if (context.output.json) context.output.printJson(resultJson({ request, plan, choices, ...result }, context));
    if (!dryRun) tellWhatIsLeft({ request, plan }, context);
    const taken = plan.items.every(({ what, outcome }) => !positionals.includes(what) || isTaken(outcome));
    return taken ? EXIT.done : EXIT.failed;
  },
});

interface KeyOptions {
  readonly "remove-keys": boolean;
  readonly replace: boolean;
  readonly from?: Vault | undefined;
}

function keysInFilesOf({ "remove-keys": removes, replace: replaces, from }: KeyOptions): KeysInFiles {
  if (removes && replaces) {
    throw new BrokerError("UsageInvalid", "--remove-keys leaves nothing in the place of a key, --replace does", {
      hint: "brokerctl import --replace",
    });
  }
  if (from !== undefined && (removes || replaces)) {
    throw new BrokerError("UsageInvalid", `--from ${from} leaves everything of ${from} as it is`, {
      hint: `brokerctl import --from ${from}`,
    });
  }
  if (replaces) return "replace";
  return removes ? "remove" : "keep";
}

async function readFiles(vault: Vault | undefined, context: CliContext): Promise<ImportedFiles> {
  if (vault === undefined) return { aws: await readAwsFiles(context) };
  const { readVault } = await import("../vaults/read-vault.js");
  return readVault(vault, context);
}

/** What only the person can do. */
function tellWhatIsLeft({ request, plan }: PlannedImport, { output }: CliContext): void {
  const portals = plan.items.filter(({ what, source }) => what.startsWith("[sso-session ") && source !== null);
  for (const { source } of request.from ? portals : []) {
    output.hint(`brokerctl sso roles ${source ?? ""} --add, for the roles that its login can have`);
  }
  const held = plan.keys.map(({ source }) => source);
  if (request.from?.vault === "aws-vault" && held.length > 0) {
    output.say(`aws-vault keeps its copies; when everything works, for each: aws-vault remove ${held[0] ?? "NAME"}`);
  }
}

function isTaken(outcome: ImportPlan["items"][number]["outcome"]): boolean {
  return outcome === "add" || outcome === "same";
}

/** Shown, and planned anew with `[default]` where the user wants it too. */
async function planned(
  { config, files, choices }: { readonly config: FileText; readonly files: ImportedFiles; readonly choices: Choices },
  context: CliContext,
): Promise<PlannedImport> {
  const profiles = choices.profiles.length === 0 ? null : choices.profiles;
  const request: ImportRequest = { ...config, ...files, profiles, withDefault: false };
  const plan = await context.client.call("import-plan", request);
  warnOfOtherFiles(request, plan, context);
  show({ request, plan }, choices, context);
  const asks = context.interactive && !choices.yes && !choices.dryRun && !context.output.json;
  if (!asks || !plan.items.some(({ outcome }) => outcome === "left")) return { request, plan };
  if (!(await context.prompts.confirm("Take [default] as well?", false))) return { request, plan };
  const withDefault = { ...request, withDefault: true };
  const all = await context.client.call("import-plan", withDefault);
  show({ request: withDefault, plan: all }, choices, context);
  return { request: withDefault, plan: all };
}

/** A `profile` source is read by brokerd, which knows nothing of this shell's variables. */
function warnOfOtherFiles({ aws }: ImportRequest, { items }: ImportPlan, context: CliContext): void {
  const usual = usualAwsFiles(context);
  const others = (["config", "credentials"] as const).filter((name) => aws[name] && aws[name].path !== usual[name]);
  const profiles = items.filter(({ outcome, type }) => outcome === "add" && type === "profile");
  if (others.length === 0 || profiles.length === 0) return;
  const names = profiles.map(({ what }) => what).join(", ");
  context.output.warn(`sources of type profile are read from ${usual.config} and ${usual.credentials}: ${names}`);
}

function show({ request, plan }: PlannedImport, choices: Choices, context: CliContext): void {
  const { items, keys, storeProblem } = plan;
  const { dryRun } = choices;
  const { output } = context;
  if (output.json) return;
  const lines = items.length === 0 ? "the AWS files hold no profiles" : importTable(items, output.screen);
  if (dryRun) output.print(lines);
  else output.say(lines);
  output.say(importCounts(items));
  for (const { source, accessKeyIdSuffix, state } of keys) {
    if (isToStore(state)) output.say(`key …${accessKeyIdSuffix} goes into the secret store, source ${source}`);
    if (state !== "other") continue;
    output.warn(
      `the secret store has another key for source ${source}: …${accessKeyIdSuffix} is not taken`,
      `brokerctl keys add ${source} --replace`,
    );
  }
  if (dryRun) showEdits({ request, plan }, choices, context);
  if (dryRun && storeProblem) output.warn(storeProblem.message, storeProblem.hint);
}

/** What the AWS files become: nothing but names, the ends of key ids, and our lines. */
function showEdits(planned: PlannedImport, choices: Choices, context: CliContext): void {
  for (const { file, lines } of plannedEdits(planned, choices, context)) {
    context.output.print(`${file.path}:`);
    for (const { line, removed, added } of lines) {
      context.output.print(`  ${line} - ${removed}`);
      if (added !== undefined) context.output.print(`  ${line} + ${added}`);
    }
  }
}

function plannedEdits(
  { request, plan }: PlannedImport,
  { keysInFiles }: Choices,
  context: CliContext,
): readonly KeyEdit[] {
  return keysInFiles === "keep" ? [] : editsOf({ request, plan, keysInFiles }, plan.places, context);
}

type Result = PlannedImport & ImportResult & { readonly choices: Choices };

function resultJson(result: Result, context: CliContext): Readonly<Record<string, unknown>> {
  const { request, plan, choices, keys, removedFrom, backups } = result;
  const command = ownCommand(context);
  return {
    dry_run: choices.dryRun,
    config_path: request.path,
    aws_files: [request.aws.config?.path, request.aws.credentials?.path].filter((path) => path !== undefined),
    profiles: plan.items.map(importItemJson),
    keys: keys.map((key) => importKeyJson(key, command)),
    edits: plannedEdits(result, choices, context).flatMap(({ file, lines }) =>
      lines.map(({ line, removed, added = null }) => ({ file: file.path, line, removed, added })),
    ),
    keys_removed_from: removedFrom,
    backups,
  };
}
