import { readFileSync } from "node:fs";
import type { Environment } from "../../context.js";
import { CONFINED_VARIABLE } from "../../sandbox/environment.js";
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
  /** What lets programs in it reach the endpoint; to be done outside. */
  readonly opens?: string;
}

/** Its commands, as Claude Code and others run them by the same package. */
const isSandboxRuntime = (env: Environment): boolean => env["SANDBOX_RUNTIME"] !== undefined;
const isConfined = (env: Environment): boolean => Boolean(env[CONFINED_VARIABLE]);

const KINDS: readonly SandboxKind[] = [
  { name: "brokerctl exec --confine", is: isConfined },
  {
    name: "Claude Code's sandbox",
    is: (env) => env["CLAUDECODE"] !== undefined && isSandboxRuntime(env),
    // On Linux its network is its own; on macOS it lets programs reach loopback with `network.allowLocalBinding`.
    opens:
      process.platform === "darwin"
        ? 'in ~/.claude/settings.json: { "sandbox": { "network": { "allowLocalBinding": true } } }'
        : 'in ~/.claude/settings.json: { "sandbox": { "excludedCommands": ["aws *"] } }, for each program that needs AWS',
  },
  { name: "Claude Code", is: (env) => env["CLAUDECODE"] !== undefined && !isSandboxRuntime(env) },
  { name: "sandbox-runtime", is: (env) => env["CLAUDECODE"] === undefined && isSandboxRuntime(env) },
  {
    name: "Codex's sandbox",
    is: (env) => said(env, "CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED") !== undefined,
    opens: "codex -c sandbox_workspace_write.network_access=true",
  },
  { name: "bubblewrap", is: (env, read) => !isConfined(env) && read("/proc/1/comm")?.trim() === "bwrap" },
  { name: "a dev container", is: (env) => said(env, "REMOTE_CONTAINERS", "DEVCONTAINER", "CODESPACES") !== undefined },
  { name: "Docker", is: (_, read) => read("/.dockerenv") !== undefined },
  { name: "Podman", is: (_, read) => read("/run/.containerenv") !== undefined },
  { name: "Kubernetes", is: (env) => env["KUBERNETES_SERVICE_HOST"] !== undefined },
  { name: "Flatpak", is: (_, read) => read("/.flatpak-info") !== undefined },
  {
    name: "WSL",
    is: (env, read) => env["WSL_DISTRO_NAME"] !== undefined || /microsoft/i.test(read("/proc/version") ?? ""),
  },
];

/** What of ours this shell reaches. */
export interface Reach {
  /** brokerd has answered. */
  readonly isReached: boolean;
  /** The system refuses to connect to the control socket. */
  readonly mayNotConnect: boolean;
  /** The state directory is there, and cannot be written to. */
  readonly isStateClosed: boolean;
}

/** What this shell runs in, and what of ours that keeps away. */
export function sandbox(env: Environment, reach: Reach, read: ReadProc = readProc): readonly Finding[] {
  const kinds = KINDS.filter(({ is }) => is(env, read));
  const isAlone = hasOnlyLoopback(read("/proc/net/dev"));
  const names = namesOf(kinds, isAlone);
  if (names.length === 0) return [];
  const where = `this shell runs in ${names.join(", ")}`;
  if (isConfined(env)) return [confined(where)];
  const opens = kinds.find((kind) => kind.opens !== undefined)?.opens;
  // In a container that has all of it within, nothing is amiss before a lease is there.
  const isBlocked = !reach.isReached && (isAlone || isLeaseUrl(env));
  const isOffline = isAlone || said(env, "CODEX_SANDBOX_NETWORK_DISABLED") !== undefined;
  return [
    isBlocked ? blocked(where, isAlone, opens) : open(where, reach.isReached),
    ...keptFrom(reach, isOffline, opens),
    ...droppedVariables(names),
  ];
}

function namesOf(kinds: readonly SandboxKind[], isAlone: boolean): readonly string[] {
  const names = kinds.map(({ name }) => name);
  return isAlone && names.length === 0 ? ["a network namespace of its own"] : names;
}

/** As it is meant: nothing is to be opened. */
function confined(where: string): Finding {
  const message = `${where}: of the broker there is this shell's lease alone; brokerctl's other commands are for outside`;
  return { id: "sandbox-confined", severity: "note", message, fix: null };
}

/** Each by itself: what one sandbox closes another leaves open. */
function keptFrom(
  { isReached, mayNotConnect, isStateClosed }: Reach,
  isOffline: boolean,
  opens: string | undefined,
): readonly Finding[] {
  const parts = [
    ...(!isReached && mayNotConnect ? ["brokerd's control socket (who has it has every lease: leave it closed)"] : []),
    ...(isOffline ? ["the endpoint on 127.0.0.1"] : []),
    ...(isStateClosed ? ["the state directory, which is read-only here (exec and env write to it)"] : []),
  ];
  if (parts.length === 0) return [];
  const message = `what it keeps from programs in it: ${parts.join("; ")}`;
  return [{ id: "sandbox-keeps-out", severity: "note", message, fix: isOffline ? (opens ?? null) : null }];
}

function open(where: string, isReached: boolean): Finding {
  const message = `${where}; brokerd ${isReached ? "is within reach" : "does not run in it"}`;
  return { id: "sandbox", severity: "note", message, fix: null };
}

function blocked(where: string, isAlone: boolean, opens: string | undefined): Finding {
  const why = isAlone ? "there is no network but its own loopback" : "its loopback may not be that of the machine";
  const message = `${where}, where ${why}: a brokerd outside is not reached`;
  // To be run outside, where brokerd is: these keys end, and nothing renews them.
  return {
    id: "sandbox-blocks",
    severity: "error",
    message,
    fix: opens ?? "brokerctl exec ROLE --as static -- CMD",
  };
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
