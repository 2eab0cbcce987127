import { BrokerError } from "../core/errors.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Obstacle } from "./data-key.js";
import { readSealedHeader } from "./sealed-file.js";

/**
 * open: the data key is held. locked: it exists and must be unlocked. absent: none was made yet (`init` makes it).
 * error: unreadable, another key id, no keychain: files stay untouched until the user acts.
 */
export type StoreState =
  | { readonly state: "open"; readonly warnings: readonly string[] }
  | { readonly state: "locked" | "absent" | "error"; readonly message: string; readonly hint: string };

export type ClosedState = Exclude<StoreState, { readonly state: "open" }>;

export const NOT_PROBED: ClosedState = {
  state: "locked",
  message: "the secret store has not been opened yet",
  hint: "brokerctl unlock",
};

export const LOCKED_BY_USER: ClosedState = {
  state: "locked",
  message: "the secret store was locked with brokerctl lock",
  hint: "brokerctl unlock",
};

export const NOT_MADE: ClosedState = {
  state: "absent",
  message: "the secret store has not been made yet",
  hint: "brokerctl init",
};

export function keyMissing(sealedPath: string, place: string): ClosedState {
  return {
    state: "error",
    message: `${sealedPath} exists, but its data key is not there: ${place}`,
    hint: `bring the key back, then brokerctl unlock; to start anew: ${setAsideAndInit(sealedPath)}`,
  };
}

/** A problem that the header shows before any key is asked for; undefined: none. */
export function problemInHeader(sealed: Buffer, path: string, kind: SecretStoreKind): ClosedState | undefined {
  const header = readSealedHeader(sealed);
  if (header.outcome === "newer") return { state: "error", ...newerVersion(path, header.version) };
  if (header.outcome === "damaged" || header.kind === kind) return undefined;
  const made = header.kind ?? "of a kind that this version does not know";
  return {
    state: "error",
    message: `${path} was made with secret_store ${made}, but the config says ${kind}`,
    hint: `set secret_store back in config.yaml (brokerctl config edit); to start anew: ${setAsideAndInit(path)}`,
  };
}

export function newerVersion(path: string, version: number): Obstacle {
  return {
    message: `${path} was written by a newer credbroker (format ${version})`,
    hint: "npm install --global credbroker@latest",
  };
}

export function stateFrom(error: unknown): ClosedState {
  if (error instanceof BrokerError) {
    return { state: "error", message: error.message, hint: error.hint ?? "brokerctl logs" };
  }
  return { state: "error", message: "the secret store failed unexpectedly", hint: "brokerctl logs" };
}

/** What every use of a closed store is refused with. */
export function closedRefusal({ message, hint }: ClosedState): BrokerError {
  return new BrokerError("StoreLocked", message, { hint });
}

function setAsideAndInit(path: string): string {
  return `mv ${shellQuote(path)} ${shellQuote(`${path}.old`)} && brokerctl restart && brokerctl init`;
}
