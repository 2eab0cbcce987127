import type { CallOptions, ControlClient } from "../control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../control-api/contract.js";
import type { CliContext, CliSurroundings } from "./context.js";
import { createOutput } from "./output.js";

/** What one command runs in. */
export function createContext(surroundings: CliSurroundings, { json }: { readonly json: boolean }): CliContext {
  const { stdinIsTTY, stdout, stderr, env } = surroundings;
  const quietClient = lazyClient(surroundings.connect);
  const context = {
    ...surroundings,
    output: createOutput({ stdout, stderr, env, json }),
    quietClient,
    interactive: stdinIsTTY && stderr.isTTY === true,
  };
  const client = lazyClient(async () => {
    const { startingClient } = await import("./start-daemon.js");
    return startingClient(context);
  });
  return { ...context, client };
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
