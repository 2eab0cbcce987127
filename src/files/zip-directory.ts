import type { FileHandle } from "node:fs/promises";

/** A file, directory or link as an archive lists it. */
export interface ZipEntry {
  /** As it stands there: parts separated by `/`, a directory ends with one. Not checked. */
  readonly name: string;
  readonly kind: "file" | "directory" | "link";
  readonly isExecutable: boolean;
  readonly isDeflated: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  /** Of its local header. */
  readonly offset: number;
}

/** A reason why an archive is not one that is read here. */
export class ZipProblem extends Error {
  override readonly name = "ZipProblem";
}

/** APPNOTE.TXT, 4.3.16, 4.3.15, 4.3.14, 4.3.12 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). */
const END = { signature: 0x06054b50, bytes: 22, maxComment: 0xffff } as const;
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 } as const;
const END_64 = { signature: 0x06064b50, bytes: 56 } as const;
const CENTRAL = { signature: 0x02014b50, bytes: 46 } as const;
const EXTRA_64 = 0x0001;
const NONE_16 = 0xffff;
const NONE_32 = 0xffffffff;
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;

/** All entries of an archive of so many bytes, in its order. Rejects with `ZipProblem`. */
export async function readZipDirectory(file: FileHandle, fileBytes: number): Promise<readonly ZipEntry[]> {
  const { count, bytes, offset } = await locate(file, fileBytes);
  if (bytes > MAX_DIRECTORY_BYTES || offset + bytes > fileBytes) throw new ZipProblem("its directory is not in it");
  const directory = await readAt(file, offset, bytes);
  const entries: ZipEntry[] = [];
  for (let at = 0, left = count; left > 0; left--) {
    if (at + CENTRAL.bytes > bytes || directory.readUInt32LE(at) !== CENTRAL.signature) {
      throw new ZipProblem("its directory is damaged");
    }
    const end = at + CENTRAL.bytes + [28, 30, 32].reduce((sum, field) => sum + directory.readUInt16LE(at + field), 0);
    if (end > bytes) throw new ZipProblem("its directory is damaged");
    entries.push(entryIn(directory.subarray(at, end)));
    at = end;
  }
  return entries;
}

/** Exactly so many bytes; `ZipProblem` where the archive ends before. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new ZipProblem("it ends too early");
  return buffer;
}

interface Place {
  readonly count: number;
  readonly bytes: number;
  readonly offset: number;
}

async function locate(file: FileHandle, fileBytes: number): Promise<Place> {
  const length = Math.min(fileBytes, END.bytes + END.maxComment);
  const tail = await readAt(file, fileBytes - length, length);
  for (let at = length - END.bytes; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END.signature || at + END.bytes + tail.readUInt16LE(at + 20) !== length) continue;
    const place = {
      count: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const isLarge = place.count === NONE_16 || place.bytes === NONE_32 || place.offset === NONE_32;
    return isLarge ? locate64(file, fileBytes - length + at) : place;
  }
  throw new ZipProblem("it is no zip archive");
}

async function locate64(file: FileHandle, end: number): Promise<Place> {
  if (end < LOCATOR_64.bytes) throw new ZipProblem("its directory is damaged");
  const locator = await readAt(file, end - LOCATOR_64.bytes, LOCATOR_64.bytes);
  if (locator.readUInt32LE(0) !== LOCATOR_64.signature) throw new ZipProblem("its directory is damaged");
  const record = await readAt(file, number64(locator, 8), END_64.bytes);
  if (record.readUInt32LE(0) !== END_64.signature) throw new ZipProblem("its directory is damaged");
  return { count: number64(record, 32), bytes: number64(record, 40), offset: number64(record, 48) };
}

const ENCRYPTED = 0x1;
const UTF8 = 0x800;
const METHODS: Readonly<Record<number, boolean>> = { 0: false, 8: true };
/** Of Unix, in the upper half of the external attributes: st_mode. */
const FILE_TYPE = 0o170000;
const LINK = 0o120000;
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const ANY_EXECUTE = 0o111;

function entryIn(record: Buffer): ZipEntry {
  const nameEnd = CENTRAL.bytes + record.readUInt16LE(28);
  const extra = record.subarray(nameEnd, nameEnd + record.readUInt16LE(30));
  const flags = record.readUInt16LE(8);
  const name = textOf(record.subarray(CENTRAL.bytes, nameEnd), (flags & UTF8) !== 0);
  const isDeflated = METHODS[record.readUInt16LE(10)];
  if ((flags & ENCRYPTED) !== 0) throw new ZipProblem(`${name} in it is encrypted`);
  if (isDeflated === undefined) throw new ZipProblem(`${name} in it is compressed by another method than deflate`);
  const mode = record.readUInt32LE(38) >>> 16;
  return {
    ...{ name, kind: kindOf(name, mode & FILE_TYPE), isExecutable: (mode & ANY_EXECUTE) !== 0, isDeflated },
    crc32: record.readUInt32LE(16),
    ...sizesOf(record, extra),
  };
}

function kindOf(name: string, type: number): ZipEntry["kind"] {
  if (type === LINK) return "link";
  if (type === DIRECTORY || name.endsWith("/")) return "directory";
  // Archives of other systems say nothing.
  if (type === REGULAR || type === 0) return "file";
  throw new ZipProblem(`${name} in it is neither a file nor a directory nor a link`);
}

/** Each that does not fit stands in the extra field, in this order: 4.5.3. */
function sizesOf(record: Buffer, extra: Buffer): Pick<ZipEntry, "bytes" | "compressedBytes" | "offset"> {
  const large = extraField(extra, EXTRA_64);
  let at = 0;
  const [bytes = 0, compressedBytes = 0, offset = 0] = [24, 20, 42].map((field) => {
    const value = record.readUInt32LE(field);
    if (value !== NONE_32) return value;
    if (at + 8 > large.length) throw new ZipProblem("its directory is damaged");
    at += 8;
    return number64(large, at - 8);
  });
  return { bytes, compressedBytes, offset };
}

function extraField(extra: Buffer, wanted: number): Buffer {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === wanted) return extra.subarray(at + 4, end);
    at = end;
  }
  return Buffer.alloc(0);
}

function number64(bytes: Buffer, at: number): number {
  const value = Number(bytes.readBigUInt64LE(at));
  if (!Number.isSafeInteger(value)) throw new ZipProblem("its directory is damaged");
  return value;
}

/** Without the flag many write UTF-8 all the same; what is none is taken byte by byte. */
function textOf(bytes: Buffer, isUtf8: boolean): string {
  const text = bytes.toString("utf8");
  return isUtf8 || !text.includes("\ufffd") ? text : bytes.toString("latin1");
}
