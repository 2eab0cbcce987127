import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Bed, codeOf, HANGS_MS, pause, withBed } from "./bed.js";
import { Verdict } from "./verdict.js";

const MINUTE = 60;
const HOUR = 3600;
/** The look at the clock comes every 5 s; a client's request looks too. */
const NOTICED_MS = 8000;

/** libfaketime, wherever Debian's architecture has put it. */
function fakeTime(): string | undefined {
  const library = "/usr/lib";
  const places = readdirSync(library).map((name) => join(library, name, "faketime", "libfaketimeMT.so.1"));
  return places.find((path) => existsSync(path));
}

/** The wall clock of brokerd alone; what counts the time that passes goes on as it was. */
class OtherClock {
  readonly #bed: Bed;
  readonly #file: string;

  constructor(bed: Bed) {
    this.#bed = bed;
    // Not in the environment: brokerd cleans that, and with it the library's own settings.
    this.#file = join(bed.broker.userHome, ".faketimerc");
    this.set(0);
  }

  /** Seconds before or behind ours; from the next look at it, which is at most two seconds away. */
  set(seconds: number): void {
    this.#bed.write(this.#file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  }

  /** Before brokerd's own command, and behind what changes the user: the library keeps a semaphore of the user's. */
  get wrapper(): readonly string[] {
    const settings = [
      `LD_PRELOAD=${fakeTime() ?? ""}`,
      "FAKETIME_CACHE_DURATION=1",
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
      "NO_FAKE_STAT=1",
    ];
    return ["env", ...settings];
  }
}

const JUMPS = [10 * MINUTE, -10 * MINUTE, HOUR, -HOUR, 12 * HOUR, -12 * HOUR];

function shown(seconds: number): string {
  const text = Math.abs(seconds) < HOUR ? `${Math.abs(seconds) / MINUTE} min` : `${Math.abs(seconds) / HOUR} h`;
  return `${seconds < 0 ? "−" : "+"}${text}`;
}

describe("the clock", () => {
  it("can be another one for brokerd here: in CI skipped counts as failed", () => expect(fakeTime()).toBeDefined());

  it.concurrent.each(JUMPS.map((jump) => [shown(jump), jump] as const))(
    "is %s off when brokerd starts: AWS's time is taken, and credentials end when AWS says",
    {
      timeout: HANGS_MS,
    },
    (name, jump) => {
      const verdict = new Verdict();
      return withBed({ verdict, name: "clock" }, async (bed) => {
        const clock = new OtherClock(bed);
        clock.set(jump);
        await bed.mustStart({ wrapper: clock.wrapper });
        await bed.makeStore();
        const access = await bed.access("dev");
        const answer = await bed.askUntil(access, ({ status }) => status === 200);
        const left = (Date.parse(answer.body["Expiration"] ?? "") - Date.now()) / 1000 - jump;
        // A minute before its end, by the clock that its clients have too.
        const holds = left > HOUR - 2 * MINUTE && left <= HOUR && bed.quick;
        verdict.conclude({
          case: `the clock is ${name} off at the start`,
          expected: "200, with an hour less the margin to live by that clock",
          got: `${codeOf(answer)}, ${Math.round(left)} s, ${bed.waited}`,
          holds,
        });
      });
    },
  );

  it.concurrent.each(JUMPS.map((jump) => [shown(jump), jump] as const))(
    "jumps by %s in mid-run: what has ended is renewed, nothing lives longer, and leases stay",
    {
      timeout: HANGS_MS,
    },
    (name, jump) => {
      const verdict = new Verdict();
      return withBed({ verdict, name: "jump" }, async (bed) => {
        const clock = new OtherClock(bed);
        await bed.mustStart({ wrapper: clock.wrapper });
        await bed.makeStore();
        const access = await bed.access("dev");
        const { token, lease } = await bed.broker.call("lease-create", { name: "ide", role: "prod" });
        const before = await bed.askUntil(access, ({ status }) => status === 200);
        clock.set(jump);
        const endsWithin = Math.abs(jump) < HOUR && jump > 0; // still valid by the new clock
        const from = Date.now();
        const codes = new Set<string>();
        while (Date.now() < from + NOTICED_MS) {
          codes.add(codeOf(await bed.ask(access, { served: endsWithin })));
          await pause(100);
        }
        const after = await bed.askUntil(access, ({ status }) => status === 200);
        const left = (Date.parse(after.body["Expiration"] ?? "") - Date.now()) / 1000 - jump;
        const isNew = after.body["AccessKeyId"] !== before.body["AccessKeyId"];
        // Noticed by then: the log says it, and renewed where the old one's end cannot be right any more.
        const mustBeNew = !endsWithin;
        const ide = await bed.broker.call("lease-access", { lease: { by: "name", name: "ide" } });
        verdict.look(
          "lost",
          ide.token === token && ide.lease.id === lease.id ? undefined : "the lease has another token",
        );

        const allowed = [...codes].every((code) => code === "200" || code === "503 CredentialsPending");
        verdict.conclude({
          case: `the clock jumps by ${name}`,
          expected: `${mustBeNew ? "renewed" : "served on"}, at most an hour to live, only 200 or 503`,
          got: `${[...codes].join()}, ${isNew ? "renewed" : "as before"}, ${Math.round(left)} s left, ${bed.waited}`,
          holds: allowed && (isNew || !mustBeNew) && left <= HOUR && left > 0 && bed.quick,
        });
      });
    },
  );

  it.concurrent("and the machine sleep for 12 h together: what ended meanwhile is renewed before it is served", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    let slept = 0;
    const aws = { clock: { now: () => Date.now() + slept } };
    return withBed({ verdict, name: "sleep", aws }, async (bed) => {
      const clock = new OtherClock(bed);
      await bed.mustStart({ wrapper: clock.wrapper });
      await bed.makeStore();
      const access = await bed.access("dev");
      await bed.askUntil(access, ({ status }) => status === 200);
      const calls = bed.aws.countOf("AssumeRole");
      process.kill(bed.pid, "SIGSTOP");
      // The library looks into its file again when more than a second has passed, counted in whole ones.
      await pause(3200);
      clock.set(12 * HOUR);
      slept = 12 * HOUR * 1000;
      process.kill(bed.pid, "SIGCONT");
      const first = await bed.askUntil(access, ({ status }) => status === 200);
      const made = bed.aws.countOf("AssumeRole") - calls;
      verdict.conclude({
        case: "the machine sleeps for 12 h",
        expected: "served again with one call, nothing that has ended",
        got: `${codeOf(first)}, ${made} call, ${bed.waited}`,
        holds: made === 1 && bed.quick,
      });
    });
  });

  it.concurrent("and a lease of 30 days: a timer of that length would fire at once", { timeout: HANGS_MS }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "long" }, async (bed) => {
      await bed.mustStart();
      await bed.makeStore();
      const forSeconds = 30 * 24 * HOUR;
      const { leaseUrl } = await bed.broker.call("lease-create", { name: "month", role: "dev", forSeconds });
      const access = { url: leaseUrl, role: "dev" };
      await bed.askUntil(access, ({ status }) => status === 200);
      await pause(16_000); // a sweep
      const after = await bed.ask(access, { served: true });
      verdict.conclude({
        case: "a lease for 30 days (longer than a timer can be)",
        expected: "200 after a sweep",
        got: codeOf(after),
        holds: after.status === 200,
        proves: ["C16"],
      });
    });
  });
});
