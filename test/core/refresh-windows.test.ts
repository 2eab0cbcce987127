import { describe, expect, it } from "vitest";
import { refreshWindows } from "../../src/core/refresh-windows.js";
import { heldCredentials } from "../fakes/fake-upstream.js";

const MINUTE = 60_000;
const now = Date.parse("2026-01-01T00:00:00Z");

function left(lifetimeMs: number): { advertised: number; advisory: number; mandatory: number } {
  const windows = refreshWindows(heldCredentials({ now, lifetimeMs }));
  const end = now + lifetimeMs;
  return {
    advertised: end - windows.advertisedExpiration,
    advisory: end - windows.advisoryAt,
    mandatory: end - windows.mandatoryAt,
  };
}

describe("refresh windows", () => {
  it("of one-hour credentials leave at least 20 advertised minutes at the refresh", () => {
    expect(left(60 * MINUTE)).toEqual({ advertised: MINUTE, advisory: 24 * MINUTE, mandatory: 5 * MINUTE });
  });

  it("of twelve-hour credentials are capped at 26 and 5 minutes", () => {
    expect(left(720 * MINUTE)).toEqual({ advertised: MINUTE, advisory: 26 * MINUTE, mandatory: 5 * MINUTE });
  });

  it("of 15-minute credentials start at 6 minutes left", () => {
    expect(left(15 * MINUTE)).toEqual({ advertised: MINUTE, advisory: 6 * MINUTE, mandatory: 3 * MINUTE });
  });

  it("of 20-second credentials scale down", () => {
    expect(left(20_000)).toEqual({ advertised: 2000, advisory: 8000, mandatory: 4000 });
  });

  it("advertise whole seconds, never later than the margin allows", () => {
    const windows = refreshWindows(heldCredentials({ now: now + 123, lifetimeMs: 3_600_000 }));
    expect(windows.advertisedExpiration).toBe(now + 3_540_000);
  });

  it("of credentials that came expired lie in the past", () => {
    expect(refreshWindows(heldCredentials({ now, lifetimeMs: -5000 })).advertisedExpiration).toBeLessThan(now);
  });
});
