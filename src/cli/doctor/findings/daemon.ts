import { existsSync } from "node:fs";
import { isDialFailure } from "../../../control-api/client.js";
import type { StatusView } from "../../../control-api/contract.js";
import { hasErrno } from "../../../core/errno.js";
import { BrokerError } from "../../../core/errors.js";
import { shellQuote } from "../../../core/shell-quote.js";
import type { CliContext } from "../../context.js";
import { CONFINED_VARIABLE } from "../../sandbox/environment.js";
import type { Finding } from "../finding.js";

const PATIENCE_MS = 5000;

/** brokerd as it is; it is not started for this. */
export interface DaemonLook {
  readonly status: StatusView | undefined;
  readonly findings: readonly Finding[];
  /** The system refuses to connect to it, whether it runs or not. */
  readonly mayNotConnect?: boolean;
}

export async function lookAtDaemon(context: CliContext): Promise<DaemonLook> {
  try {
    const status = await context.quietClient.call("status", {}, { timeoutMs: PATIENCE_MS });
    return { status, findings: [...state(status), ...version(context), ...needs(status), ...protections(status)] };
  } catch (error) {
    // Its place is told by the finding on sandboxes.
    if (context.env[CONFINED_VARIABLE]) return { status: undefined, findings: [] };
    const mayNotConnect = error instanceof BrokerError && hasErrno(error.cause, "EPERM", "EACCES", "EAFNOSUPPORT");
    return { status: undefined, mayNotConnect, findings: [unreachable(error, context)] };
  }
}

/** Of an error of ours; what else comes is a fault, and is thrown on. */
export function findingOf(id: string, error: unknown): Finding {
  if (!(error instanceof BrokerError)) throw error;
  return { id, severity: "error", message: error.message, fix: error.hint ?? null };
}

function unreachable(error: unknown, context: CliContext): Finding {
  if (!isDialFailure(error)) return findingOf("daemon-unreachable", error);
  if (!existsSync(context.paths().configFile)) {
    const message = "there is no config yet, and brokerd is not running";
    return { id: "not-set-up", severity: "error", message, fix: "brokerctl init" };
  }
  return { id: "daemon-not-running", severity: "error", message: "brokerd is not running", fix: "brokerctl start" };
}

function state({ daemon, leftOut = [] }: StatusView): readonly Finding[] {
  const { problem, warnings, secretStore } = daemon;
  const locked = `the secret store (${secretStore}) is locked: nothing is served from it`;
  return [
    ...(daemon.state === "locked" ? [error("store-locked", locked, "brokerctl unlock")] : []),
    ...(problem ? [error("daemon-degraded", problem.message, problem.hint ?? "brokerctl status")] : []),
    ...leftOut.map(({ kind, name, error: why }) =>
      error("config-left-out", `${kind} ${name} is not in force: ${why.message}`, why.hint ?? "brokerctl config edit"),
    ),
    ...warnings.map(
      (message): Finding => ({ id: "daemon-warning", severity: "warning", message, fix: "brokerctl status" }),
    ),
  ];
}

function error(id: string, message: string, fix: string): Finding {
  return { id, severity: "error", message, fix };
}

function version({ quietClient: { daemonVersion }, version: own }: CliContext): readonly Finding[] {
  if (daemonVersion === undefined || daemonVersion === own) return [];
  const message = `brokerd is of version ${daemonVersion}, brokerctl of ${own}`;
  return [{ id: "versions-differ", severity: "warning", message, fix: "brokerctl restart" }];
}

const NEEDS = {
  login_required: ["wants a login", "login"],
  mfa_required: ["wants an MFA code", "login"],
  missing_key: ["has no key in the secret store", "keys add"],
} as const;

/** Not wrong by itself: not every source is needed today. */
function needs({ sources }: StatusView): readonly Finding[] {
  return sources.flatMap(({ name, state: of }): readonly Finding[] => {
    if (!(of in NEEDS)) return [];
    const [what, command] = NEEDS[of as keyof typeof NEEDS];
    const fix = `brokerctl ${command} ${shellQuote(name)}`;
    return [{ id: "source-not-ready", severity: "note", message: `source ${name} ${what}`, fix }];
  });
}

function protections({ daemon: { peerCheck, memory } }: StatusView): readonly Finding[] {
  const note = (id: string, message: string): Finding => ({ id, severity: "note", message, fix: null });
  return [
    ...(peerCheck && !peerCheck.on
      ? [
          note(
            "peers-not-checked",
            `who asks the endpoint is not known, the token alone decides: ${peerCheck.why ?? ""}`,
          ),
        ]
      : []),
    ...(memory && !memory.on ? [note("memory-open", `brokerd's memory: ${memory.why ?? ""}`)] : []),
  ];
}

/** AWS's words for a clock that is wrong, where one of the roles has met them. */
const SKEW = /RequestTimeTooSkewed|Signature (?:expired|not yet current)|clock/i;

export function clockSkew(status: StatusView | undefined): readonly Finding[] {
  const role = status?.roles.find(({ lastError }) => lastError !== null && SKEW.test(lastError.message));
  if (!role) return [];
  const message = `AWS says that this machine's clock is wrong: role ${role.name}: ${role.lastError?.message ?? ""}`;
  return [{ id: "clock-skew", severity: "error", message, fix: "timedatectl set-ntp true" }];
}
