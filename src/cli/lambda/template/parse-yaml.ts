import { type CollectionTag, parseDocument, type ScalarTag, type Tags } from "yaml";

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
  try {
    const document = parseDocument(text, { merge: true, customTags: withFunctions, logLevel: "error" });
    const [error] = document.errors;
    return error ? { problem: firstLine(error.message) } : { value: document.toJS() as unknown };
  } catch (error) {
    return { problem: error instanceof Error ? firstLine(error.message) : "it cannot be read" };
  }
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
