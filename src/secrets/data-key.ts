import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { BrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";

export const DATA_KEY_BYTES = 32;

/** The random 32 bytes that open the sealed files; node prints a KeyObject without its bytes. */
export type DataKey = KeyObject;

export function newDataKey(): DataKey {
  return takeBytes(randomBytes(DATA_KEY_BYTES));
}

/** undefined: not 32 bytes. The bytes given are wiped. */
export function dataKeyFrom(bytes: Buffer): DataKey | undefined {
  return bytes.length === DATA_KEY_BYTES ? takeBytes(bytes) : undefined;
}

/** The key's bytes as 43 characters of base64url, for its holder. */
export function encodeDataKey(key: DataKey): string {
  return key.export().toString("base64url");
}

/** Reads 43 characters of base64url or 64 of hex; undefined: anything else, also spellings that no encoder writes. */
export function decodeDataKey(text: string): DataKey | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return dataKeyFrom(Buffer.from(text, "hex"));
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? dataKeyFrom(bytes) : undefined;
}

/** 16 bytes as hex that name a key and tell nothing about it: written in clear into every sealed file. */
export function dataKeyId(key: DataKey): string {
  return createHmac("sha256", key).update("credbroker data key id v1").digest("hex").slice(0, 32);
}

export interface LoadOptions {
  /** Only then may a prompt be raised, and waited for. */
  readonly interactive: boolean;
  /** For `passphrase`: what the user typed. */
  readonly passphrase?: Secret | undefined;
}

/** Why there is no key now, and the command that fixes it. */
export interface Obstacle {
  readonly message: string;
  readonly hint: string;
}

/**
 * Four outcomes that must never be mixed up: only `absent` may lead to a new key. locked: the
 * user can unlock it. unavailable: unreadable, damaged, or its program does not run.
 */
export type DataKeyOutcome =
  | { readonly outcome: "found"; readonly key: DataKey }
  | { readonly outcome: "absent" }
  | ({ readonly outcome: "locked" | "unavailable" } & Obstacle);

/** Keeps the data key of one installation. */
export interface DataKeyHolder {
  /** Where the key is kept, for messages: `the keychain`. */
  readonly place: string;
  /** What is weak about it, for `status`. */
  readonly warnings: readonly string[];
  load(options: LoadOptions): Promise<DataKeyOutcome>;
  /** Keeps a new key where none was, reads it back and compares. Missing: this holder only yields a key that the user put there. */
  save?(key: DataKey, options: LoadOptions): Promise<void>;
}

/** The last step of every `save`: reads the key back, and rejects when it is another or none. */
export async function assertKept(holder: DataKeyHolder, key: DataKey, options: LoadOptions): Promise<void> {
  const outcome = await holder.load(options);
  if (outcome.outcome === "found" && outcome.key.equals(key)) return;
  const what = "message" in outcome ? outcome.message : `read back: ${outcome.outcome}`;
  throw new BrokerError("StoreUnavailable", `${holder.place} did not keep the data key (${what})`, {
    hint: "brokerctl logs",
  });
}

function takeBytes(bytes: Buffer): DataKey {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
