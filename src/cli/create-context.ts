import type { CallOptions, ControlClient } from "../control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../control-api/contract.js";
import type { CliContext, CliSurroundings } from "./context.js";
import { createOutput, type Output, printable } from "./terminal/output.js";

/** What one command runs in. */
export function createContext(surroundings: CliSurroundings, { json }: { readonly json: boolean }): CliContext {
  const { stdinIsTTY, stdout, stderr, env, clock } = surroundings;
  const output = createOutput({ stdout, stderr, env, json, clock });
  const plainClient = tellingClient(lazyClient(surroundings.connect), output);
  const quietClient = unwakingClient(plainClient, surroundings);
  const context = {
    ...surroundings,
    output,
    quietClient,
    interactive: stdinIsTTY && stderr.isTTY === true,
  };
  const mayWake = env["CREDBROKER_NO_AUTOSTART"] !== "1";
  return { ...context, client: startingClient(context, mayWake ? plainClient : quietClient) };
}

/** Loads what it takes to talk when something is said: `--help` needs none of it. */
function lazyClient(load: () => Promise<ControlClient>): ControlClient {
  let loading: Promise<ControlClient> | undefined;
  let loaded: ControlClient | undefined;
  return {
    get daemonVersion() {
      return loaded?.daemonVersion;
    },
    async call<O extends ControlOperation>(
      operation: O,
      request: ControlRequest<O>,
      options?: CallOptions,
    ): Promise<ControlResponse<O>> {
      loading ??= load();
      loaded = await loading;
      return loaded.call(operation, request, options);
    },
  };
}

/** What people are told while they wait; the rest waits for brokerd itself. */
const WAITING: Partial<Record<ControlOperation, string>> = {
  warm: "fetching credentials",
  use: "fetching credentials",
  refresh: "fetching credentials",
  whoami: "asking AWS who this is",
  "login-start": "asking AWS for a login",
  "login-mfa": "sending the MFA code to AWS",
  logout: "ending the login",
  "sso-accounts": "asking for the accounts of the login",
  "keys-rotate": "making a new key",
  "lambda-role": "reading the function and its role",
  "lambda-trust": "reading the role's trust policy",
  "store-create": "opening the secret store; it may be asking for you in a window",
  unlock: "opening the secret store; it may be asking for you in a window",
};
/** Theirs is told in their own words. */
const TOLD_ELSEWHERE: readonly ControlOperation[] = ["login-wait", "sso-account-roles"];

function tellingClient(plain: ControlClient, { progress }: Output): ControlClient {
  return {
    get daemonVersion() {
      return plain.daemonVersion;
    },
    async call<O extends ControlOperation>(
      operation: O,
      request: ControlRequest<O>,
      options?: CallOptions,
    ): Promise<ControlResponse<O>> {
      const call = (): Promise<ControlResponse<O>> => plain.call(operation, request, options);
      if (TOLD_ELSEWHERE.includes(operation)) return call();
      const role = "role" in request && typeof request.role === "string" ? ` of ${printable(request.role)}` : "";
      return progress.during(`${WAITING[operation] ?? "waiting for brokerd"}${role}`, call);
    },
  };
}

/** A socket that systemd holds starts the daemon when it is connected to: who may not start it asks systemd first. */
function unwakingClient(plain: ControlClient, surroundings: CliSurroundings): ControlClient {
  return {
    get daemonVersion() {
      return plain.daemonVersion;
    },
    async call<O extends ControlOperation>(
      operation: O,
      request: ControlRequest<O>,
      options?: CallOptions,
    ): Promise<ControlResponse<O>> {
      if (plain.daemonVersion === undefined) {
        const { refuseToWake } = await import("./daemon/refuse-to-wake.js");
        await refuseToWake(surroundings);
      }
      return plain.call(operation, request, options);
    },
  };
}

/** Starts the daemon when nobody listens, once however many ask, then asks again. */
function startingClient(context: Omit<CliContext, "client">, first: ControlClient): ControlClient {
  const { quietClient } = context;
  let starting: Promise<unknown> | undefined;
  return {
    get daemonVersion() {
      return quietClient.daemonVersion;
    },
    async call<O extends ControlOperation>(
      operation: O,
      request: ControlRequest<O>,
      options?: CallOptions,
    ): Promise<ControlResponse<O>> {
      try {
        return await first.call(operation, request, options);
      } catch (error) {
        const { refuseUnlessStartable, startDaemon } = await import("./daemon/start-daemon.js");
        refuseUnlessStartable(error, context);
        await (starting ??= context.output.progress.during("starting brokerd", () => startDaemon(context)));
        return quietClient.call(operation, request, options);
      }
    },
  };
}
