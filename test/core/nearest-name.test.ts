import { describe, expect, it } from "vitest";
import { nearestName } from "../../src/core/nearest-name.js";

describe("nearestName", () => {
  it.each([
    ["stauts", "status"],
    ["lgoin", "login"],
    ["Prod", "prod"],
    ["prod-rol", "prod-role"],
    ["key", "keys"],
  ])("takes %s for %s", (typed, meant) => {
    expect(nearestName(typed, ["dev", "keys", "login", "prod", "prod-role", "status"])).toBe(meant);
  });

  it.each(["", "x", "zzzzzz", "completely-different"])("offers nothing for %j", (typed) => {
    expect(nearestName(typed, ["dev", "status"])).toBeUndefined();
  });

  it("takes the nearest of several", () => {
    expect(nearestName("proda", ["prodx1", "prod"])).toBe("prod");
  });
});
