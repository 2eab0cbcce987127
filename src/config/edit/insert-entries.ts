import { type Document, isCollection, isMap, isNode, isPair, isScalar, type Pair, stringify, type YAMLMap } from "yaml";
import type { PlainEntry } from "../schema/field-values.js";

/** Entries to add to a section of the file, in this order. */
export interface NewEntries {
  readonly section: "sources" | "roles";
  readonly entries: Readonly<Record<string, PlainEntry>>;
}

/** A replacement in the text: `end` is where what it replaces ends, `start` itself for a pure insertion. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly insert: string;
}

const DEFAULT_INDENT = 2;

/**
 * The text with the entries after the last one of its section. Everything else stays as it is, byte for byte: the
 * document tells where things stand, but is not written out again, which would move comments and columns.
 */
export function insertEntries(text: string, document: Document.Parsed, added: NewEntries): string {
  const splices = planSplices(text, document, added).toSorted((a, b) => b.start - a.start);
  return splices.reduce((edited, { start, end, insert }) => edited.slice(0, start) + insert + edited.slice(end), text);
}

/** The entries as block YAML, each line indented: also shown for the user to add by hand. */
export function renderEntries({ entries }: Pick<NewEntries, "entries">, indent = DEFAULT_INDENT): string {
  const block = stringify(entries, { indent, lineWidth: 0, version: "1.2", aliasDuplicateObjects: false });
  return block.replaceAll(/^(?=.)/gm, " ".repeat(indent));
}

function planSplices(text: string, document: Document.Parsed, added: NewEntries): Splice[] {
  const top = document.contents as unknown as YAMLMap;
  const section = top.items.find(({ key }) => isScalar(key) && key.value === added.section);
  if (!section) return insertSection(text, top, added);

  const { value } = section;
  if (isMap(value) && value.items.length > 0) {
    return [value.flow === true ? insertInFlow(value, added) : insertInBlock(text, value, added)];
  }
  return fillSection(text, { section, top }, added);
}

/** `{ a: …, b: … }`: right after the last value, so that comments and a trailing comma stay where they are. */
function insertInFlow(map: YAMLMap, added: NewEntries): Splice {
  return insertion(endOf(map.items.at(-1)), `, ${renderFlow(added)}`);
}

/** `name: { … }, …` on one line. */
function renderFlow({ entries }: NewEntries): string {
  const map = stringify(entries, {
    collectionStyle: "flow",
    lineWidth: 0,
    version: "1.2",
    aliasDuplicateObjects: false,
  });
  return map.trim().replaceAll(/^\{\s*|\s*\}$/g, "");
}

/** Below the last entry and the comments that are indented like a part of it. */
function insertInBlock(text: string, map: YAMLMap, added: NewEntries): Splice {
  const indent = columnOf(text, startOf(map.items[0]));
  const { start, insert } = insertLines(text, endOf(map.items.at(-1)), renderEntries(added, indent));
  const comments = new RegExp(`(?:[ ]{${indent + 1},}#.*\\r?\\n)*`, "y");
  comments.lastIndex = start;
  return insertion(start + (comments.exec(text)?.[0].length ?? 0), insert);
}

/** `roles:`, `roles: {}`, `roles: null`: the key stays, what stands for nothing goes, the entry comes below. */
function fillSection(text: string, { section, top }: { section: Pair; top: YAMLMap }, added: NewEntries): Splice[] {
  const [start, end] = rangeOf(section.value) ?? [endOf(section), endOf(section)];
  const holdsComment = text.slice(start, end).includes("#");
  if (holdsComment) return [insertion(end - 1, `${renderFlow(added)} `)];
  if (top.flow === true) return [{ start, end, insert: `${start === end ? " " : ""}{ ${renderFlow(added)} }` }];

  const below = insertLines(text, end, renderEntries(added, indentOf(text, top)));
  const emptied = { start: text.slice(0, start).trimEnd().length, end, insert: "" };
  return start === end ? [below] : [below, emptied];
}

function insertSection(text: string, top: YAMLMap, added: NewEntries): Splice[] {
  const last = endOf(top.items.at(-1));
  if (top.flow === true) return [insertion(last, `, ${added.section}: { ${renderFlow(added)} }`)];
  return [insertLines(text, last, `${added.section}:\n${renderEntries(added, indentOf(text, top))}`)];
}

/** Whole lines below the line that `after` is on, with the line ends of the file. */
function insertLines(text: string, after: number, block: string): Splice {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = block.replaceAll("\n", eol);
  if (text[after - 1] === "\n") return insertion(after, lines);
  const lineEnd = text.indexOf("\n", after);
  return lineEnd === -1 ? insertion(text.length, eol + lines) : insertion(lineEnd + 1, lines);
}

function insertion(at: number, insert: string): Splice {
  return { start: at, end: at, insert };
}

/** What the file's other sections are indented by. */
function indentOf(text: string, top: YAMLMap): number {
  for (const { value } of top.items) {
    if (isMap(value) && value.flow !== true && value.items.length > 0) return columnOf(text, startOf(value.items[0]));
  }
  return DEFAULT_INDENT;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

export function startOf(pair: Pair | undefined): number {
  return rangeOf(pair?.key)?.[0] ?? 0;
}

/** The end of what a pair or node says: comments and blank lines after it are not part of it. */
export function endOf(part: unknown): number {
  if (isPair(part)) return part.value === null ? endOf(part.key) : endOf(part.value);
  if (isCollection(part) && part.flow !== true && part.items.length > 0) return endOf(part.items.at(-1));
  return rangeOf(part)?.[1] ?? 0;
}

function rangeOf(node: unknown): readonly [number, number] | undefined {
  const range = isNode(node) ? node.range : undefined;
  return range ? [range[0], range[1]] : undefined;
}
