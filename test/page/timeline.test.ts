import { describe, expect, it } from "vitest";
import type { RoleView } from "../../src/control-api/contract.js";
import type { SourceView } from "../../src/control-api/login-contract.js";
import { auditFacts } from "../../src/core/audit-line.js";
import { barsOf, frameOf, heightOf, ticksOf, windowOf, xOf } from "../../src/page/timeline/geometry.js";
import { HISTORY_MS, History } from "../../src/page/timeline/history.js";
import { inForce, tracksOf } from "../../src/page/timeline/tracks.js";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-03-10T12:00:00Z");
const DAY = windowOf("day", NOW);

let lineNumber = 0;
function line(told: Parameters<typeof auditFacts>[0]) {
  lineNumber++;
  return { n: lineNumber, prev: String(lineNumber), ...auditFacts(told) };
}

function fetched(role: string, at: number, until: number) {
  return line({ event: "fetch", outcome: "served", role, now: at, until: new Date(until).toISOString() });
}

function role(name: string, extra: Partial<RoleView> = {}): RoleView {
  return {
    ...{ name, source: "corp", state: "idle", roleArn: null, accountId: null, region: null, expiration: null },
    ...{ refreshAt: null, lastError: null, guard: null, ssoRoleName: null, lastRequestedAt: null, ...extra },
  };
}

function source(name: string, extra: Partial<SourceView> = {}): SourceView {
  return { name, type: "sso", state: "ready", expiresAt: null, ...extra };
}

describe("the past that the record tells", () => {
  it("is a set of credentials for each end that was served, from its first fetch on", () => {
    const history = new History();
    history.add([
      fetched("dev", NOW - 2 * HOUR, NOW - HOUR),
      fetched("dev", NOW - 1.5 * HOUR, NOW - HOUR),
      fetched("dev", NOW - HOUR, NOW),
      fetched("prod", NOW - HOUR, NOW),
    ]);
    expect(history.byRole(NOW).get("dev")).toEqual([
      { name: "dev", from: NOW - 2 * HOUR, to: NOW - HOUR },
      { name: "dev", from: NOW - HOUR, to: NOW },
    ]);
  });

  it("is the same whichever of two lines is told first", () => {
    const history = new History();
    history.add([fetched("dev", NOW - HOUR, NOW), fetched("dev", NOW - 2 * HOUR, NOW)]);
    expect(history.byRole(NOW).get("dev")).toEqual([{ name: "dev", from: NOW - 2 * HOUR, to: NOW }]);
  });

  it("forgets what ended more than a day ago, and holds no more than so many sets", () => {
    const history = new History();
    history.add([fetched("old", NOW - HISTORY_MS - 2 * HOUR, NOW - HISTORY_MS - HOUR)]);
    expect(history.byRole(NOW).has("old")).toBe(false);
    history.add(Array.from({ length: 10_000 }, (_, index) => fetched(`r${index}`, NOW - HOUR, NOW)));
    const held = history.byRole(NOW);
    expect(held.size).toBe(4000);
    expect([held.has("r0"), held.has("r9999")]).toEqual([false, true]);
  });

  it("has of a source its last login, and nothing of one that failed", () => {
    const history = new History();
    history.add([
      line({ event: "login", source: "corp", now: NOW - HOUR }),
      line({ event: "login", source: "corp", now: NOW - 3 * HOUR }),
      line({ event: "login", source: "other", outcome: "failed", now: NOW }),
    ]);
    expect([history.loginAt("corp"), history.loginAt("other")]).toEqual([NOW - HOUR, undefined]);
  });

  it("is a thousand sets of one role in their order", () => {
    const history = new History();
    const ends = Array.from({ length: 1000 }, (_, index) => NOW - index * 1000);
    history.add(ends.map((end) => fetched("dev", end - HOUR, end)));
    expect(
      history
        .byRole(NOW)
        .get("dev")
        ?.map(({ to }) => to),
    ).toEqual(ends.toReversed());
  });

  it("takes what was refused, or has no end, for no credentials", () => {
    const history = new History();
    history.add([
      line({ event: "refused", outcome: "refused", role: "dev", now: NOW }),
      line({ event: "fetch", outcome: "abandoned", role: "dev", now: NOW, until: new Date(NOW).toISOString() }),
      line({ event: "fetch", outcome: "served", role: "dev", now: NOW }),
    ]);
    expect(history.byRole(NOW).size).toBe(0);
  });
});

