import { BrokerError } from "../core/errors.js";
import type { Guard } from "../core/guard.js";
import type { Secret } from "../core/secret.js";
import { Mutex } from "../core/serial.js";
import type { Clock } from "../system/clock.js";
import type { Dialog, Dialogs } from "../system/desktop-dialog.js";
import { AskLimits } from "./limits.js";

/** What the person is shown: all that decides. */
export interface Question {
  readonly role: string;
  readonly account: string | null;
  /** Who gets the role: `lease agent`, `a new lease for process 4711`. */
  readonly asker: string;
  /** null: none was given, and none is needed. */
  readonly reason: string | null;
  /** How long one yes is good. */
  readonly seconds: number;
}

/** What came with the request. */
export interface Answers {
  /** The CLI says that it has asked at the terminal. */
  readonly confirmed?: boolean | undefined;
  readonly passphrase?: Secret | undefined;
}

export interface QuestionsOptions {
  readonly clock: Clock;
  readonly dialogs: Dialogs;
  /** Whether it is the passphrase of the secret store. */
  readonly isPassphrase: (passphrase: Secret) => Promise<boolean>;
}

/** What is to be asked by the CLI before it comes again; `done`: a yes. */
export type Asked = "done" | "terminal" | "passphrase";

/** Asks a person, or has the CLI ask, as a role's guard wants it. One window at a time, and one passphrase. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #limits: AskLimits;
  readonly #passphrases = new Mutex();
  #open: string | undefined;

  constructor(options: QuestionsOptions) {
    this.#options = options;
    this.#limits = new AskLimits(options.clock);
  }

  /**
   * Rejects with `GuardRefused`: a no, no answer in time, a wrong passphrase, or asked too often. `who` is counted where a
   * window is shown: the asker's lease, by its id.
   */
  async ask(confirm: Guard["confirm"], question: Question, by: Answers & { readonly who: string }): Promise<Asked> {
    if (confirm === undefined) return "done";
    if (confirm === "terminal") return by.confirmed === true ? "done" : "terminal";
    if (confirm === "passphrase") return by.passphrase ? this.#check(by.passphrase) : "passphrase";
    this.#takeTurn(question, by.who);
    try {
      await this.#show(question, by.who);
      return "done";
    } finally {
      this.#open = undefined;
    }
  }

  #takeTurn({ role }: Question, who: string): void {
    const problem =
      this.#open === undefined ? this.#limits.problem(who) : `there is a question about ${this.#open} open`;
    if (problem !== undefined) throw refused(role, problem, "answer it, or wait");
    this.#open = role;
    this.#limits.note(who);
  }

  /**
   * One after the other, each with scrypt's time, and none counted: a count would let a program of the user keep the user out by
   * wrong guesses, and would not stop it from guessing, which it can do faster from the wrapped data key.
   */
  async #check(passphrase: Secret): Promise<Asked> {
    if (await this.#passphrases.run(() => this.#options.isPassphrase(passphrase))) return "done";
    throw new BrokerError("GuardRefused", "the passphrase is wrong", { hint: "do it again" });
  }

  async #show(question: Question, who: string): Promise<void> {
    const { role } = question;
    const answer = await this.#options.dialogs.ask(dialogOf(question));
    if (answer.answer === "impossible") throw refused(role, `no window can be shown: ${answer.why}`, answer.hint);
    this.#limits.answered(who, answer.answer === "yes");
    if (answer.answer === "no") throw refused(role, "the answer was no", "ask the person at the screen");
    if (answer.answer === "timeout") {
      throw refused(role, "the question was not answered in time", "look for the window, then do it again");
    }
  }
}

function refused(role: string, why: string, hint: string): BrokerError {
  return new BrokerError("GuardRefused", `role ${role} is guarded: ${why}`, { hint });
}

function dialogOf({ role, account, asker, reason, seconds }: Question): Dialog {
  return {
    title: "credbroker",
    lines: [
      `Give the AWS role ${role}${account === null ? "" : ` (account ${account})`}?`,
      "",
      `To: ${asker}`,
      `For: ${Math.ceil(seconds / 60)} min, as often as it asks`,
      `Reason given: ${reason ?? "none"}`,
    ],
  };
}
