import type { AwsLeftovers } from "./aws-leftovers.js";
import type { Leftovers, RunningDaemon } from "./find-leftovers.js";
import type { OwnPlace } from "./own-directories.js";
import type { StartFile } from "./start-files.js";

/** One line of what was found. */
export interface Finding {
  readonly what: string;
  /** A path, `FILE:LINE`, a pid or a keychain item. */
  readonly where: string;
  /** removed: without a question; asked: after one; left: the user's to change. */
  readonly becomes: "removed" | "asked" | "left";
  readonly note?: string;
}

/** In the order in which it is dealt with. */
export function findingsOf(leftovers: Leftovers): readonly Finding[] {
  return [
    ...serviceFindings(leftovers.service),
    ...(leftovers.daemon
      ? [{ what: "brokerd", where: `process ${leftovers.daemon.pid}`, becomes: "removed" } as const]
      : []),
    ...leftovers.startFiles.flatMap(startFindings),
    ...awsFindings(leftovers.aws),
    ...leftovers.agents.map(
      ({ agent, path }): Finding => ({ what: "agent config", where: path, becomes: "removed", note: agent.title }),
    ),
    ...leftovers.own.found.map(ownFinding),
    ...leftovers.own.doubtful.map(doubtfulFinding),
    ...leftovers.own.foreign.map((where): Finding => ({ what: "file", where, becomes: "left", note: IN_OURS })),
    ...dataKeyFindings(leftovers.dataKey),
  ];
}

/** What is lost for ever with the state directory. */
export function lossOf(daemon: RunningDaemon | undefined, hasState: boolean): string {
  if (!hasState) return "";
  if (!daemon?.keys) {
    const why = daemon ? "it is locked" : "brokerd does not run";
    return ` The secret store goes with every long-term key in it (${why}: which ones cannot be told).`;
  }
  if (daemon.keys.length === 0) return " The secret store holds no long-term key.";
  const count = daemon.keys.length === 1 ? "1 source" : `${daemon.keys.length} sources`;
  return ` The long-term keys of ${count} go with it (${daemon.keys.join(", ")}): where you have no other copy they are lost for ever.`;
}

const ASKS_US = "asks brokerctl for credentials";
const HOLDS_KEYS = "the file as it was before import --replace, with its keys";
const IN_OURS = "not ours, in our state directory";
const NOT_OURS = "does not look like our state directory";
const NOT_OUR_CONFIG = "does not look like a config of ours";

function serviceFindings({ ownership, files }: Leftovers["service"]): readonly Finding[] {
  return files.map((where) =>
    ownership === "ours"
      ? { what: "service", where, becomes: "removed" }
      : { what: "service", where, becomes: "left", note: "another home's, or not written by brokerctl" },
  );
}

function startFindings({ path, lines, isCompletion }: StartFile): readonly Finding[] {
  if (isCompletion) return [{ what: "completion", where: path, becomes: "asked" }];
  return lines.map(({ line, removable, text }) => ({
    what: "start file",
    where: `${path}:${line}`,
    becomes: removable ? "asked" : "left",
    note: text ?? "more stands in or around it: for you to edit",
  }));
}

function awsFindings({ block, lines, backups }: AwsLeftovers): readonly Finding[] {
  const left = (what: string, note: string): ((where: string) => Finding) => {
    return (where) => ({ what, where, becomes: "left", note });
  };
  const removed = block === undefined || block.problem !== undefined ? [] : [block.where];
  return [
    ...removed.map((where): Finding => ({ what: "aws profiles", where, becomes: "removed" })),
    ...(block?.problem === undefined ? [] : [left("aws profiles", block.problem)(block.where)]),
    ...lines.map(left("aws profile", ASKS_US)),
    ...backups.map(left("aws backup", HOLDS_KEYS)),
  ];
}

function ownFinding({ kind, path, how, target }: OwnPlace): Finding {
  const note = how === "link" ? `a link: ${target ?? "?"} stays` : how === "tree" ? "with all in it" : undefined;
  return { what: kind, where: path, becomes: "asked", ...(note !== undefined && { note }) };
}

function doubtfulFinding(where: string): Finding {
  const [what, note] = where.endsWith(".yaml") ? ["config", NOT_OUR_CONFIG] : ["directory", NOT_OURS];
  return { what, where, becomes: "left", note };
}

function dataKeyFindings(report: Leftovers["dataKey"]): readonly Finding[] {
  if (!report) return [];
  const note =
    report.outcome === "exists" ? "of the OS keychain" : `the keychain is ${report.outcome}: ${report.detail ?? ""}`;
  return [{ what: "data key", where: `credbroker ${report.account}`, becomes: "asked", note }];
}
