import type { StatusView } from "../../../control-api/contract.js";
import { describePortOwner } from "../../../system/port-owner.js";
import { TOKEN_VARIABLE, URI_VARIABLE } from "../../access/variables.js";
import type { CliContext } from "../../context.js";
import { CONFINED_VARIABLE } from "../../sandbox/environment.js";
import type { Finding } from "../finding.js";
import { isLeaseUrl } from "../sdk/container.js";
import { findingOf } from "./daemon.js";

/** SDKs give up after a second. */
const SLOW_MS = 900;
const EVAL = 'eval "$(brokerctl env)"';

/** Whether this shell's lease is served, and by whom. Only brokerd is asked: a token is never sent to another program. */
export async function endpoint(context: CliContext, status: StatusView | undefined): Promise<readonly Finding[]> {
  const { env } = context;
  const uri = env[URI_VARIABLE];
  if (!uri || !isLeaseUrl(env)) return uri ? [foreign(uri)] : [];
  const port = Number(new URL(uri).port);
  // Who has the port cannot be told from inside.
  if (env[CONFINED_VARIABLE]) return [];
  if (!status) return withoutDaemon(port, context);
  const { endpoint: served } = status.daemon;
  if (served === null)
    return [error("port-not-bound", `brokerd does not have port ${port}${await heldBy(port)}`, "brokerctl restart")];
  if (Number(new URL(served).port) !== port) {
    const message = `this shell's lease is for port ${port}${await heldBy(port)}, and brokerd serves ${served}`;
    return [error("lease-of-other-port", message, EVAL)];
  }
  return [await liveFetch(uri, context)];
}

function error(id: string, message: string, fix: string): Finding {
  return { id, severity: "error", message, fix };
}

function foreign(uri: string): Finding {
  const place = URL.canParse(uri) ? new URL(uri).origin : "no URL";
  return error("lease-of-other-broker", `${URI_VARIABLE} is not the broker's: ${place}`, EVAL);
}

async function heldBy(port: number): Promise<string> {
  const owner = await describePortOwner(port);
  return owner === undefined ? "" : ` (held by ${owner})`;
}

async function withoutDaemon(port: number, { supervisor }: CliContext): Promise<readonly Finding[]> {
  const state = await (await supervisor())?.state();
  if (state?.ownership === "ours" && state.holdsSockets) {
    return [{ id: "starts-when-asked", severity: "note", message: "brokerd starts with the next request", fix: null }];
  }
  const owner = await describePortOwner(port);
  if (owner === undefined)
    return [error("no-listener", `no program listens on port ${port} of this shell's lease`, "brokerctl start")];
  const message = `port ${port} of this shell's lease is held by ${owner}: programs would send it the token`;
  return [error("port-of-other-program", message, `unset ${URI_VARIABLE} ${TOKEN_VARIABLE}`)];
}

async function liveFetch(uri: string, { env, clock, output }: CliContext): Promise<Finding> {
  const [{ askEndpoint }, { tokenInVariables }] = await Promise.all([
    import("../../access/fetch-credentials.js"),
    import("../../access/find-lease.js"),
  ]);
  // A URL with a token needs none beside it.
  const token = /\/lease\/./.test(uri) ? undefined : await tokenInVariables(env);
  const since = clock.now();
  try {
    const { status, body } = await output.progress.during("asking the endpoint", () =>
      askEndpoint(uri, token === undefined ? {} : { token }),
    );
    return status === 200 ? served(body, clock.now() - since, clock.now()) : refused(body, status);
  } catch (failure) {
    return findingOf("endpoint-unreachable", failure);
  }
}

type Body = Readonly<Record<string, unknown>>;

function served({ Expiration }: Body, tookMs: number, now: number): Finding {
  const end = typeof Expiration === "string" ? Expiration : "";
  if (Date.parse(end) <= now) {
    return error(
      "served-expired",
      `the endpoint serves credentials that ended at ${end}: is the clock right?`,
      "timedatectl",
    );
  }
  const message = `the endpoint answered in ${tookMs} ms, with credentials until ${end}`;
  if (tookMs < SLOW_MS) return { id: "endpoint-answers", severity: "note", message, fix: null };
  return {
    id: "endpoint-slow",
    severity: "warning",
    message: `${message}: some SDKs wait 1 s only`,
    fix: "brokerctl status",
  };
}

const FIXES: Readonly<Record<string, string>> = {
  LeaseUnknown: EVAL,
  LeaseEnded: EVAL,
  LoginRequired: "brokerctl login",
  MfaRequired: "brokerctl login",
  StoreLocked: "brokerctl unlock",
  NoRole: "brokerctl use",
  ConfigInvalid: "brokerctl config edit",
};

function refused({ code, message }: Body, status: number): Finding {
  const why = typeof message === "string" ? message : `status ${status}`;
  const named = typeof code === "string" ? code : "";
  if (named === "CredentialsPending") {
    return {
      id: "endpoint-pending",
      severity: "note",
      message: `the first fetch is still under way: ${why}`,
      fix: null,
    };
  }
  const isDead = named === "LeaseUnknown" || named === "LeaseEnded";
  return error(
    isDead ? "lease-ended" : "endpoint-refuses",
    `the endpoint refuses this shell: ${why}`,
    FIXES[named] ?? "brokerctl status",
  );
}
