import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  type YAMLError,
  YAMLParseError,
} from "yaml";
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES } from "../core/config-size.js";
import type { ConfigProblem } from "./check/config-problem.js";
import { maskSecrets } from "./check/show-value.js";
import { FieldPositions } from "./field-positions.js";
import { readYamlTree } from "./yaml-tree.js";

/** Brackets inside of brackets: the YAML composer recurses and slows down with each. */
const MAX_FLOW_DEPTH = 64;

/** A config's text read as one YAML map: plain values, their places, and what is wrong so far. */
export interface YamlReading {
  /** Absent where the text could not be read as one map at all; then `problems` says why. */
  readonly root?: Readonly<Record<string, unknown>>;
  readonly document?: Document.Parsed;
  readonly positions: FieldPositions;
  readonly lines: LineCounter;
  readonly problems: readonly ConfigProblem[];
}

/** Reads YAML 1.2 (core schema) strictly. Never throws, however hostile the text. */
export function readYaml(text: string): YamlReading {
  const lines = new LineCounter();
  const refused = refuseText(text);
  if (refused !== undefined) return unreadable([{ path: [], message: refused, offset: 0 }], lines);

  const parsed = parse(text, lines);
  if ("refused" in parsed) return unreadable([{ path: [], message: parsed.refused, offset: 0 }], lines);
  const { document } = parsed;
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return unreadable(errors.map(explainSyntax), lines);
  const version = document.directives.yaml;
  if (version.explicit === true && version.version !== "1.2") {
    return unreadable([{ path: [], message: `must be YAML 1.2, not ${version.version}`, offset: 0 }], lines);
  }
  if (!isMap(document.contents)) return unreadable([explainNoMap(document)], lines);

  const { value, positions, problems } = readYamlTree(document);
  return { root: value as Record<string, unknown>, document, positions, lines, problems };
}

function refuseText(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return CONFIG_TOO_LARGE;
  if (text.startsWith("\uFEFF")) return "starts with a byte order mark; save it as UTF-8 without BOM";
  return undefined;
}

class TooDeep extends Error {}

/** As `parseDocument` does it, and in the same pass over the text its brackets are counted. Throws TooDeep. */
function compose(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  const composer = new Composer({
    lineCounter,
    version: "1.2",
    schema: "core",
    resolveKnownTags: false,
    prettyErrors: false, // they quote the text, which may hold a misplaced secret
    uniqueKeys: false, // quadratic there; the tree reader looks itself
  });
  // There is always one, if an empty one.
  const [document, second] = composer.compose(
    tokensOf(text, lineCounter),
    true,
    text.length,
  ) as Iterable<Document.Parsed>;
  if (document && second) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], "MULTIPLE_DOCS", "more than one document"));
  }
  return document;
}

function* tokensOf(text: string, lineCounter: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  let depth = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === "[" || lexeme === "{") depth++;
    else if (lexeme === "]" || lexeme === "}") depth--;
    if (depth > MAX_FLOW_DEPTH) throw new TooDeep();
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

type Parsed = { readonly document: Document.Parsed } | { readonly refused: string };

function parse(text: string, lines: LineCounter): Parsed {
  try {
    const document = compose(text, lines);
    return document ? { document } : { refused: "is empty" };
  } catch (error) {
    if (error instanceof TooDeep) return { refused: `has brackets nested deeper than ${MAX_FLOW_DEPTH} levels` };
    // Too deep for the composer's recursion.
    if (error instanceof RangeError) return { refused: "is nested too deeply" };
    throw error;
  }
}

function unreadable(problems: readonly ConfigProblem[], lines: LineCounter): YamlReading {
  return { positions: new FieldPositions(), lines, problems };
}

/** Our wording for common mistakes; the parser's own for the rest. */
const SYNTAX_MESSAGES: Partial<Record<YAMLError["code"], string>> = {
  TAB_AS_INDENT: "a tab stands where YAML wants spaces",
  MULTIPLE_DOCS: "a second document starts here (---); a config is one",
  TAG_RESOLVE_FAILED: "tags (!name) are not supported",
};

function explainSyntax(error: YAMLError): ConfigProblem {
  const own = SYNTAX_MESSAGES[error.code];
  return {
    path: [],
    message: own ?? `not valid YAML: ${lowerFirst(maskSecrets(error.message))}`,
    offset: error.pos[0],
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function explainNoMap(document: Document.Parsed): ConfigProblem {
  const { contents } = document;
  const empty = contents === null || (isScalar(contents) && contents.value === null);
  const message = empty
    ? "is empty; `version: 1` and `secret_store` are the least it needs"
    : "must be a map of keys at its top, like `version: 1`";
  return { path: [], message, offset: contents?.range[0] ?? 0 };
}
