import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";

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

/** The key's bytes as 43 characters of base64url, for whoever keeps it. */
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

function takeBytes(bytes: Buffer): DataKey {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
