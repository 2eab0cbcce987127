import type { StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { startDaemon } from "../daemon/start-daemon.js";
import { stopDaemon } from "../daemon/stop-daemon.js";
import { type InitialConfig, takeAnotherPort } from "./initial-config.js";
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

/** Each is another port that another process took in the moment before brokerd bound it. */
const PORTS_TRIED = 5;

/** Also where another process has the port by now: an `init` of another user, as a rule; then another one is taken. */
async function daemonOf(config: InitialConfig, context: CliContext): Promise<StatusView> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await (attempt === 1 ? firstDaemon(config, context) : startDaemon(context));
    } catch (error) {
      const isTaken = error instanceof BrokerError && error.code === "Conflict";
      const mayMove = isTaken && !config.isPortFixed && attempt < PORTS_TRIED;
      if (!mayMove || !(await takeAnotherPort(context))) throw error;
    }
  }
}

/** One that ran before the config was written, or follows an older one, is started anew. */
async function firstDaemon({ hasChanged, held }: InitialConfig, context: CliContext): Promise<StatusView> {
  if (!hasChanged) return context.client.call("status", {});
  await stopDaemon(context);
  await held?.release();
  return startDaemon(context);
}

function alreadyDone(configPath: string): BrokerError {
  return new BrokerError("UsageInvalid", `everything is there already: ${configPath} and its secret store`, {
    hint: "brokerctl config edit",
  });
}

/** Another kind of store is for the user to choose, never for us. */
function withAlternatives(error: unknown, { secretStore, configPath }: StatusView["daemon"]): unknown {
  if (!(error instanceof BrokerError)) return error;
  if (error.code === "Conflict") return alreadyDone(configPath);
  if (error.code !== "StoreUnavailable" || secretStore !== "keychain") return error;
  return new BrokerError(error.code, `${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}`, {
    hint: "brokerctl init, which asks again, or brokerctl init with --secret-store passphrase, command, or key_file (weak)",
    cause: error,
  });
}