describe("what is drawn of it", () => {
  const setAt = (from: number, to: number) => ({ name: "dev", from, to });

  it("is each set until the next one took its place", () => {
    const sets = [setAt(0, 60), setAt(40, 100), setAt(200, 260)];
    expect(inForce(sets, 1000)).toEqual([
      { from: 0, to: 40, is: "past" },
      { from: 40, to: 100, is: "past" },
      { from: 200, to: 260, is: "past" },
    ]);
    expect(inForce(sets, 80).map(({ to }) => to)).toEqual([40, 80]);
  });

  it("puts what waits for a person first, guarded roles before others, and leaves out what is not held", () => {
    const roles = [
      role("idle"),
      role("late", { state: "ready", expiration: NOW + 2 * HOUR, issuedAt: NOW }),
      role("soon", { state: "ready", expiration: NOW + HOUR, issuedAt: NOW }),
      role("prod", {
        state: "ready",
        expiration: NOW + 3 * HOUR,
        guard: { confirm: null, reason: true, maxLeaseSeconds: 60 },
      }),
      role("failing", { state: "denied", expiration: NOW + HOUR, issuedAt: NOW - HOUR }),
    ];
    const sources = [
      source("corp", { expiresAt: NOW + HOUR }),
      source("out", { state: "login_required" }),
      source("keys"),
    ];
    const tracks = tracksOf({ roles, sources }, { history: new History(), now: NOW, window: DAY });
    expect(tracks.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "login out",
      "login corp",
      "role failing",
      "role prod",
      "role soon",
      "role late",
    ]);
  });

  it("has of a held role when it was issued, is renewed and ends, after what was held before", () => {
    const history = new History();
    history.add([fetched("dev", NOW - 3 * HOUR, NOW - 2 * HOUR), fetched("dev", NOW - 1000, NOW + HOUR)]);
    const held = role("dev", { state: "ready", issuedAt: NOW - 2000, refreshAt: NOW + 60_000, expiration: NOW + HOUR });
    const [track] = tracksOf({ roles: [held], sources: [] }, { history, now: NOW, window: DAY });
    expect(track).toMatchObject({ issuedAt: NOW - 2000, renewalAt: NOW + 60_000, endsAt: NOW + HOUR });
    expect(track?.stretches).toEqual([
      { from: NOW - 3 * HOUR, to: NOW - 2 * HOUR, is: "past" },
      { from: NOW - 2000, to: NOW + HOUR, is: "live" },
    ]);
  });

  it("calls the end of Identity Center's access token a renewal, and that of any other login its end", () => {
    const sources = [
      source("corp", { expiresAt: NOW + HOUR }),
      source("mfa", { type: "keys", expiresAt: NOW + 2 * HOUR }),
    ];
    const tracks = tracksOf({ roles: [], sources }, { history: new History(), now: NOW, window: DAY });
    expect(tracks.map(({ name, renewalAt, endsAt }) => [name, renewalAt, endsAt])).toEqual([
      ["mfa", null, NOW + 2 * HOUR],
      ["corp", NOW + HOUR, null],
    ]);
    expect(tracks[0]?.stretches).toEqual([{ from: DAY.start, to: NOW + 2 * HOUR, is: "live", openStart: true }]);
  });
});

describe("where it is drawn", () => {
  const wide = frameOf(1000);

  it("is by time between the edges, and never outside of them", () => {
    expect(xOf(DAY.start, DAY, wide)).toBe(wide.left);
    expect(xOf(DAY.end, DAY, wide)).toBe(wide.right);
    expect(xOf(NOW, DAY, wide)).toBeCloseTo(wide.left + ((wide.right - wide.left) * 24) / 36);
    expect(xOf(DAY.end + HOUR, DAY, wide)).toBe(wide.right);
  });

  it("has names above the bars where there is no space beside them, and space for each row", () => {
    const narrow = frameOf(290);
    expect([narrow.stacked, narrow.left, wide.stacked]).toEqual([true, 0, false]);
    expect(heightOf(wide, 10) - heightOf(wide, 9)).toBe(wide.rowHeight);
  });

  it("cuts bars at the edges, keeps short ones visible, and leaves out what is not in the window", () => {
    const stretches = [
      { from: DAY.start - 2 * HOUR, to: DAY.start - HOUR, is: "past" },
      { from: DAY.start - HOUR, to: DAY.start + HOUR, is: "past" },
      { from: NOW, to: NOW + 1000, is: "past" },
      { from: NOW, to: DAY.end + HOUR, is: "live" },
    ] as const;
    const bars = barsOf({ stretches }, DAY, wide);
    expect(bars.map(({ cutLeft, cutRight }) => [cutLeft, cutRight])).toEqual([
      [true, false],
      [false, false],
      [false, true],
    ]);
    expect(bars[1]?.width).toBe(3);
    expect((bars[2]?.x ?? 0) + (bars[2]?.width ?? 0)).toBeCloseTo(wide.right);
  });

  it.each([290, 700, 1000, 1300])("has labels that do not touch, on whole hours, at %i pixels", (width) => {
    const ticks = ticksOf(DAY, frameOf(width));
    const gaps = ticks.slice(1).map(({ x }, index) => x - (ticks[index]?.x ?? 0));
    expect(ticks.length).toBeGreaterThan(1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(58);
    expect(ticks.every(({ at }) => new Date(at).getMinutes() === 0)).toBe(true);
  });
});
