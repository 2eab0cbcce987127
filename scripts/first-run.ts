import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type FirstRun, firstRuns } from "../test/support/first-runs.js";
import { pack } from "../test/support/packed.js";
import { prepareMotoVenv } from "./moto-venv.js";

/**
 * `npm run first-run [-- --write] [--json]`: new users with five kinds of home, from the packed tarball to the AWS CLI's first right
 * identity, against a simulated AWS. --write puts the table into docs/install.md. Ends with 1 where an identity is not the right one,
 * or it took more than three commands or a minute.
 */
const PAGE = resolve("docs/install.md");
const MOST_COMMANDS = 3;
const MOST_SECONDS = 60;
const [BEGIN, END] = ["<!-- first-run: written by npm run first-run -- --write -->", "<!-- /first-run -->"];

const { values } = parseArgs({
  options: { write: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
prepareMotoVenv();
const runs = await firstRuns(pack());
if (values.json) process.stdout.write(`${JSON.stringify(runs)}\n`);
else process.stdout.write(`${tableOf(runs)}\n`);
for (const { who, isRight, output } of runs) if (!isRight) process.stderr.write(`\n== ${who}\n${output}\n`);
if (values.write) writeTable(runs);
if (!runs.every(isGood)) process.exitCode = 1;

function isGood({ commands, seconds, isRight }: FirstRun): boolean {
  return isRight && commands.length <= MOST_COMMANDS && seconds <= MOST_SECONDS;
}

function tableOf(all: readonly FirstRun[]): string {
  const rows = all.map(({ who, commands, seconds, installSeconds, identity, isRight }) => {
    const setup = commands[1]?.replace(" --secret-store passphrase", "") ?? "";
    return `| ${who} | \`${setup}\` | ${commands.length} | ${seconds.toFixed(1)} (${installSeconds.toFixed(1)}) | ${isRight ? `\`${identity ?? ""}\`` : "**not the right one**"} |`;
  });
  return [
    "| a person with | types | commands | seconds (the install) | and is, by `aws sts get-caller-identity` |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** Seconds say nothing without how busy the machine was. */
function machineLine(): string {
  const [load = 0] = loadavg();
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${availableParallelism()} processors at a load of ${load.toFixed(1)}.`;
}

function writeTable(all: readonly FirstRun[]): void {
  const text = readFileSync(PAGE, "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no place for the table`);
  writeFileSync(PAGE, `${before}${BEGIN}\n${tableOf(all)}\n\n${machineLine()}\n${END}${after}`);
}
