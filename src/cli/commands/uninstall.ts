import { URI_VARIABLE } from "../access/variables.js";
import { uninstall as uninstallAgent } from "../agents/agent-file.js";
import { defineCommand, JSON_OPTION, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { cannotAsk } from "../terminal/prompts.js";
import type { Screen } from "../terminal/screen.js";
import { table } from "../terminal/table.js";
import { removeProfileBlock } from "../uninstall/aws-leftovers.js";
import { findLeftovers, isEmpty, type Leftovers } from "../uninstall/find-leftovers.js";
import { Removal, removeOwnLeftovers, removeStartLines, stopEverything } from "../uninstall/remove-leftovers.js";
import { type Finding, findingsOf, lossOf } from "../uninstall/report-leftovers.js";

export const uninstallCommand = defineCommand({
  name: "uninstall",
  summary: "Remove everything of credbroker from this home",
  details: `Names everything it finds; asks before it takes lines out of your shell's start files, and before it removes config, secret
store and data key; then stops brokerd, removes its service, and does what you said. Ctrl-C in a question leaves
everything as it was. What it cannot know to be ours alone it names and leaves.
The programs themselves stay: npm removes them. Never starts brokerd.`,
  options: {
    "dry-run": { type: "boolean", help: "name everything, change nothing" },
    yes: { type: "boolean", help: "ask nothing; long-term keys that are nowhere else are lost for ever" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl uninstall --dry-run",
    "brokerctl uninstall",
    "brokerctl uninstall --yes && npm rm -g credbroker",
  ],
  exitCodes: ["1  something had to stay; it is named, with the fix"],
  async run({ options }, context) {
    const leftovers = await findLeftovers(context);
    const findings = findingsOf(leftovers);
    if (options["dry-run"] || isEmpty(leftovers)) {
      tellFindings(findings, context);
      return EXIT.done;
    }
    if (!options.yes && !context.interactive) {
      throw cannotAsk("consent", "brokerctl uninstall --dry-run shows what there is; add --yes to remove it");
    }
    if (!context.output.json) context.output.say(findingTable(findings, context.output.screen));
    return remove(leftovers, options.yes, context);
  },
});

function tellFindings(findings: readonly Finding[], { output }: CliContext): void {
  if (output.json) output.printJson({ found: findings, removed: [], failures: [] });
  else if (findings.length === 0)
    output.say("nothing of credbroker is in this home; the programs: npm rm -g credbroker");
  else output.print(findingTable(findings, output.screen));
}

function findingTable(findings: readonly Finding[], screen: Screen): string {
  const words = { removed: "goes", asked: "asks first", left: "stays" };
  return table(
    ["what", "where", "", ""],
    findings.map(({ what, where, becomes, note = "" }) => [what, where, words[becomes], note]),
    screen,
  );
}

async function remove(leftovers: Leftovers, yes: boolean, context: CliContext): Promise<Outcome> {
  const removal = new Removal();
  const consents = async (question: string): Promise<boolean> => yes || context.prompts.confirm(question, false);
  const { startFiles, own, dataKey } = leftovers;
  const files = startFiles.filter(({ isCompletion, lines }) => isCompletion || lines.some((line) => line.removable));
  const takesLines = files.length > 0 && (await consents(linesQuestion(files.map(({ path }) => path))));
  const hasOwn = own.found.length > 0 || dataKey !== undefined;
  const takesOwn = hasOwn && (await consents(ownQuestion(leftovers)));
  await stopEverything(leftovers, removal, context);
  const { block } = leftovers.aws;
  if (block?.problem === undefined && block) await removal.attempt(block.where, () => removeProfileBlock(context));
  for (const plan of leftovers.agents) await removal.attempt(plan.path, () => uninstallAgent(plan, context));
  if (takesLines) await removeStartLines(files, removal);
  if (takesOwn) await removeOwnLeftovers(leftovers, removal, context);
  const left = findingsOf(leftovers).filter(
    ({ what, becomes }) => becomes === "left" || (becomes === "asked" && !(isLine(what) ? takesLines : takesOwn)),
  );
  const shared = removal.shared.map((where): Finding => ({ what: "directory", where, becomes: "left", note: SHARED }));
  return tell([...left, ...shared], removal, context);
}

const SHARED = "something that is not ours is in it";

function isLine(what: Finding["what"]): boolean {
  return what === "start file" || what === "completion";
}

function linesQuestion(paths: readonly string[]): string {
  return `Take our lines out of ${paths.join(", ")}?`;
}

function ownQuestion({ own, daemon, dataKey }: Leftovers): string {
  const hasState = own.found.some(({ kind }) => kind === "state");
  const what = ["the config", ...(hasState ? ["the secret store"] : []), ...(dataKey ? ["the data key"] : [])];
  return `Remove ${what.join(", ")}?${lossOf(daemon, hasState)}`;
}

function tell(left: readonly Finding[], { removed, failures }: Removal, { output, env }: CliContext): Outcome {
  const code = failures.length > 0 ? EXIT.failed : EXIT.done;
  if (output.json) {
    const told = failures.map(({ code, message, hint }) => ({ code, message, hint }));
    output.printJson({ found: left, removed, failures: told });
    return code;
  }
  for (const what of removed) output.say(`removed ${what}`);
  for (const { what, where, note } of left)
    output.say(`stays: ${what} ${where}${note === undefined ? "" : ` (${note})`}`);
  for (const failure of failures) output.error(failure);
  if (env[URI_VARIABLE]?.startsWith("http://127.0.0.1:")) {
    output.hint("this shell still asks the broker: unset AWS_CONTAINER_CREDENTIALS_FULL_URI, or open a new one");
  }
  if (code === EXIT.done) output.hint("npm rm -g credbroker    # the programs");
  return code;
}
