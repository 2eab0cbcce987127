import { parse } from "smol-toml";
import { BrokerError } from "../../core/errors.js";
import type { EntryPlace } from "./json-entry.js";
import { lineEndOf, type TextEdit } from "./text-edit.js";

/** A table of its own between two comments, by which it is found again whatever else the file holds. */
const BEGIN = "# credbroker: begin. `brokerctl agent install` wrote this, `brokerctl agent uninstall` takes it out";
const END = "# credbroker: end";

type Table = Readonly<Record<string, unknown>>;

/** What stands there; undefined: nothing. Throws `ConfigInvalid` where the file is no TOML. */
export function readTomlEntry(text: string, { section, name }: EntryPlace): unknown {
  return tableIn(tableIn(parsed(text), section), name);
}

/** Puts the entry at the end of the file, or in the place of its block. Throws `Conflict` where it stands there without our marks. */
export function putTomlEntry(text: string, { section, name }: EntryPlace, value: object): TextEdit {
  const before = parsed(text);
  const end = lineEndOf(text);
  const block = blockIn(text);
  if (!block && tableIn(tableIn(before, section), name) !== undefined) {
    throw new BrokerError("Conflict", `there is a table [${section}.${name}] already, which brokerctl did not write`);
  }
  const written = [BEGIN, `[${section}.${name}]`, ...Object.entries(value).map(lineOf), END].join(end);
  if (block) return { ...block, inserted: written };
  const gap = text === "" ? "" : text.endsWith("\n") ? end : end + end;
  const edit = { offset: text.length, replaced: "", inserted: `${gap}${written}${end}` };
  refuseUnlessRead(text + edit.inserted, section);
  return edit;
}

/** Takes the block out; undefined: there is none. */
export function removeTomlEntry(text: string): TextEdit | undefined {
  const block = blockIn(text);
  if (!block) return undefined;
  // With the empty line before it and the end of its last line, which came with it.
  const gap = /\n(\r?\n)$/.exec(text.slice(0, block.offset))?.[1] ?? "";
  const after = /^\r?\n/.exec(text.slice(block.offset + block.replaced.length))?.[0] ?? "";
  return { offset: block.offset - gap.length, replaced: gap + block.replaced + after, inserted: "" };
}

function blockIn(text: string): Pick<TextEdit, "offset" | "replaced"> | undefined {
  const offset = text.indexOf(BEGIN);
  const end = offset < 0 ? -1 : text.indexOf(END, offset + BEGIN.length);
  return end < 0 ? undefined : { offset, replaced: text.slice(offset, end + END.length) };
}

/** Strings and lists of strings, of which JSON's form is TOML's. */
function lineOf([key, value]: [string, unknown]): string {
  return `${key} = ${JSON.stringify(value)}`;
}

function parsed(text: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : "").split("\n")[0] ?? "";
    throw new BrokerError("ConfigInvalid", `the file is not TOML: ${why}`, { cause });
  }
}

/** `mcp_servers = { … }` takes no further table. */
function refuseUnlessRead(text: string, section: string): void {
  try {
    parse(text);
  } catch (cause) {
    throw new BrokerError("Conflict", `${section} is written as one value, so that no table can be added`, {
      hint: `write its entries as tables, [${section}.NAME], and run the command again`,
      cause,
    });
  }
}

function tableIn(table: unknown, key: string): unknown {
  if (typeof table !== "object" || table === null || !Object.hasOwn(table, key)) return undefined;
  return (table as Table)[key];
}
