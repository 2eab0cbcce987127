import {
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from "node:crypto";
import { DATA_KEY_BYTES, type DataKey, dataKeyFrom } from "./data-key.js";

/**
 * The data key wrapped by a passphrase: AES-256-GCM under scrypt(passphrase), the header as additional data. The
 * checksum tells a damaged file from a wrong passphrase, and needs no key.
 *
 *     0  magic "CBWRAPPD"    8  version u8    9  log2 N u8    10  r u8    11  p u8
 *    12  salt, 16 bytes     28  nonce, 12 bytes
 *    40  wrapped key, 32 bytes   72  tag, 16 bytes   88  SHA-256 of all before
 */
const MAGIC = Buffer.from("CBWRAPPD", "ascii");
const VERSION = 1;
const NONCE_AT = 28;
const HEADER_BYTES = 40;
const TAG_AT = HEADER_BYTES + DATA_KEY_BYTES;
const CHECKSUM_AT = TAG_AT + 16;
const TOTAL_BYTES = CHECKSUM_AT + 32;

/** scrypt (RFC 7914) with N = 2^17: 128 MiB and some tenths of a second for each guess. */
export const SCRYPT_LOG2_N = 17;
/** What a file may ask of us: beyond it, it is not one of ours. */
const MAX_LOG2_N = 20;
const SCRYPT_R = 8;
const SCRYPT_P = 1;

export type UnwrapOutcome =
  | { readonly outcome: "ok"; readonly key: DataKey }
  | { readonly outcome: "wrong-passphrase" | "damaged" | "newer" };

/** `log2N` is smaller in tests only. */
export async function wrapKey(key: DataKey, passphrase: string, log2N: number): Promise<Buffer> {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.set([VERSION, log2N, SCRYPT_R, SCRYPT_P], 8);
  randomBytes(HEADER_BYTES - 12).copy(header, 12);
  const cipher = createCipheriv("aes-256-gcm", await stretch(passphrase, header), header.subarray(NONCE_AT), {
    authTagLength: 16,
  });
  cipher.setAAD(header);
  const bytes = key.export();
  const body = Buffer.concat([header, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  bytes.fill(0);
  return Buffer.concat([body, checksumOf(body)]);
}

export async function unwrapKey(data: Buffer, passphrase: string): Promise<UnwrapOutcome> {
  const state = inspectWrappedKey(data);
  if (state !== "ok") return { outcome: state };
  const header = data.subarray(0, HEADER_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", await stretch(passphrase, header), header.subarray(NONCE_AT), {
    authTagLength: 16,
  });
  decipher.setAAD(header);
  decipher.setAuthTag(data.subarray(TAG_AT, CHECKSUM_AT));
  try {
    const bytes = Buffer.concat([decipher.update(data.subarray(HEADER_BYTES, TAG_AT)), decipher.final()]);
    const key = dataKeyFrom(bytes);
    return key ? { outcome: "ok", key } : { outcome: "damaged" };
  } catch {
    return { outcome: "wrong-passphrase" }; // the checksum has shown that the file is whole
  }
}

/** Without the passphrase: whether the file is whole and one that this version can read. */
export function inspectWrappedKey(data: Buffer): "ok" | "damaged" | "newer" {
  if (data.length < HEADER_BYTES || !data.subarray(0, MAGIC.length).equals(MAGIC)) return "damaged";
  if (data.readUInt8(8) > VERSION) return "newer";
  const whole = data.length === TOTAL_BYTES && timingSafeEqual(checksumOf(data), data.subarray(CHECKSUM_AT));
  return whole && data.readUInt8(8) === VERSION && isReasonable(data) ? "ok" : "damaged";
}

/** The checksum is no proof of origin: a made-up file must not ask for gigabytes. */
function isReasonable(data: Buffer): boolean {
  const [log2N = 0, r, p] = data.subarray(9, 12);
  return log2N >= 1 && log2N <= MAX_LOG2_N && r === SCRYPT_R && p === SCRYPT_P;
}

function checksumOf(data: Buffer): Buffer {
  return createHash("sha256").update(data.subarray(0, CHECKSUM_AT)).digest();
}

function stretch(passphrase: string, header: Buffer): Promise<Buffer> {
  const N = 2 ** header.readUInt8(9);
  // Node refuses more than 32 MiB by default; scrypt needs 128·N·r bytes and a little.
  const options: ScryptOptions = { N, r: SCRYPT_R, p: SCRYPT_P, maxmem: 2 * 128 * N * SCRYPT_R };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, header.subarray(12, NONCE_AT), 32, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
