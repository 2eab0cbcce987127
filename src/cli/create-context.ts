import type { CallOptions, ControlClient } from "../control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../control-api/contract.js";
import type { CliContext, CliSurroundings } from "./context.js";
import { createOutput } from "./terminal/output.js";

/** What one command runs in. */
export function createContext(surroundings: CliSurroundings, { json }: { readonly json: boolean }): CliContext {
  const { stdinIsTTY, stdout, stderr, env } = surroundings;
  const plainClient = lazyClient(surroundings.connect);
  const quietClient = unwakingClient(plainClient, surroundings);
  const context = {
    ...surroundings,
    output: createOutput({ stdout, stderr, env, json }),
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
        await (starting ??= startDaemon(context));
        return quietClient.call(operation, request, options);
      }
    },
  };
}
