import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CodeArchive, FunctionPackage } from "../../core/deployed-function.js";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { extractZip } from "../../files/extract-zip.js";
import { ZipProblem } from "../../files/zip-directory.js";
import type { CliContext } from "../context.js";
import { layerName } from "./layers.js";

/** The two directories below the one that is named. */
export interface PulledCode {
  readonly code: string;
  /** All layers over each other, as `/opt`; undefined: the function has none. */
  readonly layers: string | undefined;
  /** ARNs of those that could not be fetched. */
  readonly missing: readonly string[];
}

/** "Deployment package (.zip file archive) size: 250 MB": the unzipped code with all its layers. Some to spare. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;

/** Makes the directory where it is missing; refuses one that holds something, unless that may be replaced. */
export async function prepareDirectory(directory: string, mayReplace: boolean): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new BrokerError("UsageInvalid", `--to is no directory: ${directory}`, {
      cause,
      hint: `ls -ld ${shellQuote(directory)}`,
    });
  });
  const held = await readdir(directory);
  if (held.length === 0 || mayReplace) return;
  throw new BrokerError("Conflict", `${directory} is not empty`, {
    hint: "--to another directory, or --force: code and layers in it are replaced, nothing else",
  });
}

export interface PullWanted {
  readonly found: FunctionPackage;
  /** Where `code` and `layers` are to be. */
  readonly directory: string;
  /** Ends it with its reason; nothing that was begun is left. */
  readonly signal: AbortSignal;
}

/** Fetches and unpacks code and layers beside their final places, and puts them there when all of it is right. */
export async function pullCode(wanted: PullWanted, context: CliContext): Promise<PulledCode> {
  const { found, directory, signal } = wanted;
  const work = join(directory, `.pull-${randomBytes(6).toString("hex")}`);
  const [code, layers] = [join(work, "code"), join(work, "layers")];
  await mkdir(work, { mode: 0o700 });
  try {
    await mkdir(code, { mode: 0o700 });
    await unpack({ archive: found.code, what: `the code of ${found.functionName}`, to: code, signal }, context);
    const there = found.layers.flatMap(({ arn, archive }) => (archive ? [{ arn, archive }] : []));
    if (there.length > 0) await mkdir(layers, { mode: 0o700 });
    for (const { arn, archive } of there) await unpack({ archive, what: layerName(arn), to: layers, signal }, context);
    await replace(code, { place: join(directory, "code"), aside: join(work, "old-code") });
    await replace(there.length > 0 ? layers : undefined, {
      place: join(directory, "layers"),
      aside: join(work, "old-layers"),
    });
    return {
      code: join(directory, "code"),
      layers: there.length > 0 ? join(directory, "layers") : undefined,
      missing: found.layers.filter(({ archive }) => !archive).map(({ arn }) => arn),
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Replaced {
  readonly place: string;
  /** To be removed at the end: that takes long, and the place is empty for a moment only. */
  readonly aside: string;
}

/** A link goes aside, too, and what it leads to stays. */
async function replace(made: string | undefined, { place, aside }: Replaced): Promise<void> {
  await rename(place, aside).catch((error: unknown) => {
    if (!hasErrno(error, "ENOENT")) throw error;
  });
  if (made !== undefined) await rename(made, place);
}

interface Wanted {
  readonly archive: CodeArchive;
  /** For errors. */
  readonly what: string;
  readonly to: string;
  readonly signal: AbortSignal;
}

async function unpack({ archive, what, to, signal }: Wanted, context: CliContext): Promise<void> {
  const file = join(dirname(to), "archive.zip");
  await download({ archive, what, to: file, signal }, context);
  try {
    await extractZip({ archive: file, directory: to, maxBytes: MAX_UNPACKED_BYTES, signal });
  } catch (error) {
    if (!(error instanceof ZipProblem)) throw error;
    throw new BrokerError("Conflict", `${what} is not unpacked: ${error.message}`, {
      cause: error,
      hint: "nothing of it was kept",
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** Part by part to the file, and no byte more than Lambda has said. */
async function download({ archive, what, to, signal }: Wanted, { client }: CliContext): Promise<void> {
  const { id, bytes, sha256 } = archive;
  const sum = createHash("sha256");
  const file = await open(to, "wx", 0o600);
  try {
    for (let offset = 0; offset < bytes; ) {
      const { part } = await client.call("lambda-code-part", { id, offset }, { signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      const chunk = Buffer.from(part, "base64");
      if (chunk.length === 0 || offset + chunk.length > bytes) throw changed(what);
      sum.update(chunk);
      await file.writeFile(chunk);
      offset += chunk.length;
    }
  } finally {
    await file.close();
  }
  if (sum.digest("base64") !== sha256) throw changed(what);
}

function changed(what: string): BrokerError {
  return new BrokerError("Conflict", `${what}: what came is not what Lambda says it is (CodeSize, CodeSha256)`, {
    hint: "pull it again",
  });
}
