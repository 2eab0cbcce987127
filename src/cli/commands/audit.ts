import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type AuditLine, parseAuditLine } from "../../core/audit-line.js";
import { AUDIT_LOGS } from "../../core/audit-views.js";
import { BrokerError } from "../../core/errors.js";
import { spellUnseen } from "../../core/visible-text.js";
import { type LineTail, readOn, readOnThroughRotation, startOfFile } from "../../files/line-tail.js";
import { numberedFiles } from "../../files/numbered-files.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { auditText, isIntact, reportJson, reportLines } from "../terminal/audit-text.js";

const DAY_SECONDS = 86_400;
const POLL_MS = 300;

export const auditCommand = defineCommand({
  name: "audit",
  summary: "Who was served which role, who was refused, what was changed",
  details: `Reads the files, whether brokerd runs or not; fetches of the current minute are counted at its end. \`audit verify\` has
brokerd hold every line against the hash in the next one and the end of the log against what it sealed, and tells each place
that was changed, cut or moved: exit code 1.`,
  positionals: [{ name: "verify", choices: ["verify"], help: "check that the log is as brokerd wrote it" }],
  options: {
    follow: { type: "boolean", short: "f", help: "go on with what comes next, until Ctrl-C" },
    role: { type: "string", value: "ROLE", help: "of this role only" },
    lease: {
      type: "string",
      value: "LEASE",
      help: "of this lease only, by name or id, and what was asked from under it",
    },
    since: { type: "string", value: "DURATION", help: "how far back, e.g. 2h, 30d; default 24h" },
    json: { type: "boolean", help: "the lines as they are written: one JSON object each" },
  },
  examples: [
    "brokerctl audit",
    "brokerctl audit --role prod --since 30d",
    "brokerctl audit --lease agent --follow",
    "brokerctl audit --json --since 7d | jq 'select(.outcome==\"refused\")'",
    "brokerctl audit verify",
  ],
  exitCodes: ["1 of `audit verify`: the log is not as brokerd wrote it"],
  async run({ options, positionals }, context) {
    const { follow: goesOn, role, lease, since } = options;
    const [verb] = positionals;
    if (verb !== undefined) {
      refuseUnlessAlone(verb, goesOn || [role, lease, since].some((option) => option !== undefined));
      return verify(context);
    }
    const seconds = since === undefined ? DAY_SECONDS : parseDuration(since, "--since");
    const wanted: Wanted = { role, lease, from: context.clock.now() - seconds * 1000 };
    const print = (line: AuditLine, text: string): void =>
      context.output.print(options.json ? spellUnseen(text) : auditText(line));
    await show(wanted, print, { context, goesOn });
    return EXIT.done;
  },
});

function refuseUnlessAlone(verb: string, hasOthers: boolean): void {
  if (verb !== "verify") {
    throw new BrokerError("UsageInvalid", `unexpected argument '${verb}'`, { hint: "brokerctl audit verify" });
  }
  if (!hasOthers) return;
  throw new BrokerError("UsageInvalid", "audit verify checks all of the log: it takes no other flag than --json", {
    hint: "brokerctl audit verify",
  });
}

async function verify({ client, output }: CliContext): Promise<number> {
  const report = await client.call("audit-verify", {});
  if (output.json) output.printJson(reportJson(report));
  else {
    for (const log of AUDIT_LOGS) output.print(reportLines(`${log}.jsonl`, report.logs[log]).join("\n"));
    if (report.sealProblem !== null) {
      output.warn(`the end of the log is not held against its seal: ${report.sealProblem}`, "brokerctl unlock");
    }
  }
  return isIntact(report) ? EXIT.done : EXIT.failed;
}

interface Wanted {
  readonly role: string | undefined;
  readonly lease: string | undefined;
  /** Epoch milliseconds. */
  readonly from: number;
}

type Print = (line: AuditLine, text: string) => void;

interface Shown {
  readonly line: AuditLine;
  readonly text: string;
}

async function show(
  wanted: Wanted,
  print: Print,
  { context, goesOn }: { readonly context: CliContext; readonly goesOn: boolean },
): Promise<void> {
  const paths = AUDIT_LOGS.map((log) => join(context.paths().stateDir, `${log}.jsonl`));
  const read = await Promise.all(paths.map((path) => readSince(path, wanted.from)));
  const isThere = read.some(({ lines, tail }) => lines.length > 0 || tail.inode !== undefined);
  if (!isThere && !goesOn) throw noLog(context);
  const shown = inOrder(read.flatMap(({ lines }) => lines).flatMap((text) => wantedLine(text, wanted)));
  for (const { line, text } of shown) print(line, text);
  if (shown.length === 0 && !goesOn) context.output.say("nothing of this is on record; further back: --since 30d");
  if (goesOn)
    await follow(
      read.map(({ tail }) => tail),
      { wanted, print, context },
    );
}

function noLog({ paths }: CliContext): BrokerError {
  return new BrokerError("InternalError", `there is no audit log yet in ${paths().stateDir}`, {
    hint: existsSync(paths().configFile) ? "brokerctl start" : "brokerctl init",
  });
}

/** From the rotated files too, where they were written to since. */
async function readSince(
  path: string,
  from: number,
): Promise<{ readonly lines: readonly string[]; readonly tail: LineTail }> {
  const lines: string[] = [];
  let tail = startOfFile(path);
  for (const file of await numberedFiles(path)) {
    const read = (await lastWritten(file)) < from && file !== path ? undefined : await readOn(startOfFile(file));
    if (!read) continue;
    lines.push(...read.lines);
    if (file === path) tail = read.tail;
  }
  return { lines, tail };
}

async function lastWritten(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}

function wantedLine(text: string, { role, lease, from }: Wanted): readonly Shown[] {
  const line = parseAuditLine(text);
  if (!line || Date.parse(line.time) < from) return [];
  const isOfRole = role === undefined || line.role === role;
  const leases = [line.lease, line.lease_name, line.caller_lease];
  return isOfRole && (lease === undefined || leases.includes(lease)) ? [{ line, text }] : [];
}

/** By their times; lines of one log stay in their order where a clock was set back. */
function inOrder(lines: readonly Shown[]): readonly Shown[] {
  return lines.toSorted((a, b) => Date.parse(a.line.time) - Date.parse(b.line.time));
}

/** Ends with the signal that ends us. */
async function follow(
  from: readonly LineTail[],
  { wanted, print, context }: { readonly wanted: Wanted; readonly print: Print; readonly context: CliContext },
): Promise<never> {
  for (let tails = from; ; ) {
    await context.clock.sleep(POLL_MS);
    const read = await Promise.all(tails.map((tail) => readOnThroughRotation(tail)));
    const lines = read.flatMap((more) => more?.lines ?? []).flatMap((text) => wantedLine(text, wanted));
    for (const { line, text } of inOrder(lines)) print(line, text);
    tails = tails.map((tail, index) => read[index]?.tail ?? tail);
  }
}
