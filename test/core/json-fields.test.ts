import { describe, expect, it } from "vitest";
import {
  count,
  fieldsOf,
  flag,
  listOf,
  matching,
  nullable,
  oneOf,
  optional,
  required,
  text,
  versionedJson,
} from "../../src/core/json-fields.js";

describe("a file that starts with its version", () => {
  it("is read where it is this version's", () => {
    expect(versionedJson('{"version":1,"more":2}', 1)).toEqual({ version: 1, more: 2 });
  });

  it.each([
    ["it is not JSON", "{secret"],
    ["version is missing", "null"],
    ["version is missing", "[]"],
    ["version is missing", "1"],
    ["version is missing", '"version"'],
    ["version is missing", "{}"],
    ["version is missing", '{"version":0}'],
    ["version is missing", '{"version":"1"}'],
    ["version is missing", '{"version":"2"}'],
    ["a newer version of credbroker wrote it", '{"version":2}'],
  ])("is refused, without its text: %s, %s", (says, json) => {
    expect(() => versionedJson(json, 1)).toThrow(says);
    expect(() => versionedJson(json, 1)).not.toThrow("secret");
  });
});

describe("the fields of an object", () => {
  const fields = fieldsOf({ a: 1, b: "x" }, "roles[0]", ["a", "b", "c"]);

  it("are read by name", () => {
    expect([required(fields, "a", count), required(fields, "b", text)]).toEqual([1, "x"]);
  });

  it("are refused where they stand, when they are missing or wrong", () => {
    expect(() => required(fields, "c", count)).toThrow("roles[0].c is missing or not valid");
    expect(() => required(fields, "b", count)).toThrow("roles[0].b is missing or not valid");
  });

  it("stay absent where they are, and are checked where they are not", () => {
    expect(optional(fields, "c", count)).toEqual({});
    expect(optional(fields, "a", count)).toEqual({ a: 1 });
    expect(() => optional(fields, "b", count)).toThrow("roles[0].b");
  });

  it("are those that are known, of an object", () => {
    expect(() => fieldsOf({ a: 1, d: 1 }, "it", ["a"])).toThrow("it has the unknown field d");
    expect(() => fieldsOf(JSON.parse('{"__proto__":1}'), "it", ["a"])).toThrow("unknown field __proto__");
    for (const other of [null, undefined, 1, "a", [], [1]]) {
      expect(() => fieldsOf(other, "it", ["a"])).toThrow("it is missing or not valid");
    }
  });

  it("may be a list, whose items are told by their place", () => {
    const list = fieldsOf({ items: [1, 2], one: 1 }, "it", ["items", "one"]);

    expect(listOf(list, "items", (value, at) => `${at}=${String(value)}`)).toEqual(["items[0]=1", "items[1]=2"]);
    expect(() => listOf(list, "one", () => 1)).toThrow("it.one");
  });
});

describe("a value", () => {
  it("is a flag", () =>
    expect([true, false, 0, "true", null].map(flag)).toEqual([true, false, undefined, undefined, undefined]));

  it("is a count: whole, not negative, and an instant that can be shown", () => {
    expect([0, 1, 8.64e15].map(count)).toEqual([0, 1, 8.64e15]);
    expect([-1, 0.5, Number.NaN, Infinity, 8.64e15 + 1, "1", null].map(count)).toEqual(Array(7).fill(undefined));
  });

  it("is a text that is neither empty nor longer than any of ours", () => {
    expect(["a", "x".repeat(2048)].map(text)).toEqual(["a", "x".repeat(2048)]);
    expect(["", "x".repeat(2049), 1, null, ["a"]].map(text)).toEqual(Array(5).fill(undefined));
  });

  it("is one of several, of a form, or null where it may be", () => {
    expect([oneOf(["a", "b"])("b"), oneOf(["a", "b"])("c")]).toEqual(["b", undefined]);
    expect(["ab", "b", 1, ["ab"]].map(matching(/^a/))).toEqual(["ab", undefined, undefined, undefined]);
    expect([nullable(count)(null), nullable(count)(1), nullable(count)("x")]).toEqual([null, 1, undefined]);
  });
});
