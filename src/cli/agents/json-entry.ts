import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { BrokerError } from "../../core/errors.js";
import { lineEndOf, type TextEdit } from "./text-edit.js";

/** Where an entry stands in a JSON file: `mcpServers.credbroker`. */
export interface EntryPlace {
  readonly section: string;
  readonly name: string;
}

/** JSON with comments and trailing commas, as these programs read it. */
const LENIENT = { allowTrailingComma: true, disallowComments: false };
const USUAL_INDENT = "  ";

/** What stands there; undefined: nothing. Throws `ConfigInvalid` where the file is no such JSON. */
export function readJsonEntry(text: string, { section, name }: EntryPlace): unknown {
  const root = rootOf(text);
  const found = root && findNodeAtLocation(root, [section, name]);
  return found && (getNodeValue(found) as unknown);
}

/** Puts the entry there, in the place of one that there is. The edit touches nothing else. */
export function putJsonEntry(text: string, { section, name }: EntryPlace, value: object): TextEdit {
  const end = lineEndOf(text);
  const root = rootOf(text);
  if (!root) {
    const whole = `${JSON.stringify({ [section]: { [name]: value } }, null, USUAL_INDENT).replaceAll("\n", end)}${end}`;
    return { offset: text.length, replaced: "", inserted: /[^\n]$/.test(text) ? end + whole : whole };
  }
  const inSection = findNodeAtLocation(root, [section]);
  if (!inSection) return addProperty(text, root, { key: section, value: { [name]: value } });
  if (inSection.type !== "object") throw notAnObject(section);
  const entry = findNodeAtLocation(inSection, [name]);
  if (!entry) return addProperty(text, inSection, { key: name, value });
  const inserted = shown(value, { indent: indentAt(text, entry.offset), unit: unitOf(text, root), end });
  return { offset: entry.offset, replaced: text.slice(entry.offset, endOf(entry)), inserted };
}

/**
 * Takes the entry out, with the comma that it needed, and where it stands alone in a section that was made for it, `withSection`;
 * undefined: there is none.
 */
export function removeJsonEntry(
  text: string,
  { section, name }: EntryPlace,
  withSection = false,
): TextEdit | undefined {
  const root = rootOf(text);
  const entry = root && findNodeAtLocation(root, [section, name])?.parent;
  if (!entry) return undefined;
  const inSection = entry.parent;
  const isAlone = inSection?.children?.length === 1;
  const [from, to] = spanOf(text, withSection && isAlone ? (inSection.parent ?? entry) : entry);
  return { offset: from, replaced: text.slice(from, to), inserted: "" };
}

/** Of a property, with the comma on one side of it. */
function spanOf(text: string, property: Node): readonly [from: number, to: number] {
  const siblings = property.parent?.children ?? [];
  const at = siblings.indexOf(property);
  const [before, after] = [siblings[at - 1], siblings[at + 1]];
  if (before) return [endOf(before), endOf(property)];
  if (after) return [property.offset, after.offset];
  return [startOfLineOr(text, property.offset), commaAfter(text, endOf(property))];
}

function rootOf(text: string): Node | undefined {
  const errors: ParseError[] = [];
  // A byte order mark is a blank to these programs; the offsets stay.
  const root = parseTree(text.replace(/^\uFEFF/, " "), errors, { ...LENIENT, allowEmptyContent: true });
  const [error] = errors;
  if (error) {
    const line = text.slice(0, error.offset).split("\n").length;
    throw new BrokerError("ConfigInvalid", `line ${line} is not JSON: ${printParseErrorCode(error.error)}`);
  }
  if (root && root.type !== "object") throw notAnObject("the file");
  return root;
}

interface Property {
  readonly key: string;
  readonly value: object;
}

/** Behind the last one; on a line of its own where that has one, or where there is none. */
function addProperty(text: string, parent: Node, { key, value }: Property): TextEdit {
  const end = lineEndOf(text);
  const unit = unitOf(text, parent.children?.length === 0 ? (parent.parent?.parent ?? parent) : parent);
  const last = parent.children?.at(-1);
  const written = (indent: string): string => `${JSON.stringify(key)}: ${shown(value, { indent, unit, end })}`;
  if (!last) {
    const outer = indentAt(text, parent.offset);
    const inside = text.slice(parent.offset + 1, endOf(parent) - 1);
    const closing = inside.includes("\n") ? "" : end + outer;
    const inserted = `${end}${outer}${unit}${written(outer + unit)}${closing}`;
    return { offset: parent.offset + 1, replaced: "", inserted };
  }
  const isOnOwnLine = /(?:^|\n)[ \t]*$/.test(text.slice(0, last.offset));
  if (!isOnOwnLine) return { offset: endOf(last), replaced: "", inserted: `, ${oneLine(key, value)}` };
  const indent = indentAt(text, last.offset);
  return { offset: endOf(last), replaced: "", inserted: `,${end}${indent}${written(indent)}` };
}

function oneLine(key: string, value: object): string {
  return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
}

interface Layout {
  readonly indent: string;
  readonly unit: string;
  readonly end: string;
}

function shown(value: object, { indent, unit, end }: Layout): string {
  return JSON.stringify(value, null, unit).replaceAll("\n", end + indent);
}

/** What the line that the offset is in begins with. */
function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
}

/** What one level is indented by, by the first property that has a line of its own. */
function unitOf(text: string, node: Node): string {
  const first = node.children?.[0];
  if (!first || !/\n[ \t]+$/.test(text.slice(0, first.offset))) return USUAL_INDENT;
  const [outer, inner] = [indentAt(text, node.offset), indentAt(text, first.offset)];
  return inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : USUAL_INDENT;
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

/** With the line's end before it, where nothing else stands in that line. */
function startOfLineOr(text: string, offset: number): number {
  const blank = /\r?\n[ \t]*$/.exec(text.slice(0, offset));
  return blank ? blank.index : offset;
}

function commaAfter(text: string, offset: number): number {
  const comma = /^\s*,/.exec(text.slice(offset));
  return offset + (comma?.[0].length ?? 0);
}

function notAnObject(what: string): BrokerError {
  return new BrokerError("ConfigInvalid", `${what} is no JSON object`);
}
