import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import { type DataKey, dataKeyId } from "./data-key.js";

/**
 * One sealed file: AES-256-GCM under the data key, the header as additional authenticated data.
 *
 *     0  magic "CBSEALED"        8  version u16        10  purpose u8      11  kind of holder u8
 *    12  key id, 16 bytes       28  sequence u64       36  nonce, 12 bytes
 *    48  ciphertext             end-16  tag
 *
 * Flips and truncations are found; an old file put back in the place of a newer one (rollback) is not.
 */
const MAGIC = Buffer.from("CBSEALED", "ascii");
const VERSION = 1;
const NONCE_AT = 36;
const HEADER_BYTES = 48;
const TAG_BYTES = 16;

/** What is in it: one file cannot stand in for the other. */
const PURPOSES = ["secrets", "cache"] as const;
export type SealedPurpose = (typeof PURPOSES)[number];

/** On disk for ever: a new kind takes the next number. */
const KIND_NUMBERS: Readonly<Record<SecretStoreKind, number>> = { keychain: 1, passphrase: 2, command: 3, key_file: 4 };

/** Readable without the key, and believed only as far as a wrong one does no harm. */
interface SealedHeader {
  /** Where the data key was kept when the file was written; undefined: a kind that this version does not know. */
  readonly kind: SecretStoreKind | undefined;
  readonly keyId: string;
}

export interface Sealing {
  readonly purpose: SealedPurpose;
  readonly kind: SecretStoreKind;
  /** Counts the writes of this file. */
  readonly sequence: number;
}

/** newer: written by a version of us that knows more; must be left alone. damaged: tampered, truncated, or not ours. */
type Unreadable =
  | { readonly outcome: "newer"; readonly version: number }
  | { readonly outcome: "damaged"; readonly reason: string };

export type SealedHeaderOutcome = ({ readonly outcome: "ok" } & SealedHeader) | Unreadable;

export type SealedOutcome =
  | { readonly outcome: "ok"; readonly plaintext: Buffer; readonly sequence: number }
  | { readonly outcome: "wrong-key"; readonly keyId: string }
  | Unreadable;

export function seal(plaintext: Uint8Array, sealing: Sealing, key: DataKey): Buffer {
  const header = headerOf(sealing, key);
  const cipher = createCipheriv("aes-256-gcm", key, header.subarray(NONCE_AT), { authTagLength: TAG_BYTES });
  cipher.setAAD(header);
  return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

export function unseal(data: Buffer, purpose: SealedPurpose, key: DataKey): SealedOutcome {
  const header = readSealedHeader(data);
  if (header.outcome !== "ok") return header;
  if (header.keyId !== dataKeyId(key)) return { outcome: "wrong-key", keyId: header.keyId };
  const plaintext = decrypt(data, key);
  if (!plaintext) return { outcome: "damaged", reason: "its seal is broken" };
  if (PURPOSES[data.readUInt8(10)] !== purpose) return { outcome: "damaged", reason: "it is another sealed file" };
  return { outcome: "ok", plaintext, sequence: Number(data.readBigUInt64BE(28)) };
}

export function readSealedHeader(data: Buffer): SealedHeaderOutcome {
  if (data.length < HEADER_BYTES + TAG_BYTES) return { outcome: "damaged", reason: "it is cut short" };
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return { outcome: "damaged", reason: "it is no sealed file" };
  const version = data.readUInt16BE(8);
  if (version > VERSION) return { outcome: "newer", version };
  if (version !== VERSION) return { outcome: "damaged", reason: "it has no known version" };
  return { outcome: "ok", kind: kindOf(data.readUInt8(11)), keyId: data.toString("hex", 12, 28) };
}

function kindOf(number: number): SecretStoreKind | undefined {
  const kinds = Object.keys(KIND_NUMBERS) as SecretStoreKind[];
  return kinds.find((kind) => KIND_NUMBERS[kind] === number);
}

/** Random nonces: a counter would repeat after a backup is restored, and 2^32 writes under one key never happen. */
function headerOf({ purpose, kind, sequence }: Sealing, key: DataKey): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt16BE(VERSION, 8);
  header.writeUInt8(PURPOSES.indexOf(purpose), 10);
  header.writeUInt8(KIND_NUMBERS[kind], 11);
  header.write(dataKeyId(key), 12, "hex");
  header.writeBigUInt64BE(BigInt(sequence), 28);
  randomBytes(HEADER_BYTES - NONCE_AT).copy(header, NONCE_AT);
  return header;
}

function decrypt(data: Buffer, key: DataKey): Buffer | undefined {
  const tagAt = data.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, data.subarray(NONCE_AT, HEADER_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(data.subarray(0, HEADER_BYTES));
  decipher.setAuthTag(data.subarray(tagAt));
  try {
    return Buffer.concat([decipher.update(data.subarray(HEADER_BYTES, tagAt)), decipher.final()]);
  } catch {
    return undefined; // how OpenSSL reports a tag that does not match
  }
}
