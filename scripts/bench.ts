import "./bench/quiet-environment.js";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { COMMAND_ROWS } from "./bench/command-rows.js";
import { compareText } from "./bench/compare.js";
import { DAEMON_ROWS } from "./bench/daemon-rows.js";
import { GET_ROWS } from "./bench/get-rows.js";
import { GROWTH_ID, GROWTH_ROW } from "./bench/growth-rows.js";
import { growthSvg } from "./bench/growth-svg.js";
import { LAMBDA_ROW } from "./bench/lambda-row.js";
import { LOOKUP_ROW } from "./bench/lookup-row.js";
import { measureRow, type Peers, type Row, type RowResult } from "./bench/measure.js";
import { PAGE_ROW } from "./bench/page-row.js";
import { parsePeer, parsePeerCommand, type RunningPeers, startAwsVault } from "./bench/peers.js";
import { isBusy, machineLine, markdown, type Report, rowText, thisMachine } from "./bench/report.js";
import { SHELL_ROWS } from "./bench/shell-rows.js";
import { UPSTREAM_ROWS } from "./bench/upstream-rows.js";

const ROWS: readonly Row[] = [
  ...COMMAND_ROWS,
  // These leave some 60,000 closed connections for a minute, among which the user behind a new one is looked for.
  ...GET_ROWS,
  ...DAEMON_ROWS,
  ...UPSTREAM_ROWS,
  GROWTH_ROW,
  PAGE_ROW,
  ...SHELL_ROWS,
  LOOKUP_ROW,
  LAMBDA_ROW,
];
const PAGE = "docs/performance.md";
const CURVES = "docs/growth.svg";
const BLOCK = /(?<=<!-- bench -->\n)[^]*(?=<!-- \/bench -->)/;

const USAGE = `npm run bench [-- OPTION…]: how fast it is, beside what the same machine does at the same time

  --only ROW            this row, or those whose name begins so (again for more)
  --quick               fewer and shorter rounds
  --json FILE           writes the run, for --compare; rows that stand there from an earlier run, and are not measured now, stay
  --compare FILE        says what is better, worse or the same as in that run; with --with FILE those two are compared, and nothing is run
  --peer NAME=URL,TOKEN a container credentials endpoint beside the GETs
  --peer-cmd [ROW:]NAME='COMMAND'   a program beside \`exec\`, or another row
  --with-peers          builds aws-vault (needs Go) and measures it beside ours
  --write               writes the table (with --json: of all of its rows) into ${PAGE} and the curves into ${CURVES}
  --list                names the rows

Not needed: a quiet machine; each ratio is of medians of rounds in turn. What is absolute (ms, %) does need one.
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    compare: { type: "string" },
    with: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
    "peer-cmd": { type: "string", multiple: true, default: [] },
    "with-peers": { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else if (values.list) process.stdout.write(ROWS.map(({ id, title }) => `${id.padEnd(20)} ${title}\n`).join(""));
else if (values.compare !== undefined && values.with !== undefined)
  process.stdout.write(compareText(readReport(values.compare), readReport(values.with)));
else await bench(chosenRows());

function chosenRows(): readonly Row[] {
  const rows = values.only.flatMap((name) => {
    const exact = ROWS.filter(({ id }) => id === name);
    const chosen = exact.length > 0 ? exact : ROWS.filter(({ id }) => id.startsWith(name));
    if (chosen.length === 0) throw new Error(`there is no row ${name}: ${ROWS.map(({ id }) => id).join(" ")}`);
    return chosen;
  });
  return values.only.length > 0 ? rows : ROWS;
}

async function bench(rows: readonly Row[]): Promise<void> {
  const old = values.compare === undefined ? undefined : readReport(values.compare);
  const machine = thisMachine(values.quick);
  process.stdout.write(`${machineLine(machine)}\n`);
  if (isBusy(machine.load))
    process.stdout.write("the machine is busy: trust ratios more than times, and their quartiles more than medians\n");
  const started = values["with-peers"] ? await startAwsVault() : undefined;
  const results: RowResult[] = [];
  try {
    for (const row of rows) {
      const result = await measureRow(row, { quick: values.quick, peers: peersWith(started) });
      process.stdout.write(`\n${rowText(result)}`);
      results.push(result);
    }
  } finally {
    await started?.close();
  }
  const report: Report = { version: 1, machine, rows: [...results, ...earlierRows(rows)].sort(asListed) };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  if (old) process.stdout.write(`\n${compareText(old, report)}`);
  if (values.write) write(report);
}

/** What the file has already: a run in parts. */
function earlierRows(measured: readonly Row[]): readonly RowResult[] {
  if (values.json === undefined || !existsSync(values.json)) return [];
  return readReport(values.json).rows.filter(({ id }) => !measured.some((row) => row.id === id));
}

function asListed(a: RowResult, b: RowResult): number {
  return ROWS.findIndex(({ id }) => id === a.id) - ROWS.findIndex(({ id }) => id === b.id);
}

function peersWith(started: RunningPeers | undefined): Peers {
  return {
    endpoints: [...(started?.endpoints ?? []), ...values.peer.map(parsePeer)],
    commands: [...(started?.commands ?? []), ...values["peer-cmd"].map(parsePeerCommand)],
  };
}

function readReport(path: string): Report {
  const report = JSON.parse(readFileSync(path, "utf8")) as Report;
  if ((report.version as number) !== 1) throw new Error(`${path} is not a run of this bench`);
  return report;
}

function write(report: Report): void {
  const page = readFileSync(PAGE, "utf8");
  if (!BLOCK.test(page)) throw new Error(`${PAGE} has no <!-- bench --> block`);
  writeFileSync(
    PAGE,
    page.replace(BLOCK, () => `${markdown(report)}\n`),
  );
  const growth = report.rows.find(({ id }) => id === GROWTH_ID);
  if (growth) writeFileSync(CURVES, growthSvg(growth));
  process.stdout.write(`\nwritten: ${PAGE}, ${CURVES}\n`);
}
