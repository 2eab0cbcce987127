import type { CliContext } from "../../context.js";
import type { Finding } from "../finding.js";

/** Ends of life of the Nodes that brokerd runs on: nodejs.org/en/about/previous-releases. */
const ENDS_OF_LIFE: Readonly<Record<string, string>> = {
  20: "2026-04-30",
  22: "2027-04-30",
  24: "2028-04-30",
  26: "2029-04-30",
};
const NOTICE_MS = 60 * 24 * 3_600_000;

/** `node`: as `process.versions.node` has it. */
export function nodeAge(node: string, now: number): readonly Finding[] {
  const end = ENDS_OF_LIFE[node.split(".")[0] ?? ""];
  if (end === undefined || Date.parse(end) - NOTICE_MS > now) return [];
  const isPast = Date.parse(end) <= now;
  const message = `Node ${node}, which runs brokerctl, ${isPast ? "was" : "is"} supported until ${end}: install a newer one`;
  return [{ id: "node-end-of-life", severity: "note", message, fix: null }];
}

/** What starts brokerd at login, and what is wrong with it. */
export async function service(context: CliContext): Promise<readonly Finding[]> {
  const supervisor = await context.supervisor();
  const state = await supervisor?.state();
  if (supervisor === undefined || state === undefined) return [];
  if (state.ownership === "foreign") {
    const message = `${supervisor.name} has a brokerd of another home, or one that we did not install`;
    return [{ id: "service-foreign", severity: "note", message, fix: "brokerctl service status" }];
  }
  if (state.ownership === "absent") {
    const isPossible = (await supervisor.isReachable?.()) ?? true;
    if (!isPossible) return [];
    const message = "brokerd is not started at login: commands start it when they need it";
    return [{ id: "service-absent", severity: "note", message, fix: "brokerctl service install" }];
  }
  return state.problems.map(({ message, hint }) => ({
    id: "service-problem",
    severity: "warning",
    message,
    fix: hint,
  }));
}
