import { type FileHandle, lstat, mkdir, open, rm, symlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import { hasErrno } from "../core/errno.js";
import { readAt, readZipDirectory, type ZipEntry, ZipProblem } from "./zip-directory.js";

export interface ExtractOptions {
  readonly archive: string;
  /** Exists; what is there of the same name is replaced. */
  readonly directory: string;
  /** Of all files together, unpacked. */
  readonly maxBytes: number;
  /** Ends the work with its reason; what is unpacked by then stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface Extracted {
  readonly files: number;
  readonly bytes: number;
}

/** More is no program. */
const MAX_ENTRIES = 200_000;
const MAX_NAME = 1024;
/** Bytes of one part: what the file systems of Linux and macOS take. */
const MAX_PART = 255;
const MAX_TARGET = 4096;
const OWN_DIRECTORY = 0o700;
const LOCAL_HEADER = { signature: 0x04034b50, bytes: 30 } as const;

/**
 * Unpacks a zip archive from a source that is not trusted: nothing is written outside of the directory, or through a link in it; no more
 * is unpacked than the archive says, and no more than `maxBytes`; links lead to places inside. Files are the user's alone. Rejects with `ZipProblem`.
 */
export async function extractZip({ archive, directory, maxBytes, signal }: ExtractOptions): Promise<Extracted> {
  const file = await open(archive);
  try {
    const entries = await readZipDirectory(file, (await file.stat()).size);
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (entries.length > MAX_ENTRIES) throw new ZipProblem(`it has ${entries.length} entries`);
    if (bytes > maxBytes) throw new ZipProblem(`it has ${bytes} bytes unpacked, more than ${maxBytes}`);
    const checked = entries
      .map((entry) => ({ ...entry, name: safeName(entry.name) }))
      .filter(({ name }) => name !== "");
    const destination = { directory, made: new Set<string>(), signal };
    // Links last, so that no file is written through one.
    for (const [isLink, unpack] of [[false, write] as const, [true, link] as const]) {
      for (const entry of checked.filter(({ kind }) => (kind === "link") === isLink)) {
        signal?.throwIfAborted();
        await unpack(file, entry, destination);
      }
    }
    return { files: checked.filter(({ kind }) => kind !== "directory").length, bytes };
  } finally {
    await file.close();
  }
}

interface Destination {
  readonly directory: string;
  /** Directories that are known to be ones, no links. */
  readonly made: Set<string>;
  readonly signal: AbortSignal | undefined;
}

/** Relative, without `.` and `..`; "" for the directory itself. */
function safeName(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const isUnsafe = name.startsWith("/") || parts.includes("..") || /[\\\0]/.test(name) || name.length > MAX_NAME;
  const isTooLong = parts.some((part) => Buffer.byteLength(part) > MAX_PART);
  if (isTooLong) throw new ZipProblem(`the name of an entry is too long: ${JSON.stringify(name.slice(0, 200))}`);
  if (isUnsafe) throw new ZipProblem(`the name of an entry leads out of it: ${JSON.stringify(name.slice(0, 200))}`);
  return parts.join("/");
}

async function write(file: FileHandle, entry: ZipEntry, { directory, made, signal }: Destination): Promise<void> {
  const path = join(directory, entry.name);
  if (entry.kind === "directory") return makeDirectories(directory, entry.name, made);
  await makeDirectories(directory, dirname(entry.name), made);
  // Exclusive: nothing is written through what stands there.
  const created = { flags: "wx", mode: entry.isExecutable ? 0o700 : 0o600 };
  const target = await open(path, created.flags, created.mode).catch(async (error: unknown) => {
    if (!hasErrno(error, "EEXIST")) throw error;
    await rm(path, { recursive: true });
    // It may have been a directory of this archive.
    made.clear();
    return open(path, created.flags, created.mode);
  });
  try {
    if (isSmall(entry)) await target.writeFile(await content(file, entry));
    else await stream(file, entry, { to: target.createWriteStream(), signal });
  } finally {
    await target.close();
  }
}

/** Each one on the way is a directory of its own: a link in a place of the same name, of another archive, gives way. */
async function makeDirectories(directory: string, name: string, made: Set<string>): Promise<void> {
  if (name === "." || made.has(name)) return;
  await makeDirectories(directory, dirname(name), made);
  const path = join(directory, name);
  const found = await lstat(path).catch((error: unknown) => {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  });
  if (found?.isDirectory() !== true) {
    if (found) await rm(path);
    await mkdir(path, { mode: OWN_DIRECTORY });
  }
  made.add(name);
}

async function link(file: FileHandle, entry: ZipEntry, { directory, made }: Destination): Promise<void> {
  if (entry.bytes > MAX_TARGET || !isSmall(entry)) throw new ZipProblem(`the link ${entry.name} in it is too long`);
  const target = (await content(file, entry)).toString("utf8");
  refuseLeading(entry.name, target);
  await makeDirectories(directory, dirname(entry.name), made);
  const path = join(directory, entry.name);
  await rm(path, { recursive: true, force: true });
  await symlink(target, path);
  // What was a directory below it is looked at again.
  made.clear();
}

/** `..` only in front: behind the name of another link it would not be what it looks like. */
function refuseLeading(name: string, target: string): void {
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const ups = parts.findIndex((part) => part !== "..");
  const later = ups < 0 ? [] : parts.slice(ups);
  const inside = posix.join(dirname(name), target);
  const leadsOut = target.startsWith("/") || later.includes("..") || inside === ".." || inside.startsWith("../");
  if (target === "" || leadsOut || target.includes("\0")) {
    throw new ZipProblem(`the link ${JSON.stringify(name)} in it leads out of it`);
  }
}

/** Of most files: streams take ten times as long. */
const SMALL_BYTES = 1024 * 1024;

function isSmall({ bytes, compressedBytes }: ZipEntry): boolean {
  return bytes <= SMALL_BYTES && compressedBytes <= SMALL_BYTES;
}

/** The bytes of a small entry, as many as it says and with the sum that it says. */
async function content(file: FileHandle, entry: ZipEntry): Promise<Buffer> {
  const packed = await readAt(file, await beginOf(file, entry), entry.compressedBytes);
  const bytes = entry.isDeflated ? inflated(packed, entry) : packed;
  if (bytes.length > entry.bytes) throw new ZipProblem(`${entry.name} in it is larger than it says`);
  if (bytes.length === entry.bytes && crc32(bytes) === entry.crc32) return bytes;
  throw new ZipProblem(`${entry.name} in it is damaged`);
}

function inflated(packed: Buffer, { name, bytes }: ZipEntry): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) });
  } catch (error) {
    const isLarger = hasErrno(error, "ERR_BUFFER_TOO_LARGE");
    throw new ZipProblem(`${name} in it is ${isLarger ? "larger than it says" : "damaged"}`);
  }
}

