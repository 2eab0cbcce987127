import { validateDetailed } from "node-cron";
import { describe, expect, it } from "vitest";
import { problemOfCron } from "../../src/config/cron-fields.js";
import { parseAround } from "../../src/config/parse-around.js";
import { seededRandom } from "../support/random.js";
import { HEAD, PLACE, parse } from "./config-text.js";
import { type BadConfig, describeRefusals, MARK } from "./refusals.js";

const SOURCES = `${HEAD}sources:
  corp: { type: sso, sso_start_url: "https://corp.awsapps.com/start", sso_region: eu-west-1 }
  ops-keys: { type: keys }
  mfa: { type: keys, mfa_serial: "arn:aws:iam::111111111111:mfa/me" }
`;
const schedules = (...entries: readonly string[]): string =>
  `${SOURCES}schedules:\n${entries.map((entry) => `  - ${entry}\n`).join("")}`;
const bad = (it: string, entry: string, field: string, ...says: readonly string[]): BadConfig => ({
  ...{
    it,
    text: schedules('{ cron: "0 19 * * 1-5", do: lock }', `${entry} ${MARK}`),
    field: `schedules[1]${field}`,
    says,
  },
});

describe("schedules", () => {
  it("say when, in cron's words, and what is done", () => {
    const text = schedules(
      '{ cron: "0 19 * * 1-5", do: lock }',
      '{ cron: " 0   3 1 */3 * ", do: "keys-rotate  ops-keys" }',
      '{ cron: "45 8 * JAN-jun mon,FRI", do: login-notice corp }',
      '{ cron: "*/5,1 8-20/2 29 2 7", do: login-notice mfa }',
    );
    expect(parse(text).schedules).toEqual([
      { cron: "0 19 * * 1-5", act: { do: "lock" } },
      { cron: "0 3 1 */3 *", act: { do: "keys-rotate", source: "ops-keys" } },
      { cron: "45 8 * JAN-jun mon,FRI", act: { do: "login-notice", source: "corp" } },
      { cron: "*/5,1 8-20/2 29 2 7", act: { do: "login-notice", source: "mfa" } },
    ]);
    expect(parse(SOURCES).schedules).toEqual([]);
    expect(parse(`${SOURCES}schedules:\n`).schedules).toEqual([]);
  });

  it("that are wrong are left out at a start, all of them, and told with their place; the rest is served", () => {
    const text = schedules('{ cron: "0 19 * * 1-5", do: lock }', '{ cron: "0 25 * * *", do: 7 }');
    const config = parseAround({ text, ...PLACE });
    expect(config.schedules).toEqual([]);
    expect([...config.sources.keys()]).toEqual(["corp", "ops-keys", "mfa"]);
    expect(config.leftOut).toMatchObject([{ kind: "setting", name: "schedules" }]);
    expect(config.leftOut?.[0]?.message).toMatch(
      /^schedules is not in force: .*:\d+:\d+: schedules\[1\]\.do: must be text/,
    );
  });
});

describe("a time that is taken", () => {
  it("is one that node-cron plans, and reads the same", () => {
    const random = seededRandom(1129);
    const pick = <T>(...from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const number = (min: number, max: number): number => min + Math.floor(random() * (max - min + 1));
    const part = (min: number, max: number): string => {
      const [from, to] = [number(min, max), number(min, max)].sort((a, b) => a - b) as [number, number];
      const step = pick("", `/${number(1, 9)}`);
      return pick(`*${step}`, String(from), `${from}-${to}${step}`);
    };
    const field = (min: number, max: number): string =>
      Array.from({ length: number(1, 3) }, () => part(min, max)).join(",");
    for (let time = 0; time < 2000; time++) {
      const cron = [field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7)].join(" ");
      expect([cron, problemOfCron(cron), validateDetailed(cron).valid]).toEqual([cron, undefined, true]);
    }
    for (const cron of ["0 0 1 JAN-dec mon,TUE-Sat", "59 23 31 12 7", "0 0 29 2 *"]) {
      expect([cron, problemOfCron(cron), validateDetailed(cron).valid]).toEqual([cron, undefined, true]);
    }
  });
});

