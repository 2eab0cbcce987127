import { describe, expect, it } from "vitest";
import { headerFields } from "../../src/core/header-fields.js";
import { HOSTILE_NAMES } from "../support/hostile-names.js";

describe("header fields", () => {
  it("are found by their name in lower case, each value apart", () => {
    const fields = headerFields(["Host", "a", "X-Y", "1", "hOST", "b"]);

    expect({ ...fields }).toEqual({ host: ["a", "b"], "x-y": ["1"] });
  });

  it.each(HOSTILE_NAMES)("may have any name, and none is there that was not sent: %s", (name) => {
    const sent = headerFields([name, "1", name, "2"]);

    expect(sent[name.toLowerCase()]).toEqual(["1", "2"]);
    expect(Object.keys(sent)).toEqual([name.toLowerCase()]);
    expect(name in headerFields(["host", "a"])).toBe(false);
  });
});