async function beginOf(file: FileHandle, { name, offset }: ZipEntry): Promise<number> {
  const header = await readAt(file, offset, LOCAL_HEADER.bytes);
  if (header.readUInt32LE(0) !== LOCAL_HEADER.signature) throw new ZipProblem(`${name} is not where it says`);
  return offset + LOCAL_HEADER.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** The same of a large one, without holding it. */
async function stream(
  file: FileHandle,
  entry: ZipEntry,
  { to, signal }: Pick<Destination, "signal"> & { readonly to: NodeJS.WritableStream },
): Promise<void> {
  const packed = packedBytes(file, await beginOf(file, entry), entry.compressedBytes);
  const checked = new Checked(entry);
  try {
    const options = signal ? { signal } : {};
    if (entry.isDeflated) await pipeline(packed, createInflateRaw(), checked, to, options);
    else await pipeline(packed, checked, to, options);
  } catch (error) {
    signal?.throwIfAborted();
    if (hasErrno(error, "Z_DATA_ERROR", "Z_BUF_ERROR")) throw new ZipProblem(`${entry.name} in it is damaged`);
    throw error;
  }
}

const READ_BYTES = 256 * 1024;

async function* packedBytes(file: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; at += READ_BYTES)
    yield await readAt(file, start + at, Math.min(READ_BYTES, length - at));
}

class Checked extends Transform {
  readonly #entry: ZipEntry;
  #bytes = 0;
  #sum = 0;

  constructor(entry: ZipEntry) {
    super();
    this.#entry = entry;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.#bytes += chunk.length;
    this.#sum = crc32(chunk, this.#sum);
    if (this.#bytes > this.#entry.bytes) done(new ZipProblem(`${this.#entry.name} in it is larger than it says`));
    else done(null, chunk);
  }

  override _flush(done: (error: Error | null) => void): void {
    const { bytes, crc32: sum, name } = this.#entry;
    done(this.#bytes === bytes && this.#sum === sum ? null : new ZipProblem(`${name} in it is damaged`));
  }
}
