import { describe, expect, it } from "vitest";
import { DURATION_PATTERN, LONGEST_DURATION_SECONDS, secondsOfDuration } from "../../src/core/duration.js";

describe("a duration", () => {
  it.each([
    ["90s", 90],
    ["30m", 1800],
    ["8h", 28_800],
    ["2d", 172_800],
    ["1h30m", 5400],
    ["1d0h", 86_400],
    ["007m", 420],
    ["366d", LONGEST_DURATION_SECONDS],
    ["999999999d", 86_399_999_913_600],
  ])("of %s is %i seconds", (text, seconds) => {
    expect(secondsOfDuration(text)).toBe(seconds);
    expect(DURATION_PATTERN.test(text)).toBe(true);
  });

  it.each(["", "0s", "0h0m", "30", "2w", "-1h", "1.5h", "1h 30m", "h", "1H", "1h30", "1h\n"])("is not %j", (text) => {
    expect(secondsOfDuration(text)).toBeUndefined();
  });
});
