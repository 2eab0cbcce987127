import { randomInt } from "node:crypto";
import { printRows } from "../attack/report.js";
import { CONTROLS, type Control, forgetEntries, NEVER, type Never, summary } from "./verdict.js";

/** Around the whole suite: its files run in processes of their own, the table is one. */
export default function around(): () => void {
  forgetEntries();
  const seed = (process.env["CREDBROKER_TEST_SEED"] ??= String(randomInt(2 ** 32)));
  process.stdout.write(`\nseed: ${seed} (the same again: npm run test:faults -- --seed ${seed})\n`);
  return printSummary;
}

function printSummary(): void {
  const { cases, never } = summary();
  if (cases.length === 0) return;
  printRows(cases.map((row) => (row.holds ? row : { ...row, got: `DIFFERENT: ${row.got}` })));

  process.stdout.write("\ncontrols of the threat model that these cases prove\n");
  for (const control of Object.keys(CONTROLS) as Control[]) {
    const proofs = cases.filter(({ proves = [] }) => proves.includes(control));
    if (proofs.length === 0) continue;
    const held = proofs.filter(({ holds }) => holds).length;
    process.stdout.write(`${control.padEnd(4)} ${CONTROLS[control]}: ${held} of ${proofs.length} cases\n`);
  }

  const different = cases.filter(({ holds }) => !holds).length;
  process.stdout.write(`\n${cases.length} cases, ${different} different from what was expected\n`);
  for (const [kind, text] of Object.entries(NEVER) as [Never, string][]) {
    const { looked, happened } = never[kind];
    process.stdout.write(`${happened.length} cases in which ${text} (of ${looked} looked at)\n`);
    for (const what of happened.slice(0, 10)) process.stdout.write(`  ${what}\n`);
  }
  const total = Object.values(never).reduce((sum, { happened }) => sum + happened.length, 0);
  if (different + total > 0) process.exitCode = 1;
}
