import { createHash } from "node:crypto";
import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hasErrno } from "../../core/errno.js";
import { replaceFileNonDurable } from "../../files/atomic-file.js";
import { readAtOnce } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";
import { awsFiles, botoFiles } from "./aws-files.js";

/** What takes the place of `~/.aws`, as variables for a child or a shell. */
export interface NeutralAwsFiles {
  readonly files: Readonly<Record<string, string>>;
  /** What `[default]` said and the copy does not: for those whose environment does not say it (`unlessSet`). */
  readonly defaultSettings: Readonly<Record<string, string>>;
}

/**
 * What the copies of `~/.aws` were made from, beside them, so that they can be used without parsing anything as long as nothing
 * changed. Lines of `name value`, the first `stamp 1`, the last `end -`; what is otherwise is not trusted:
 *
 *     stamp 1
 *     generator 0.9.0                                     brokerctl's version
 *     config 66306:131:512:17643…789:17643…789 /home/me/.aws/config
 *     credentials absent /home/me/.aws/credentials
 *     boto absent /etc/boto.cfg                           each file in which boto looks for keys
 *     boto absent /home/me/.boto
 *     copy 66306:140:90:…:… /…/aws/3b…/config            both copies
 *     copy 66306:141:54:…:… /…/aws/3b…/credentials
 *     competing no                                        whether `env` gives shells the copies, and says why
 *     set AWS_CONFIG_FILE=/…/aws/3b…/config              variables of what gets the copies
 *     default AWS_REGION=eu-west-1                        where the environment does not say it: what the copies do not
 *     end -
 *
 * A file is device, inode, size, and the nanoseconds of its last change of content and of inode, with links followed; `absent`:
 * there is none. In an environment that has the copies already (`AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` are both `copy`),
 * `config` and `credentials` say nothing.
 */
export interface CopiesStamp extends NeutralAwsFiles {
  readonly competing: boolean;
}

/** The files that decide what the copies are, as this environment names them. */
export interface CopiedFrom {
  readonly config: string;
  readonly credentials: string;
  readonly boto: readonly string[];
}

/** Where this environment's copies are, or are to be, and what they are made from. */
export function copiesOf(context: CliContext): { readonly directory: string; readonly from: CopiedFrom } {
  const from = copiedFrom(context);
  const directory = isCopy(from, context) ? dirname(from.config) : neutralDirectory(from.config, context);
  return { directory, from };
}

/**
 * The stamp of this environment's copies, if all is as it says. Without the name of their directory, for which `node:crypto` would have to be
 * loaded, and without other threads: a stamp says what it is of.
 */
export function stampOfCopies(context: CliContext): CopiesStamp | undefined {
  const from = copiedFrom(context);
  for (const directory of isCopy(from, context) ? [dirname(from.config)] : copyDirectories(context)) {
    const stamp = readStamp(directory, from, context.version);
    if (stamp) return stamp;
  }
  return undefined;
}

function copiedFrom(context: CliContext): CopiedFrom {
  return { ...awsFiles(context), boto: botoFiles(context) };
}

function isCopy({ config }: CopiedFrom, { paths }: CliContext): boolean {
  return config.startsWith(join(paths().stateDir, "aws/"));
}

function copyDirectories({ paths }: CliContext): readonly string[] {
  const root = join(paths().stateDir, "aws");
  try {
    return readdirSync(root).map((name) => join(root, name));
  } catch {
    return []; // there is none yet, or neither a stamp can be read
  }
}

/** Where the copies of this config, and of the credentials beside it, are. */
export function neutralDirectory(config: string, { paths }: Pick<CliContext, "paths">): string {
  return join(paths().stateDir, "aws", createHash("sha256").update(config).digest("hex").slice(0, 12));
}

const FORM = "stamp 1";
const END = "end -";
const NAME = "stamp";
const MAX_BYTES = 64 * 1024;
/** A file that was changed just before may change once more within the same tick of its clock: 1 s on some file systems. */
const SETTLED_MS = 2000;

