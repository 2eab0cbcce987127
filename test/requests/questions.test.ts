import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.js";
import { Confirmations } from "../../src/requests/confirmations.js";
import { type Question, Questions } from "../../src/requests/questions.js";
import { FakeDialogs } from "../fakes/fake-dialogs.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock, settle } from "../support/fake-clock.js";

const QUESTION: Question = {
  role: "prod",
  account: "111111111111",
  asker: "lease agent",
  reason: "deploy",
  seconds: 1800,
};
const MINUTE = 60_000;

function fixture() {
  const clock = new FakeClock();
  const dialogs = new FakeDialogs();
  const isPassphrase = async (passphrase: Secret): Promise<boolean> => passphrase.reveal() === "the right one";
  return { clock, dialogs, questions: new Questions({ clock, dialogs, isPassphrase }) };
}

const refusal = async (act: () => Promise<unknown>): Promise<string> => {
  const { code, message } = await brokerErrorOf(act);
  expect(code).toBe("GuardRefused");
  return message;
};

describe("a question of a guard", () => {
  it("without confirm is not asked; at the terminal the CLI asks and says so", async () => {
    const { questions, dialogs } = fixture();

    expect(await questions.ask(undefined, QUESTION, { who: "a" })).toBe("done");
    expect(await questions.ask("terminal", QUESTION, { who: "a" })).toBe("terminal");
    expect(await questions.ask("terminal", QUESTION, { who: "a", confirmed: true })).toBe("done");
    expect(dialogs.shown).toEqual([]);
  });

  it("on the desktop is answered there: what the CLI says counts for nothing", async () => {
    const { questions, dialogs } = fixture();

    expect(await refusal(() => questions.ask("desktop", QUESTION, { who: "a", confirmed: true }))).toContain("was no");
    dialogs.answer = { answer: "yes" };
    expect(await questions.ask("desktop", QUESTION, { who: "b" })).toBe("done");
    expect(dialogs.shown[1]?.lines.join("\n")).toMatch(/prod \(account 111111111111\).*lease agent.*30 min.*deploy/s);
  });

  it("that is not answered in time is a no, and one that cannot be shown is told as that", async () => {
    const { questions, dialogs } = fixture();
    dialogs.answer = { answer: "timeout" };
    expect(await refusal(() => questions.ask("desktop", QUESTION, { who: "a" }))).toContain("not answered in time");
    dialogs.answer = { answer: "impossible", why: "there is no screen", hint: "brokerctl unlock" };
    expect(await refusal(() => questions.ask("desktop", QUESTION, { who: "b" }))).toContain("there is no screen");
  });

  it("waits a minute after a no, for the same asker, also when the clock is set back", async () => {
    const { questions, dialogs, clock } = fixture();
    const ask = (who: string): Promise<unknown> => questions.ask("desktop", QUESTION, { who });
    await refusal(() => ask("a"));
    dialogs.answer = { answer: "yes" };

    expect(await refusal(() => ask("a"))).toContain("ask again in 60 s");
    clock.jump(-10 * MINUTE);
    await clock.advance(MINUTE);
    expect(await ask("b")).toBe("done");
    clock.jump(10 * MINUTE);
    expect(await ask("a")).toBe("done");
    expect(dialogs.shown).toHaveLength(3);
  });

  it("is one at a time, ten an hour from one asker and forty in all", async () => {
    const { questions, dialogs, clock } = fixture();
    dialogs.answer = { answer: "yes" };
    let decide = (): void => undefined;
    dialogs.thinking = new Promise<void>((resolve) => (decide = resolve));
    const first = questions.ask("desktop", QUESTION, { who: "a" });
    expect(await refusal(() => questions.ask("desktop", QUESTION, { who: "b" }))).toContain("question about prod open");
    decide();
    await first;

    for (let asked = 1; asked < 10; asked++) await questions.ask("desktop", QUESTION, { who: "a" });
    expect(await refusal(() => questions.ask("desktop", QUESTION, { who: "a" }))).toContain("10 times");
    for (let asked = 0; asked < 30; asked++) await questions.ask("desktop", QUESTION, { who: `lease-${asked}` });
    expect(await refusal(() => questions.ask("desktop", QUESTION, { who: "fresh" }))).toContain("40 questions");
    await clock.advance(60 * MINUTE);
    expect(await questions.ask("desktop", QUESTION, { who: "fresh" })).toBe("done");
  });

  it("for the passphrase is checked here, one at a time, and wrong ones do not keep out who has the right one", async () => {
    let underWay = 0;
    const isPassphrase = async (passphrase: Secret): Promise<boolean> => {
      expect(++underWay).toBe(1);
      await settle();
      underWay--;
      return passphrase.reveal() === "the right one";
    };
    const questions = new Questions({ clock: new FakeClock(), dialogs: new FakeDialogs(), isPassphrase });
    const ask = (text?: string): Promise<unknown> =>
      questions.ask("passphrase", QUESTION, {
        who: "a",
        confirmed: true,
        passphrase: text === undefined ? undefined : new Secret(text),
      });

    expect(await ask()).toBe("passphrase");
    expect(await refusal(() => ask("wrong"))).toContain("passphrase is wrong");
    const guesses = Array.from({ length: 50 }, () => refusal(() => ask("wrong")));
    expect(await ask("the right one")).toBe("done");
    expect(new Set(await Promise.all(guesses))).toEqual(new Set(["the passphrase is wrong"]));
  });
});

describe("a yes", () => {
  const SAID = { role: "prod", digest: "a".repeat(64), target: "lease-1", until: 30 * MINUTE };

  it("is good for what it was said to and for nothing else", () => {
    const clock = new FakeClock();
    const until = clock.now() + 30 * MINUTE;
    const confirmations = new Confirmations(clock);
    const text = confirmations.keep({ ...SAID, until });
    const { role, digest, target } = SAID;

    expect(confirmations.find(text, { role, digest, target })?.until).toBe(until);
    expect(confirmations.find(undefined, { role, digest, target })).toBeUndefined();
    expect(confirmations.find(`${text.slice(0, -1)}_`, { role, digest, target })).toBeUndefined();
    expect(confirmations.find(text, { role: "admin", digest, target })).toBeUndefined();
    expect(confirmations.find(text, { role, digest: "b".repeat(64), target })).toBeUndefined();
    expect(confirmations.find(text, { role, digest, target: "default" })).toBeUndefined();
  });

  it("is forgotten after five minutes, and when the clock jumps", async () => {
    const clock = new FakeClock();
    const confirmations = new Confirmations(clock);
    const keep = (): string => confirmations.keep({ ...SAID, until: clock.now() + 30 * MINUTE });
    const [first, second] = [keep(), keep()];

    clock.jump(-6 * MINUTE);
    expect(confirmations.find(second, SAID)).toBeUndefined();
    clock.jump(6 * MINUTE);
    await clock.advance(5 * MINUTE);
    expect(confirmations.find(first, SAID)).toBeUndefined();
  });
});
