import { describe, expect, it } from "vitest";
import { CLIENT_PATIENCE_MS, patienceLeft } from "../../src/core/client-patience.js";

describe("what is left of a client's patience", () => {
  it("is under a second in all, and less by what was waited, down to nothing", () => {
    expect(CLIENT_PATIENCE_MS).toBeLessThan(1000);
    expect([0, 1, 400, 899, 900, 901].map(patienceLeft)).toEqual([900, 899, 500, 1, 0, 0]);
  });

  it("is all of it where the clock was set back meanwhile, and nothing where it was set ahead", () => {
    expect([-3_600_000, 3_600_000].map(patienceLeft)).toEqual([900, 0]);
  });
});