/** The stamp of the copies in `directory`, if all is as it says. */
export function readStamp(directory: string, from: CopiedFrom, generator: string): CopiesStamp | undefined {
  const text = textOf(join(directory, NAME));
  const lines = text.split("\n").slice(0, -1);
  const values = (name: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  if (lines[0] !== FORM || lines.at(-1) !== END || values("generator")[0] !== generator) return undefined;
  const copies = [join(directory, "config"), join(directory, "credentials")];
  const isOwn = from.config === copies[0] && from.credentials === copies[1];
  const wanted: readonly (readonly [string, readonly string[]])[] = [
    ...(isOwn
      ? []
      : ([
          ["config", [from.config]],
          ["credentials", [from.credentials]],
        ] as const)),
    ["boto", from.boto],
    ["copy", copies],
  ];
  for (const [name, paths] of wanted) {
    const now = paths.map((path) => `${identityNow(path)} ${path}`);
    const said = values(name);
    if (said.length !== now.length || now.some((line, index) => line !== said[index])) return undefined;
  }
  return {
    files: variablesIn(values("set")),
    defaultSettings: variablesIn(values("default")),
    competing: values("competing")[0] !== "no",
  };
}

/** Of a stamp; empty where it cannot be read, or is none. */
function textOf(path: string): string {
  try {
    const { size } = statSync(path);
    return size <= MAX_BYTES ? readAtOnce(path) : "";
  } catch {
    return "";
  }
}

function identityNow(path: string): string {
  try {
    return identityIn(statSync(path, { bigint: true }));
  } catch (error) {
    return hasErrno(error, "ENOENT", "ENOTDIR") ? "absent" : "unknown";
  }
}

/** What was there before the copies were made; undefined: not all of it can be told apart from what may come. */
export type Before = readonly string[] | undefined;

/** To be called before the files are read. */
export async function lookBefore({ config, credentials, boto }: CopiedFrom, now: number): Promise<Before> {
  const named = [["config", config], ["credentials", credentials], ...boto.map((path) => ["boto", path])] as const;
  const lines: string[] = [];
  for (const [name = "", path = ""] of named) {
    const identity = await identityOf(path, now - SETTLED_MS).catch(() => undefined);
    if (identity === undefined) return undefined;
    lines.push(`${name} ${identity} ${path}`);
  }
  return lines;
}

/** Writes the stamp, unless a file changed meanwhile, or its like cannot be written in lines. Failing costs time only. */
export async function writeStamp(
  { directory, from, before, generator }: Stamping,
  { files, defaultSettings, competing }: CopiesStamp,
): Promise<void> {
  if (before === undefined) return;
  const after = await lookBefore(from, Number.POSITIVE_INFINITY);
  if (after?.join("\n") !== before.join("\n")) return;
  const copies = [join(directory, "config"), join(directory, "credentials")];
  const lines = [
    FORM,
    `generator ${generator}`,
    ...before,
    ...(await Promise.all(copies.map(async (path) => `copy ${await identityOf(path)} ${path}`))),
    `competing ${competing ? "yes" : "no"}`,
    ...Object.entries(files).map(([name, value]) => `set ${name}=${value}`),
    ...Object.entries(defaultSettings).map(([name, value]) => `default ${name}=${value}`),
    END,
  ];
  if (lines.some((line) => /\p{Cc}/u.test(line))) return;
  await replaceFileNonDurable(join(directory, NAME), `${lines.join("\n")}\n`).catch(() => undefined);
}

interface Stamping {
  readonly directory: string;
  readonly from: CopiedFrom;
  readonly before: Before;
  readonly generator: string;
}

/** Rejects where the file is there and cannot be looked at, is none, cannot be read, or changed after `latest` (epoch milliseconds). */
async function identityOf(path: string, latest?: number): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    const identity = identityIn(found);
    if (latest !== undefined) await access(path, constants.R_OK);
    const changedAt = Math.max(Number(found.mtimeNs), Number(found.ctimeNs)) / 1e6;
    if (latest !== undefined && changedAt > latest) throw new Error("too new");
    return identity;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return "absent";
    throw error;
  }
}

/** Throws where it is no file. */
function identityIn(found: BigIntStats): string {
  if (!found.isFile()) throw new Error("not a file");
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

function variablesIn(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}
