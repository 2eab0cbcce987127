import { beforeEach, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../src/audit/audit-event.js";
import type { NoticeSetting } from "../../src/config/config.js";
import type { SessionNotice } from "../../src/control/control-services.js";
import { BrokerError } from "../../src/core/errors.js";
import type { Role, Source } from "../../src/core/role.js";
import type { RoleSnapshot } from "../../src/credentials/credentials-registry.js";
import type { SourceReadiness } from "../../src/credentials/sources/source-provider.js";
import { SessionEnds } from "../../src/daemon/session-ends.js";
import { FakeDesktopNotices } from "../fakes/fake-desktop-notices.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";
import { keysSource, roleOn } from "../support/roles.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const MFA = "arn:aws:iam::111111111111:mfa/me";
const sso = (name: string): Source => ({
  ...{ type: "sso", name, startUrl: "https://corp.awsapps.com/start", ssoRegion: "eu-west-1" },
  ...{ registrationScopes: ["sso:account:access"], stsRegion: "eu-west-1" },
});
const corp = sso("corp");
const second = sso("second");
const mfa: Source = { ...keysSource("ops"), mfaSerial: MFA };
const plain = keysSource("plain");
const ofCli: Source = {
  type: "aws_sso_cache",
  name: "cli",
  session: { ssoSession: "my corp" },
  stsRegion: "eu-west-1",
};

let clock: FakeClock;
let desktop: FakeDesktopNotices;
let setting: NoticeSetting;
let sources: Source[];
let used: Role[];
let states: Map<string, SourceReadiness | BrokerError>;
let ends: SessionEnds;
let record: AuditEvent[];
let log: LogLine[];

beforeEach(() => {
  clock = new FakeClock();
  desktop = new FakeDesktopNotices();
  setting = "on";
  sources = [corp, mfa];
  used = [roleOn(corp, "dev"), roleOn(mfa, "prod")];
  states = new Map();
  record = [];
  log = [];
  ends = new SessionEnds({
    ...{ clock, desktop, logger: memoryLogger(log) },
    audit: { record: (event) => void record.push(event) },
    sources: () => sources,
    setting: () => setting,
    readiness: async ({ name }) => {
      const state = states.get(name) ?? { needs: undefined, expiresAt: undefined };
      return state instanceof BrokerError ? Promise.reject(state) : Promise.resolve(state);
    },
    roles: () => used.map(inUse),
  });
});

/** As the registry shows a role that a client asks for, with what it holds. */
function inUse(role: Role): RoleSnapshot {
  const held =
    heldUntil === undefined
      ? undefined
      : {
          credentials: { accessKeyId: "ASIA0000000000000001", expiration: heldUntil } as never,
          receivedAt: heldUntil - HOUR,
        };
  return { role, held, refreshing: false, refreshAt: undefined, error: undefined, lastRequestedAt: clock.now() };
}
let heldUntil: number | undefined;
beforeEach(() => {
  heldUntil = undefined;
});

const at = (instant: number): string => {
  const date = new Date(instant);
  const time = date.toTimeString().slice(0, 5);
  return date.toDateString() === new Date(clock.now()).toDateString() ? time : `${time} (${date.toDateString()})`;
};
const good = (name: string, end?: number, since = clock.now()): void =>
  void states.set(name, {
    ...{ needs: undefined, expiresAt: undefined },
    ...(end !== undefined && { end: { at: end, since } }),
  });
const needed = (name: string, needs: SourceReadiness["needs"] = "LoginRequired"): void =>
  void states.set(name, { needs, expiresAt: undefined });
const shown = (): readonly string[] => desktop.shown.map(({ title, text }) => `${title} | ${text}`);

/** Sweeps as brokerd does, every 15 s, for this long. */
async function pass(ms: number): Promise<void> {
  for (const end = clock.now() + ms; clock.now() < end; await clock.advance(15_000)) await ends.sweep();
}

describe("the end of a login", () => {
  it("is told once, 15 minutes ahead, with its time and the command that renews it", async () => {
    const end = clock.now() + 8 * HOUR;
    good("corp", end);
    await pass(8 * HOUR - 15 * MINUTE - 30_000);
    expect(shown()).toEqual([]);
    await pass(5 * MINUTE);
    expect(shown()).toEqual([
      `credbroker: the login of corp ends at ${at(end)}, in 15 min | brokerctl login corp --force`,
    ]);
    await pass(10 * MINUTE);
    needed("corp");
    await pass(HOUR);
    expect(shown()).toHaveLength(1);
    expect(record).toMatchObject([{ event: "notice", outcome: "done", source: "corp", until: end }]);
  });

  it("is told in the last quarter of one that is short, not as soon as a person has logged in", async () => {
    good("ops", clock.now() + 16 * MINUTE);
    await pass(11 * MINUTE);
    expect(shown()).toEqual([]);
    await pass(2 * MINUTE);
    expect(shown()).toHaveLength(1);
    expect(shown()[0]).toMatch(/^credbroker: the MFA session of ops ends at .* \| brokerctl login ops --force$/);
  });

  it("is told of the next login too", async () => {
    for (let day = 0; day < 3; day++) {
      good("corp", clock.now() + 8 * HOUR);
      await pass(8 * HOUR);
    }
    expect(shown()).toHaveLength(3);
  });

  it("that is not known ahead is told when it is over, with how long programs are still served", async () => {
    good("corp");
    await pass(MINUTE);
    heldUntil = clock.now() + 50 * MINUTE;
    needed("corp");
    const served = heldUntil - MINUTE;
    await pass(HOUR);
    expect(shown()).toEqual([
      `credbroker: the login of corp has ended; what it gave is served until ${at(served)} | brokerctl login corp`,
    ]);
  });

  it("that was slept over is told at the wake, once", async () => {
    good("ops", clock.now() + HOUR);
    await pass(MINUTE);
    clock.jump(9 * HOUR);
    needed("ops", "MfaRequired");
    await pass(HOUR);
    expect(shown()).toEqual(["credbroker: the MFA session of ops has ended | brokerctl login ops"]);
  });

  it("is told once for all the sources that share it", async () => {
    sources = [corp, second];
    used = [roleOn(second, "dev")];
    good("corp", clock.now() + 10 * MINUTE, 0);
    await pass(MINUTE);
    expect(shown()).toHaveLength(1);
    expect(shown()[0]).toContain("the login of corp, second ends");
  });

  it("has the AWS CLI's own command where the login is the AWS CLI's", async () => {
    sources = [ofCli];
    used = [roleOn(ofCli, "dev")];
    good("cli");
    await pass(MINUTE);
    needed("cli");
    await pass(MINUTE);
    expect(shown()).toEqual(["credbroker: the login of cli has ended | aws sso login --sso-session 'my corp'"]);
  });
});

describe("a person is not told of a login", () => {
  const end = (): void => good("corp", clock.now() + MINUTE, 0);

  it("that no program used", async () => {
    used = [roleOn(mfa, "prod")];
    end();
    await pass(MINUTE);
    needed("corp");
    await pass(MINUTE);
    expect(record).toEqual([]);
  });

  it("that was needed all the time, as far as this brokerd knows", async () => {
    needed("corp");
    await pass(HOUR);
    expect(record).toEqual([]);
  });

  it("that a person ended, by a logout or by a lock", async () => {
    good("corp");
    good("ops");
    await pass(MINUTE);
    // It takes its time, and is looked at meanwhile.
    const loggedOut = await ends.byPerson("corp", async () => {
      await pass(MINUTE);
      needed("corp");
      await pass(MINUTE);
      return "logged out";
    });
    expect(loggedOut).toBe("logged out");
    states.set("ops", new BrokerError("StoreLocked", "the store is locked"));
    await pass(MINUTE);
    needed("ops", "MfaRequired");
    await pass(HOUR);
    expect(record).toEqual([]);
  });

  it("that is there again after a moment in which it could not be read", async () => {
    good("corp", clock.now() + 10 * MINUTE, 0);
    await pass(MINUTE);
    states.set("corp", new BrokerError("StoreUnavailable", "the disk does not answer"));
    await pass(MINUTE);
    good("corp", clock.now() + 8 * MINUTE, 0);
    await pass(MINUTE);
    expect(record).toHaveLength(1);
  });

  it("where the source takes none, needs a key or a program, or is not in the config any more", async () => {
    sources = [plain, corp];
    used = [roleOn(plain, "dev"), roleOn(corp, "dev")];
    good("plain", clock.now() + MINUTE, 0);
    good("corp");
    await pass(MINUTE);
    needed("corp", "KeyMissing");
    await pass(MINUTE);
    sources = [plain];
    needed("corp");
    await pass(MINUTE);
    expect(record).toEqual([]);
  });
});

describe("the setting", () => {
  const watch = (): SessionNotice[] => {
    const told: SessionNotice[] = [];
    ends.watch((notice) => told.push(notice));
    return told;
  };

  it.each([
    ["on", 1, 1],
    ["terminal", 0, 1],
    ["off", 0, 0],
  ] as const)(
    "%s shows %i on the desktop and %i on terminals; the log and the record have it",
    async (to, onDesktop, onTerminal) => {
      setting = to;
      const told = watch();
      good("corp", clock.now() + 10 * MINUTE, 0);
      await pass(HOUR);
      expect([desktop.shown.length, told.length]).toEqual([onDesktop, onTerminal]);
      for (const { sources: names, text } of told) {
        expect([...names]).toEqual(["corp"]);
        expect(text).toMatch(/^the login of corp ends at .*, in 10 min: brokerctl login corp --force$/);
      }
      expect(record).toHaveLength(1);
      expect(log.filter(({ message }) => message.endsWith(": brokerctl login corp --force"))).toHaveLength(1);
    },
  );

  it("on, without a desktop, leaves a line in the log and nothing else", async () => {
    desktop.problem = "there is no program notify-send in the daemon's PATH";
    good("corp", clock.now() + 10 * MINUTE, 0);
    await pass(MINUTE);
    expect(log.filter(({ message }) => message === "no notice on the desktop")).toMatchObject([
      { level: "info", fields: { reason: desktop.problem } },
    ]);
  });

  it("leaves who does not watch any more alone", async () => {
    const told: SessionNotice[] = [];
    const stop = ends.watch((notice) => told.push(notice));
    stop();
    good("corp", clock.now() + 10 * MINUTE, 0);
    await pass(MINUTE);
    expect(told).toEqual([]);
  });
});

describe("a reminder", () => {
  const tomorrow = (): number => clock.now() + 24 * HOUR;

  it("says that the login is needed, or ends before the next reminder, used or not", async () => {
    used = [];
    needed("corp");
    expect(await ends.remind("corp", tomorrow())).toBe("the login of corp is needed: brokerctl login corp");
    good("ops", clock.now() + 9 * HOUR);
    expect(await ends.remind("ops", tomorrow())).toMatch(
      /^the MFA session of ops ends at .*, in 9 h: brokerctl login ops --force$/,
    );
    expect(shown()).toHaveLength(2);
  });

  it("says nothing of a login that lives longer, or whose end is not known", async () => {
    good("corp");
    good("ops", clock.now() + 25 * HOUR);
    expect([await ends.remind("corp", tomorrow()), await ends.remind("ops", tomorrow())]).toEqual([
      undefined,
      undefined,
    ]);
    expect(record).toEqual([]);
  });

  it("does not stand for the notice before the end", async () => {
    good("ops", clock.now() + 2 * HOUR);
    await ends.remind("ops", tomorrow());
    await pass(2 * HOUR);
    expect(shown()).toHaveLength(2);
  });

  it("fails where the store is locked or the source is gone", async () => {
    states.set("corp", new BrokerError("StoreLocked", "the store is locked"));
    expect(await brokerErrorOf(() => ends.remind("corp", tomorrow()))).toMatchObject({ code: "StoreLocked" });
    expect(await brokerErrorOf(() => ends.remind("gone", tomorrow()))).toMatchObject({ code: "ConfigInvalid" });
  });
});
