import type { StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { startDaemon } from "../daemon/start-daemon.js";
import { stopDaemon } from "../daemon/stop-daemon.js";
import type { InitialConfig } from "./initial-config.js";
import { newPassphrase } from "./passphrase.js";

/** Has a daemon that follows the config make the data key; refuses where there is one. Returns what is weak about it. */
export async function makeSecretStore(
  config: InitialConfig,
  passphraseStdin: boolean,
  context: CliContext,
): Promise<readonly string[]> {
  const { daemon } = await daemonOf(config, context);
  if (daemon.problem && !["KeyMissing", "StoreUnavailable"].includes(daemon.problem.code)) {
    throw new BrokerError(daemon.problem.code, daemon.problem.message, { hint: daemon.problem.hint });
  }
  if (!daemon.problem) throw alreadyDone(daemon.configPath);
  const passphrase = daemon.secretStore === "passphrase" ? await newPassphrase(passphraseStdin, context) : undefined;
  try {
    const { warnings } = await context.client.call("store-create", { ...(passphrase !== undefined && { passphrase }) });
    context.output.say(`made the secret store; its key is held by: ${daemon.secretStore}`);
    return warnings;
  } catch (error) {
    throw withAlternatives(error, daemon);
  }
}

/** One that ran before the config was written, or follows an older one, is started anew. */
async function daemonOf({ hasChanged }: InitialConfig, context: CliContext): Promise<StatusView> {
  if (!hasChanged) return context.client.call("status", {});
  await stopDaemon(context);
  return startDaemon(context);
}

function alreadyDone(configPath: string): BrokerError {
  return new BrokerError("UsageInvalid", `everything is there already: ${configPath} and its secret store`, {
    hint: "brokerctl config edit",
  });
}

/** Another kind of store is for the person to choose, never for us. */
function withAlternatives(error: unknown, { secretStore, configPath }: StatusView["daemon"]): unknown {
  if (!(error instanceof BrokerError)) return error;
  if (error.code === "Conflict") return alreadyDone(configPath);
  if (error.code !== "StoreUnavailable" || secretStore !== "keychain") return error;
  return new BrokerError(error.code, `${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}`, {
    hint: "brokerctl init, which asks again, or brokerctl init with --secret-store passphrase, command, or key_file (weak)",
    cause: error,
  });
}
