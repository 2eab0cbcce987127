import {
  type CollectionTag,
  type Document,
  isScalar,
  Lexer,
  parseDocument,
  type ScalarTag,
  type Tags,
  visit,
} from "yaml";

type Reading = { readonly value: unknown } | { readonly problem: string };

/** CloudFormation's functions: `!Ref X` is `{Ref: X}`, `!Sub X` `{"Fn::Sub": X}`. */
const FUNCTIONS: readonly string[] = [
  ...["Ref", "Condition", "Sub", "GetAtt", "Join", "Select", "Split", "ImportValue", "FindInMap", "GetAZs", "Base64"],
  ...["Cidr", "Transform", "If", "Equals", "Not", "And", "Or", "ToJsonString", "Length", "ForEach"],
];

/**
 * YAML as Serverless Framework and CloudFormation read it, with merge keys and CloudFormation's tags. An alias may be used, but not so that
 * a small text grows to a large value (the package's own limit). Never throws.
 */
export function parseYaml(text: string): Reading {
  if (isTooDeep(text)) return { problem: "it is nested too deep" };
  try {
    // Its own check of keys compares each with each: of a large map that takes hours.
    const document = parseDocument(text, {
      merge: true,
      customTags: withFunctions,
      logLevel: "error",
      uniqueKeys: false,
    });
    const [error] = document.errors;
    if (error) return { problem: firstLine(error.message) };
    const twice = keyTwice(document);
    if (twice !== undefined) return { problem: `a map has the key ${JSON.stringify(twice)} twice` };
    return { value: document.toJS() as unknown };
  } catch (error) {
    return { problem: error instanceof Error ? firstLine(error.message) : "it cannot be read" };
  }
}

/** Far more than a template has, and far less than what makes the parser, which calls itself for each level, end the process. */
const MAX_FLOW_DEPTH = 100;
/** Each level of the block style takes a column at least, of blanks or of `- `, in some line. */
const DEEP_LINE = /^[ \t?:-]{300}/m;
/** Stands before the text of each scalar. */
const SCALAR = "\u001f";

function isTooDeep(text: string): boolean {
  if (DEEP_LINE.test(text)) return true;
  let depth = 0;
  let before = "";
  for (const token of new Lexer().lex(text)) {
    if (before !== SCALAR) depth += token === "[" || token === "{" ? 1 : token === "]" || token === "}" ? -1 : 0;
    if (depth > MAX_FLOW_DEPTH) return true;
    before = token;
  }
  return false;
}

const MERGE = "<<";

function keyTwice(document: Document): unknown {
  let twice: unknown;
  visit(document, {
    Map: (_, { items }) => {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        const value = isScalar(key) ? key.value : key;
        if (keys.has(value) && value !== MERGE) twice = value;
        keys.add(value);
      }
      return twice === undefined ? undefined : visit.BREAK;
    },
  });
  return twice;
}

function withFunctions(tags: Tags): Tags {
  return [...tags, ...FUNCTIONS.flatMap(tagsOf)];
}

function tagsOf(name: string): readonly (ScalarTag | CollectionTag)[] {
  const key = name === "Ref" || name === "Condition" ? name : `Fn::${name}`;
  const tag = `!${name}`;
  return [
    { tag, resolve: (value) => ({ [key]: value }) },
    { tag, collection: "seq", resolve: (items) => ({ [key]: items.toJSON() as unknown }) },
    { tag, collection: "map", resolve: (map) => ({ [key]: map.toJSON() as unknown }) },
  ];
}

/** The rest quotes the text. */
function firstLine(message: string): string {
  return message.split("\n")[0] ?? "";
}
