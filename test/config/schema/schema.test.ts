import { describe, expect, it } from "vitest";
import { configJsonSchema } from "../../../src/config/schema/schema.js";

type Json = Readonly<Record<string, unknown>>;

/** Every schema inside of a schema, with the path that leads to it. */
function* schemasIn(value: unknown, path = ""): Generator<readonly [string, Json]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Json];
  for (const [key, inner] of Object.entries(value)) yield* schemasIn(inner, `${path}/${key}`);
}

const schema = configJsonSchema();
const schemas = [...schemasIn(schema)];

describe("the JSON Schema", () => {
  it("describes every key", () => {
    const keys = schemas.filter(([path]) => /\/properties\/[^/]+$/.test(path));

    expect(keys.length).toBeGreaterThan(25);
    expect(keys.filter(([, key]) => typeof key["description"] !== "string").map(([path]) => path)).toEqual([]);
  });

  it("closes every map of fixed keys", () => {
    const maps = schemas.filter(([, map]) => map["properties"] !== undefined);

    expect(maps.length).toBeGreaterThan(5);
    expect(maps.filter(([, map]) => map["additionalProperties"] !== false).map(([path]) => path)).toEqual([]);
  });

  it("has patterns that editors compile: with the u flag", () => {
    const patterns = schemas.map(([, inner]) => inner["pattern"]).filter((pattern) => typeof pattern === "string");

    expect(patterns.length).toBeGreaterThan(10);
    for (const pattern of patterns) expect(() => new RegExp(pattern, "u")).not.toThrow();
  });

  it("is plain JSON of draft 7", () => {
    expect(schema["$schema"]).toBe("http://json-schema.org/draft-07/schema#");
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });

  it("knows what is required and which of two keys excludes the other", () => {
    const role = schemas.find(([path]) => path.endsWith("/roles/anyOf/0/additionalProperties"))?.[1];

    expect(schema["required"]).toEqual(["version", "secret_store"]);
    expect(role?.["oneOf"]).toEqual([{ required: ["source"] }, { required: ["source_role"] }]);
  });
});
