import type { AwsImport } from "../../config/import/aws-config-import.js";
import type { ImportedKey } from "../../config/import/imported-keys.js";
import type { ImportKeyView, ImportRequest, TextSpan, TextSpans } from "../../core/aws-import.js";
import { BrokerError } from "../../core/errors.js";
import type { StoredKey } from "../../credentials/sources/key-store.js";
import type { ControlServices } from "../control-services.js";
import { configInForce } from "../named-entries.js";
import { controlError } from "../views.js";
import type { Handlers } from "./handler.js";

/** The CLI sends the AWS files' text, keys and all; what comes back are names, reasons and places. */
export function importHandlers(services: ControlServices): Handlers<"import-plan" | "import-keys"> {
  return {
    "import-plan": async (request) => {
      const { held, problem } = await heldKeys(services);
      const { text, summary, items, keys } = await planImport(services, request, held ?? []);
      const views = keys.map((key) => viewOf(key, held));
      const places = placesOf(keys.filter((key) => !held || stateOf(key, held) !== "other"));
      return { text, summary, items, keys: views, places, storeProblem: problem ? controlError(problem) : null };
    },
    "import-keys": async (request) => {
      const { keys } = await planImport(services, request, await services.keys.list());
      for (const key of keys) await storeKey(services, key);
      const stored = await services.keys.list();
      const done = keys.filter((key) => stateOf(key, stored) === "held");
      return { keys: keys.map((key) => viewOf(key, stored)), places: placesOf(done) };
    },
  };
}

function planImport(
  { config }: ControlServices,
  request: ImportRequest,
  held: readonly StoredKey[],
): Promise<AwsImport> {
  const heldKeys = new Map(held.map(({ accessKeyId, source }) => [accessKeyId, source]));
  return config.planImport({ ...request, heldKeys });
}

/** A plan can be shown while the store is closed; what it has is not known then. */
async function heldKeys({ keys }: ControlServices): Promise<{ held?: readonly StoredKey[]; problem?: BrokerError }> {
  try {
    return { held: await keys.list() };
  } catch (error) {
    if (error instanceof BrokerError && CLOSED.includes(error.code)) return { problem: error };
    throw error;
  }
}

const CLOSED: readonly BrokerError["code"][] = ["StoreLocked", "StoreUnavailable", "KeyMissing"];

/** A key that the source has already is never replaced: `keys add --replace` is for that. */
async function storeKey(services: ControlServices, key: ImportedKey): Promise<void> {
  const { keys, sessions, credentials, clock } = services;
  const { source, accessKeyId, secretAccessKey } = key;
  if (await keys.has(source)) return;
  if (configInForce(services).sources.get(source)?.type !== "keys") {
    throw new BrokerError("Conflict", `source ${source} is not in the config in force: its key was not stored`, {
      hint: "brokerctl config check, then import again",
    });
  }
  await keys.put({ source, accessKeyId, secretAccessKey, addedAt: clock.now(), rotatedAt: null });
  sessions.drop(source);
  credentials.wake(source);
}

function viewOf(key: ImportedKey, held: readonly StoredKey[] | undefined): ImportKeyView {
  const state = held ? stateOf(key, held) : "unknown";
  const { source, breaks, lines, isReplaceable } = key;
  return { source, accessKeyIdSuffix: key.accessKeyId.slice(-4), state, breaks, lines, isReplaceable };
}

function stateOf(key: ImportedKey, held: readonly StoredKey[]): ImportKeyView["state"] {
  const stored = held.find(({ source }) => source === key.source);
  if (!stored) return "missing";
  const isSame =
    stored.accessKeyId === key.accessKeyId && stored.secretAccessKey.reveal() === key.secretAccessKey.reveal();
  return isSame ? "held" : "other";
}

function placesOf(keys: readonly ImportedKey[]): TextSpans {
  const places: { config: TextSpan[]; credentials: TextSpan[] } = { config: [], credentials: [] };
  for (const { file, ...span } of keys.flatMap((key) => key.places)) places[file].push(span);
  return places;
}
