import { describe, expect, it } from "vitest";
import { when as whenAtTerminal } from "../../src/cli/terminal/when.js";
import type { RoleView } from "../../src/control-api/contract.js";
import type { RequestView } from "../../src/control-api/guard-contract.js";
import type { LeaseView } from "../../src/control-api/lease-contract.js";
import { auditFacts } from "../../src/core/audit-line.js";
import { seenIn } from "../../src/page/connection/client.js";
import { KEPT_LINES, mergeLines } from "../../src/page/connection/record-lines.js";
import { type Notice, NoticeTeller, noticesOf } from "../../src/page/notices.js";
import { guardedLive } from "../../src/page/views/guarded-live.js";
import { hintParts } from "../../src/page/words/hint.js";
import { endText, leaseTitle, programText } from "../../src/page/words/leases.js";
import { filterRecord } from "../../src/page/words/record.js";
import { fixOfRole, fixOfSource, reasonOf } from "../../src/page/words/states.js";
import { distance, span, until, when } from "../../src/page/words/when.js";

const NOW = Date.parse("2026-03-10T12:00:00Z");
const MINUTE = 60_000;

const ROLE: RoleView = {
  ...{ name: "dev", source: "corp", state: "ready", roleArn: null, accountId: null, region: null, expiration: null },
  ...{ refreshAt: null, lastError: null, guard: null, ssoRoleName: null, lastRequestedAt: null },
};
const GUARD = { confirm: null, reason: true, maxLeaseSeconds: 1800 } as const;
const LEASE: LeaseView = {
  ...{ id: "abc", name: "ide", kind: "named", role: "dev", followsDefault: false, createdAt: NOW, expiresAt: null },
  ...{
    lastUsedAt: null,
    lastUsedBy: null,
    holderPid: null,
    socket: null,
    temporary: null,
    movable: false,
    grant: null,
  },
};

function line(n: number, told: Partial<Parameters<typeof auditFacts>[0]> = {}) {
  return { n, prev: `hash ${n}`, ...auditFacts({ event: "fetch", now: NOW + n, ...told }) };
}

describe("time on the page", () => {
  it("is told as the command line tells it", () => {
    for (const away of [1, 59, 119, 120, 3599, 3600, 86_399, 172_800, 400_000]) {
      for (const instant of [NOW + away * 1000, NOW - away * 1000]) {
        expect(when(instant, NOW)).toBe(whenAtTerminal(instant, NOW));
      }
    }
    expect([when(null, NOW), span(125_000), until(NOW - 1, NOW)]).toEqual([
      "-",
      "2 min",
      expect.stringContaining("(over)"),
    ]);
    expect(distance(NOW, NOW)).toBe("just now");
  });
});

describe("what fixes a state", () => {
  const sources = [
    { name: "corp", type: "sso", state: "login_required", expiresAt: null },
    { name: "cli", type: "aws_sso_cache", state: "login_required", expiresAt: null },
  ] as const;

  it("is a login where a person logs in to the source, else the command that the error names", () => {
    expect(fixOfRole({ ...ROLE, state: "login_required" }, sources)).toEqual({ by: "login", source: "corp" });
    const hint = "aws sso login --sso-session x";
    const ofCli = {
      ...ROLE,
      source: "cli",
      state: "login_required",
      lastError: { code: "LoginRequired", message: "m", hint },
    } as const;
    expect(fixOfRole(ofCli, sources)).toEqual({ by: "command", command: hint });
    expect(fixOfSource(sources[1])).toBeNull();
  });

  it("is unlock where the store is locked, a new try where an error has no hint, nothing where all is well", () => {
    expect(fixOfRole({ ...ROLE, state: "locked" }, sources)).toEqual({ by: "unlock" });
    expect(
      fixOfRole({ ...ROLE, state: "error", lastError: { code: "AwsUnreachable", message: "m" } }, sources),
    ).toEqual({
      by: "refresh",
      role: "dev",
    });
    expect([fixOfRole(ROLE, sources), reasonOf(ROLE)]).toEqual([null, null]);
    expect(fixOfSource({ name: "k", type: "keys", state: "missing_key", expiresAt: null })).toEqual({
      by: "command",
      command: "brokerctl keys add k",
    });
  });

  it("is shown as a command only where it is one", () => {
    expect(hintParts("brokerctl login corp")).toEqual({ sentence: null, command: "brokerctl login corp" });
    expect(hintParts("check the trust policy: `brokerctl whoami`")).toEqual({
      sentence: "check the trust policy",
      command: "brokerctl whoami",
    });
    expect(hintParts("did you mean dev?")).toEqual({ sentence: "did you mean dev?", command: null });
  });
});

describe("a lease in words", () => {
  it("is called by its name, else its id, and ends with its process or at its time", () => {
    expect([
      leaseTitle(LEASE),
      leaseTitle({ ...LEASE, name: null }),
      leaseTitle({ ...LEASE, kind: "default" }),
    ]).toEqual(["ide", "abc", "default lease"]);
    expect(endText(LEASE, NOW)).toBe("never");
    expect(endText({ ...LEASE, holderPid: 42 }, NOW)).toBe("with process 42");
    expect(programText({ program: "aws (python3.11)", pid: 7, cwd: "/home/me" })).toBe(
      "aws (python3.11), pid 7, in /home/me",
    );
    expect(programText({ program: null, pid: null, cwd: null })).toBe("a program that was not looked up");
  });
});

