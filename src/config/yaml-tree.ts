import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { ConfigProblem } from "./check/config-problem.js";
import { showValue } from "./check/show-value.js";
import { FieldPositions } from "./field-positions.js";

/** Enough for a policy repeated in every role of a busy config; far from what a bomb of nested aliases needs. */
const MAX_ALIASES = 1000;
/** Values that all aliases together may stand for. */
const MAX_ALIASED_VALUES = 100_000;
/** A session policy, the deepest thing we accept, needs about ten. */
const MAX_DEPTH = 64;
/** Names with a meaning to JavaScript objects: CVE-2020-28472 came of accepting them from a config file. */
const FORBIDDEN_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];

/** The plain value of a YAML document, where each field of it stands, and what YAML lets pass but we do not. */
export interface YamlTree {
  readonly value: unknown;
  readonly positions: FieldPositions;
  readonly problems: readonly ConfigProblem[];
}

/** Reads a parsed document into plain maps, lists and scalars. */
export function readYamlTree(document: Document.Parsed): YamlTree {
  const reader = new TreeReader();
  const value = reader.read(document.contents);
  return { value, positions: reader.positions, problems: reader.problems };
}

class TreeReader {
  readonly positions = new FieldPositions();
  readonly problems: ConfigProblem[] = [];
  readonly #path: (string | number)[] = [];
  /** Anchors seen so far: nodes are read in the order of the text. */
  readonly #anchors = new Map<string, Node>();
  /** What each alias meant where it stands: an anchor's name can be given again further down. */
  readonly #targets = new WeakMap<Alias, Node>();
  #aliases = 0;
  #aliasedValues = 0;
  /** Aliases we are inside of. */
  #expanding = 0;
  #refused = false;

  read(node: unknown): unknown {
    if (this.#path.length > MAX_DEPTH) {
      this.#report(node, `is nested deeper than ${MAX_DEPTH} levels`);
      return undefined;
    }
    if (isAlias(node)) return this.#readAlias(node);
    if (this.#expanding > 0 && ++this.#aliasedValues > MAX_ALIASED_VALUES) return undefined;
    if (isNode(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#readMap(node);
    if (isSeq(node)) {
      const list: unknown[] = [];
      node.items.forEach((item, index) => list.push(this.#readEntry({ container: list, segment: index, value: item })));
      return list;
    }
    return isScalar(node) ? this.#readScalar(node) : null;
  }

  #readMap(map: YAMLMap): Record<string, unknown> {
    const entries: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const pair of map.items) {
      const key = isPair(pair) ? this.#readKey(pair.key) : undefined;
      if (key === undefined) continue;
      if (seen.has(key)) {
        this.#reportEntry(pair.key, key, "is given twice; keep one");
        continue;
      }
      seen.add(key);
      entries[key] = this.#readEntry({ container: entries, segment: key, key: pair.key, value: pair.value });
    }
    return entries;
  }

  /** The key's text; undefined: reported, and to be left out. */
  #readKey(key: unknown): string | undefined {
    if (!isScalar(key)) {
      this.#report(key, "has a key that is not plain text");
      return undefined;
    }
    const text = typeof key.value === "string" ? key.value : (key.source ?? "");
    const refusal = refuseKey(text);
    if (refusal !== undefined) {
      this.#reportEntry(key, text, refusal);
      return undefined;
    }
    if (typeof key.value !== "string") {
      this.#reportEntry(key, text, `is read as ${kindOf(key.value)}; quote it: ${JSON.stringify(text)}`);
    }
    return text;
  }

  #readEntry(entry: { container: object; segment: string | number; key?: unknown; value: unknown }): unknown {
    const { container, segment, key, value } = entry;
    const offset = offsetOf(value) ?? offsetOf(key) ?? 0;
    const written = isScalar(value) && typeof value.value !== "string" ? value.source : undefined;
    this.positions.record(container, segment, {
      key: offsetOf(key) ?? offset,
      value: offset,
      ...(written === undefined ? {} : { written }),
    });
    this.#path.push(segment);
    const read = this.read(value);
    this.#path.pop();
    return read;
  }

  /** A number that JavaScript or YAML would quietly change is taken as the text it was written as, and reported. */
  #readScalar(scalar: Scalar): unknown {
    const { value, source } = scalar;
    if (typeof value !== "number" || source === undefined) return value;
    const mangled =
      !Number.isFinite(value) || /^[-+]?0[0-9oxOX]/.test(source) || Math.abs(value) > Number.MAX_SAFE_INTEGER;
    if (!mangled) return value;
    const plain = Number.isSafeInteger(value) ? `, or write ${value}` : "";
    const fix = `quote it (${JSON.stringify(source)})${plain}`;
    this.#report(scalar, `${source} without quotes is read as the number ${value}; ${fix}`);
    return source;
  }

  #readAlias(alias: Alias): unknown {
    const target = this.#targets.get(alias) ?? this.#anchors.get(alias.source);
    if (!target) {
      this.#report(alias, `no anchor ${showValue(alias.source)} stands before this alias`);
      return undefined;
    }
    this.#targets.set(alias, target);
    if (this.#aliases++ >= MAX_ALIASES || this.#aliasedValues > MAX_ALIASED_VALUES) {
      this.#refuseAliases(alias);
      return undefined;
    }
    this.#expanding++;
    const value = this.read(target);
    this.#expanding--;
    // Also the last one: what was cut off may be a policy's restriction.
    if (this.#aliasedValues > MAX_ALIASED_VALUES) this.#refuseAliases(alias);
    return value;
  }

  /** Of the file, not of the entry: said once, and everything below lacks values. */
  #refuseAliases(alias: Alias): void {
    const message = "too many aliases (*name), or one inside of itself; write the values out";
    if (!this.#refused) this.problems.push({ path: [], message, offset: offsetOf(alias) ?? 0 });
    this.#refused = true;
  }

  #report(node: unknown, message: string): void {
    const offset = offsetOf(node);
    this.problems.push({ path: [...this.#path], message, ...(offset === undefined ? {} : { offset }) });
  }

  #reportEntry(node: unknown, key: string, message: string): void {
    const offset = offsetOf(node);
    this.problems.push({ path: [...this.#path, key], message, ...(offset === undefined ? {} : { offset }) });
  }
}

function refuseKey(key: string): string | undefined {
  if (key === "<<") return "merge keys are not supported; write the fields out, or repeat a whole value";
  return FORBIDDEN_KEYS.includes(key) ? "is not a name that can be used" : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  return `a ${typeof value === "number" || typeof value === "bigint" ? "number" : typeof value}`;
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly [number, number, number] | null } | null | undefined)?.range?.[0];
}