const FIVE = "must be the five fields of cron, minute hour day month weekday";

describeRefusals("schedules", [
  bad("an hour that there is not", '{ cron: "0 25 * * *", do: lock }', ".cron", FIVE, 'its hour cannot be "25"'),
  bad("a weekday that there is not", '{ cron: "0 5 * * monday-funday", do: lock }', ".cron", "its weekday cannot be"),
  bad("four fields", '{ cron: "0 19 * *", do: lock }', ".cron", FIVE, 'not "0 19 * *"'),
  bad("seconds", '{ cron: "0 0 19 * * 1-5", do: lock }', ".cron", FIVE),
  bad("a name for a time", '{ cron: "@daily", do: lock }', ".cron", FIVE),
  bad("no words of cron", '{ cron: "every evening at seven o\'clock", do: lock }', ".cron", FIVE),
  bad("other characters", '{ cron: "0 19 * * $(id)", do: lock }', ".cron", FIVE),
  bad("a day that no year has", '{ cron: "0 0 31 2 *", do: lock }', ".cron", "never comes: month 2 has no day 31"),
  bad("a range that ends before it begins", '{ cron: "0 19 * * fri-mon", do: lock }', ".cron", "its weekday cannot be"),
  bad("a step of nothing", '{ cron: "*/0 * * * *", do: lock }', ".cron", 'its minute cannot be "*/0"'),
  bad("a step of one number", '{ cron: "5/10 * * * *", do: lock }', ".cron", 'its minute cannot be "5/10"'),
  bad("an empty part of a list", '{ cron: "0,,5 * * * *", do: lock }', ".cron", "its minute cannot be"),
  bad(
    "the last day of a month, which few crons know",
    '{ cron: "0 0 L * *", do: lock }',
    ".cron",
    'its day cannot be "L"',
  ),
  bad("a number for a time", "{ cron: 19, do: lock }", ".cron", "must be text, not a number"),
  bad("no time", "{ do: lock }", ".cron", "is required"),
  bad(
    "an act that there is not",
    '{ cron: "0 1 * * *", do: unlock }',
    ".do",
    'must be lock, keys-rotate SOURCE or login-notice SOURCE, not "unlock"',
    'did you mean "lock"?',
  ),
  bad("a lock of something", '{ cron: "0 1 * * *", do: lock corp }', ".do", "must be lock, keys-rotate SOURCE"),
  bad("a rotation of nothing", '{ cron: "0 1 * * *", do: keys-rotate }', ".do", "keys-rotate SOURCE"),
  bad("a rotation of two", '{ cron: "0 1 * * *", do: keys-rotate ops-keys mfa }', ".do", "keys-rotate SOURCE"),
  bad(
    "a source that there is not",
    '{ cron: "0 1 * * *", do: keys-rotate ops-kyes }',
    ".do",
    'unknown source "ops-kyes"',
    'did you mean "ops-keys"?',
  ),
  bad("a rotation of a login", '{ cron: "0 1 * * *", do: keys-rotate corp }', ".do", "is of type sso"),
  bad("a notice of no login", '{ cron: "0 1 * * *", do: login-notice ops-keys }', ".do", "takes no login"),
  bad("the same twice", '{ cron: "0  19 * * 1-5", do: lock }', "", "stands there twice"),
  bad("an unknown key", '{ cron: "0 1 * * *", do: lock, tz: UTC }', ".tz", "unknown key"),
  {
    it: "a notice where notices are off",
    text: `${SOURCES}notices: off\nschedules: [{ cron: "0 1 * * *", do: login-notice corp }] ${MARK}\n`,
    field: "schedules[0].do",
    says: ["has no effect with notices: off"],
  },
]);