describe("what others wrote", () => {
  it("is shown without what cannot be seen, as it is or escaped, and otherwise as it is", () => {
    const cwd = "/home/me/\u202Egnp.exe\u200B\u0007";
    const shown = { program: "naïve", cwd: "/home/me/?gnp.exe??", policy: "{\n}", pid: 7, list: ["a?b"] };
    const told = { program: "naïve", cwd, policy: "{\n}", pid: 7, list: ["a\u2066b"] };
    const text = JSON.stringify(told);
    expect(seenIn(text)).toEqual(shown);
    expect(
      seenIn(text.replaceAll(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)),
    ).toEqual(shown);
    expect(seenIn('{"a":"plain","b":[1,null,true]}')).toEqual({ a: "plain", b: [1, null, true] });
  });
});

describe("the record", () => {
  it("is filtered by what happened and by any of its names, the newest first", () => {
    const lines = [
      line(1, { role: "dev", program: "terraform", lease_name: "ci" }),
      line(2, { event: "refused", outcome: "refused", code: "LeaseEnded", role: "prod" }),
      line(3, { event: "lease-created", role: "dev" }),
      line(4, { event: "login", source: "corp" }),
    ];
    const numbers = (filter: Parameters<typeof filterRecord>[1]) => filterRecord(lines, filter).map(({ n }) => n);
    expect(numbers({ group: "all", text: "" })).toEqual([4, 3, 2, 1]);
    expect(numbers({ group: "refused", text: "" })).toEqual([2]);
    expect(numbers({ group: "leases", text: "" })).toEqual([3]);
    expect(numbers({ group: "logins", text: "CORP" })).toEqual([4]);
    expect(numbers({ group: "all", text: " TerraF" })).toEqual([1]);
    expect(numbers({ group: "served", text: "prod" })).toEqual([]);
  });

  it("has no line twice, is in the order of time, and keeps the newest only", () => {
    const all = Array.from({ length: KEPT_LINES + 5 }, (_, index) => line(index + 1));
    const first = mergeLines([], all.slice(0, 10));
    expect(mergeLines(first, all.slice(5, 10))).toBe(first);
    expect(mergeLines(all.slice(5, 10), all.slice(0, 5)).map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const kept = mergeLines(first, all);
    expect([kept.length, kept[0]?.n, kept.at(-1)?.n]).toEqual([KEPT_LINES, 6, KEPT_LINES + 5]);
  });
});

describe("the banner of guarded roles", () => {
  const roles = [ROLE, { ...ROLE, name: "prod", guard: GUARD }];

  it("tells which leases have one, until the last of them gives it back", () => {
    const grant = { until: NOW + 10 * MINUTE, request: null };
    const temporary = { until: NOW + 5 * MINUTE, thenRole: "dev" };
    const leases = [
      LEASE,
      { ...LEASE, id: "a", role: "prod", grant },
      { ...LEASE, id: "b", role: "prod", grant, temporary },
    ];
    expect(guardedLive({ roles, leases }, NOW)).toMatchObject([{ role: "prod", until: NOW + 10 * MINUTE }]);
    expect(guardedLive({ roles, leases }, NOW + 7 * MINUTE)[0]?.leases.map(({ id }) => id)).toEqual(["a"]);
    expect(guardedLive({ roles, leases }, NOW + 11 * MINUTE)).toEqual([]);
  });

  it("says of one without an end that it has none", () => {
    expect(guardedLive({ roles, leases: [{ ...LEASE, role: "prod" }] }, NOW)).toMatchObject([{ until: null }]);
  });
});

describe("notices", () => {
  const request: RequestView = {
    id: "k3v7qa",
    lease: { id: "abc", label: "agent" },
    role: "prod",
    scope: "any",
    reason: "to look",
    forSeconds: 1800,
    pid: 1,
    state: "pending",
    createdAt: NOW,
    decidedAt: null,
    decidedBy: null,
    until: null,
  };

  it("are of pending requests and of logins that end soon, but not of a token that renews itself", () => {
    const sources = [
      { name: "corp", type: "sso", state: "ready", expiresAt: NOW + MINUTE },
      { name: "mfa", type: "keys", state: "ready", expiresAt: NOW + 10 * MINUTE },
      { name: "later", type: "keys", state: "ready", expiresAt: NOW + 60 * MINUTE },
      { name: "out", type: "sso", state: "login_required", expiresAt: null },
    ] as const;
    const notices = noticesOf({ sources }, [request, { ...request, id: "x", state: "denied" }], NOW);
    expect(notices.map(({ title }) => title)).toEqual([
      "agent asks for prod",
      "The login to mfa ends in 10 min",
      "out needs a login",
    ]);
    expect(notices[0]?.body).toBe("For 30m: to look");
  });

  it("are told once, and not at all where they were there before", () => {
    const told: string[] = [];
    const teller = new NoticeTeller(({ key }) => void told.push(key));
    const notice = (key: string): Notice => ({ key, title: key, body: "" });
    teller.take([notice("old")]);
    teller.take([notice("old"), notice("new")]);
    teller.take([notice("old"), notice("new")]);
    teller.take([notice("new")]);
    teller.take([notice("old"), notice("new")]);
    expect(told).toEqual(["new", "old"]);
  });
});
