import { lstat, mkdir, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { createFileIfAbsent, replaceFileIfUnchanged } from "../../files/replace-file.js";
import type { CliContext } from "../context.js";
import { type Agent, isOwnEntry, SERVER_NAME } from "./agents.js";
import { type InstalledAgent, readInstalled, writeInstalled } from "./installed-agents.js";
import { type EntryPlace, putJsonEntry, readJsonEntry, removeJsonEntry } from "./json-entry.js";
import { edited, type TextEdit } from "./text-edit.js";
import { putTomlEntry, readTomlEntry, removeTomlEntry } from "./toml-entry.js";

/** A config file of an agent, and what is to become of it. */
export interface AgentEdit {
  readonly agent: Agent;
  readonly path: string;
  /** undefined: there is no such file. */
  readonly before: string | undefined;
  /** undefined: it is as it should be. */
  readonly edit: TextEdit | undefined;
}

/** Looks only. Throws for a file that cannot be edited, or has an entry of our name that another made. */
export async function planInstall(agent: Agent, path: string, command: readonly string[]): Promise<AgentEdit> {
  const before = await textOf(path);
  const wanted = agent.entry(command);
  return about(path, () => {
    const there = readEntry(agent, before ?? "");
    if (isSame(there, wanted)) return { agent, path, before, edit: undefined };
    if (there !== undefined && !isOwnEntry(there)) throw notOurs(path, agent);
    const edit = put(agent, before ?? "", wanted);
    if (!isSame(readEntry(agent, edited(before ?? "", edit)), wanted)) throw unreadable(path);
    return { agent, path, before, edit };
  });
}

/** Looks only; `edit` is undefined where nothing of ours is in the file. */
export async function planUninstall(agent: Agent, path: string, context: CliContext): Promise<AgentEdit> {
  const before = await textOf(path);
  const installed = await installedIn(path, context);
  return about(path, () => {
    const there = before === undefined ? undefined : readEntry(agent, before);
    if (before === undefined || !isOwnEntry(there)) return { agent, path, before, edit: undefined };
    return { agent, path, before, edit: undone(agent, before, installed) ?? removed(agent, before, installed) };
  });
}

/** Through a symbolic link, mode kept; a new file is 0600. `Conflict`: it is no longer what was read. */
export async function install({ agent, path, before, edit }: AgentEdit, context: CliContext): Promise<void> {
  if (!edit) return;
  const former = await installedIn(path, context);
  const madeDirectory = before === undefined ? await mkdir(dirname(path), { recursive: true, mode: 0o700 }) : undefined;
  const next = edited(before ?? "", edit);
  if (before === undefined) await createFileIfAbsent({ path, text: next });
  else await replaceFileIfUnchanged({ path, expected: before, next });
  const made = { madeFile: before === undefined, madeDirectory: madeDirectory ?? null };
  const { inserted, replaced } = edit;
  // An entry that is written anew: what was there before the first one is what it was.
  const first = former?.inserted.includes(replaced) && replaced !== "" ? former : undefined;
  const entry: InstalledAgent = first
    ? { ...first, inserted: first.inserted.replace(replaced, () => inserted) }
    : { agent: agent.name, path, inserted, replaced, ...made };
  await writeInstalled([...(await readInstalled(context)).filter((one) => one.path !== path), entry], context);
}

/** A file that was made for us alone goes with the entry, and so do directories. */
export async function uninstall({ path, before, edit }: AgentEdit, context: CliContext): Promise<void> {
  const installed = await installedIn(path, context);
  if (edit && before !== undefined) {
    const next = edited(before, edit);
    await replaceFileIfUnchanged({ path, expected: before, next });
    if (installed?.madeFile && next.trim() === "") await removeMade(installed);
  }
  await writeInstalled(
    (await readInstalled(context)).filter((one) => one.path !== path),
    context,
  );
}

async function removeMade({ path, madeDirectory }: InstalledAgent): Promise<void> {
  if ((await lstat(path)).isSymbolicLink()) return;
  await rm(path);
  if (madeDirectory === null) return;
  for (let at = dirname(path); at.startsWith(madeDirectory); at = dirname(at)) {
    const isGone = await rmdir(at).then(
      () => true,
      () => false, // something else is in it
    );
    if (!isGone) return;
  }
}

async function installedIn(path: string, context: CliContext): Promise<InstalledAgent | undefined> {
  return (await readInstalled(context)).find((one) => one.path === path);
}

/** What was done, backwards, where it still stands there once, and what was changed around it does not need it: a comma, say. */
function undone(agent: Agent, text: string, installed: InstalledAgent | undefined): TextEdit | undefined {
  const offset = installed ? text.indexOf(installed.inserted) : -1;
  if (!installed || offset < 0 || text.includes(installed.inserted, offset + 1)) return undefined;
  const edit = { offset, replaced: installed.inserted, inserted: installed.replaced };
  const next = edited(text, edit);
  return next.trim() === "" || isReadAsBefore(agent, text, next) ? edit : undefined;
}

/** Programs that take no trailing comma read it still. */
function isReadAsBefore(agent: Agent, before: string, next: string): boolean {
  try {
    if (readEntry(agent, next) !== undefined) return false;
    return agent.format === "toml" || isPlainJson(next) || !isPlainJson(before);
  } catch {
    return false;
  }
}

function isPlainJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** As JSON has them: what parsers make has no prototype. */
function isSame(there: unknown, wanted: object): boolean {
  return there !== undefined && isDeepStrictEqual(JSON.parse(JSON.stringify(there)), wanted);
}

function placeOf({ section }: Agent): EntryPlace {
  return { section, name: SERVER_NAME };
}

function readEntry(agent: Agent, text: string): unknown {
  const read = agent.format === "json" ? readJsonEntry : readTomlEntry;
  return read(text, placeOf(agent));
}

function put(agent: Agent, text: string, value: object): TextEdit {
  return (agent.format === "json" ? putJsonEntry : putTomlEntry)(text, placeOf(agent), value);
}

function removed(agent: Agent, text: string, installed: InstalledAgent | undefined): TextEdit | undefined {
  const madeSection = installed?.inserted.includes(JSON.stringify(agent.section)) ?? false;
  return agent.format === "json" ? removeJsonEntry(text, placeOf(agent), madeSection) : removeTomlEntry(text);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readRegularFile(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT", "ENOTDIR")) throw error;
    const isLink = await lstat(path).then(
      (found) => found.isSymbolicLink(),
      () => false,
    );
    if (!isLink) return undefined;
    throw new BrokerError("FileRefused", `${path} is a link that leads nowhere`, { hint: `ls -l ${shellQuote(path)}` });
  }
}

/** What is wrong with a file's text is told with its name. */
function about<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof BrokerError) || error.message.includes(path)) throw error;
    const hint = error.hint ?? `fix ${shellQuote(path)}, and run the command again`;
    throw new BrokerError(error.code, `${path}: ${error.message}`, { hint, cause: error });
  }
}

function notOurs(path: string, { section }: Agent): BrokerError {
  return new BrokerError("Conflict", `${path} has an entry ${section}.${SERVER_NAME} that brokerctl did not write`, {
    hint: `rename or remove it in ${shellQuote(path)}, and run the command again`,
  });
}

function unreadable(path: string): BrokerError {
  return new BrokerError("Conflict", `${path} would not be read as it was written: is a key in it twice?`, {
    hint: `fix ${shellQuote(path)}, and run the command again`,
  });
}
