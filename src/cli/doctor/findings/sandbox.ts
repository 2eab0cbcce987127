import { readFileSync } from "node:fs";
import type { Environment } from "../../context.js";
import type { Finding } from "../finding.js";
import { isLeaseUrl } from "../sdk/container.js";
import { said } from "../sdk/shell.js";

/** The machine as /proc shows it; undefined: there is no such file, or it may not be read. */
export type ReadProc = (path: string) => string | undefined;

export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

interface SandboxKind {
  readonly name: string;
  readonly is: (env: Environment, read: ReadProc) => boolean;
}

const KINDS: readonly SandboxKind[] = [
  {
    name: "Claude Code's sandbox",
    is: (env) => env["CLAUDECODE"] !== undefined && env["SANDBOX_RUNTIME"] !== undefined,
  },
  { name: "Claude Code", is: (env) => env["CLAUDECODE"] !== undefined && env["SANDBOX_RUNTIME"] === undefined },
  { name: "Codex's sandbox", is: (env) => said(env, "CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED") !== undefined },
  { name: "bubblewrap", is: (_, read) => read("/proc/1/comm")?.trim() === "bwrap" },
  { name: "Docker", is: (_, read) => read("/.dockerenv") !== undefined },
  { name: "Podman", is: (_, read) => read("/run/.containerenv") !== undefined },
  { name: "Kubernetes", is: (env) => env["KUBERNETES_SERVICE_HOST"] !== undefined },
  { name: "Flatpak", is: (_, read) => read("/.flatpak-info") !== undefined },
  {
    name: "WSL",
    is: (env, read) => env["WSL_DISTRO_NAME"] !== undefined || /microsoft/i.test(read("/proc/version") ?? ""),
  },
];
/** What this shell runs in, and what of ours that keeps away. `isReached`: brokerd has answered. */
export function sandbox(env: Environment, isReached: boolean, read: ReadProc = readProc): readonly Finding[] {
  const kinds = KINDS.filter(({ is }) => is(env, read)).map(({ name }) => name);
  const isAlone = hasOnlyLoopback(read("/proc/net/dev"));
  const names = isAlone && kinds.length === 0 ? ["a network namespace of its own"] : kinds;
  if (names.length === 0) return [];
  const where = `this shell runs in ${names.join(", ")}`;
  // In a container that has all of it within, nothing is amiss before a lease is there.
  const isBlocked = !isReached && (isAlone || isLeaseUrl(env));
  return [isBlocked ? blocked(where, isAlone) : open(where, isReached), ...droppedVariables(names)];
}

function open(where: string, isReached: boolean): Finding {
  const message = `${where}; brokerd ${isReached ? "is within reach" : "does not run in it"}`;
  return { id: "sandbox", severity: "note", message, fix: null };
}

function blocked(where: string, isAlone: boolean): Finding {
  const why = isAlone ? "there is no network but its own loopback" : "its loopback may not be that of the machine";
  const message = `${where}, where ${why}: a brokerd outside is not reached`;
  // To be run outside, where brokerd is: these keys end, and nothing renews them.
  return { id: "sandbox-blocks", severity: "error", message, fix: "brokerctl exec ROLE --as static -- CMD" };
}

/** Interfaces below the two lines of headings of /proc/net/dev. */
function hasOnlyLoopback(table: string | undefined): boolean {
  const names = (table ?? "")
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "");
  const all = names.filter((name) => name !== "");
  return all.length > 0 && all.every((name) => name === "lo");
}

/** Codex may leave out variables whose names have KEY, SECRET or TOKEN in them. */
function droppedVariables(names: readonly string[]): readonly Finding[] {
  if (!names.some((name) => name.startsWith("Codex"))) return [];
  const message = "Codex may drop variables with TOKEN in their name: a URL that holds the token comes through";
  return [{ id: "sandbox-drops-variables", severity: "note", message, fix: 'eval "$(brokerctl env --as url)"' }];
}
