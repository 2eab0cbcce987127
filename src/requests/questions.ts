import { quotedReason } from "../core/access-request.js";
import { BrokerError } from "../core/errors.js";
import type { Guard } from "../core/guard.js";
import type { Secret } from "../core/secret.js";
import { Mutex } from "../core/serial.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import type { Dialog, Dialogs } from "../system/desktop-dialog.js";
import { AskLimits } from "./limits.js";

/** What the person is shown: all that decides. */
export interface Question {
  readonly role: string;
  readonly account: string | null;
  /** What narrows it, a line each; absent: nothing. */
  readonly scope?: readonly string[];
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
    if (confirm === "passphrase") return by.passphrase ? this.#check(by.passphrase, question) : "passphrase";
    this.#takeTurn(question, by.who);
    try {
      await this.#show(question, by.who);
      return "done";
    } finally {
      this.#open = undefined;
    }
  }

  /**
   * Has the passphrase typed in a window of ours, for who asks without a terminal: first what it is for is said yes to, as for `desktop`.
   * Rejects as `ask` does; whether it is right is checked by who takes it.
   */
  async passphraseFor(question: Question, who: string): Promise<Secret> {
    this.#takeTurn(question, who);
    try {
      await this.#show(question, who);
      return await this.#typed(who, (why, hint) => refused(question.role, why, hint));
    } finally {
      this.#open = undefined;
    }
  }

  /** To open the secret store. Rejects with `StoreLocked`. */
  async passphraseToUnlock(who: string): Promise<Secret> {
    const locked = (why: string, hint: string): BrokerError =>
      new BrokerError("StoreLocked", `the secret store is locked: ${why}`, { hint });
    const problem = this.#problem(who);
    if (problem !== undefined) throw locked(problem, UNLOCK);
    this.#open = "the secret store";
    this.#limits.note(who);
    try {
      return await this.#typed(who, locked);
    } finally {
      this.#open = undefined;
    }
  }

  #takeTurn({ role }: Question, who: string): void {
    const problem = this.#problem(who);
    if (problem !== undefined) throw refused(role, problem, "answer it, or wait");
    this.#open = role;
    this.#limits.note(who);
  }

  #problem(who: string): string | undefined {
    return this.#open === undefined ? this.#limits.problem(who) : `there is a question about ${this.#open} open`;
  }

  async #typed(who: string, refuse: (why: string, hint: string) => BrokerError): Promise<Secret> {
    const typed = await this.#options.dialogs.askSecret(PASSPHRASE);
    if (typed.answer === "impossible") throw refuse(`no window can be shown: ${typed.why}`, typed.hint);
    this.#limits.answered(who, typed.answer === "given");
    if (typed.answer === "given") return typed.secret;
    throw refuse(typed.answer === "no" ? "no passphrase was given" : "no passphrase was given in time", UNLOCK);
  }

  /**
   * One after the other, each with scrypt's time, and none counted: a count would let a program of the user keep the user out by
   * wrong guesses, and would not stop it from guessing, which it can do faster from the wrapped data key.
   */
  async #check(passphrase: Secret, { role }: Question): Promise<Asked> {
    if (await this.#passphrases.run(() => this.#options.isPassphrase(passphrase))) return "done";
    throw new BrokerError("GuardRefused", "the passphrase is wrong", {
      hint: `brokerctl exec ${shellQuote(role)} -- CMD    # asks for it again`,
    });
  }

  async #show(question: Question, who: string): Promise<void> {
    const { role } = question;
    const answer = await this.#options.dialogs.ask(dialogOf(question));
    if (answer.answer === "impossible") throw refused(role, `no window can be shown: ${answer.why}`, answer.hint);
    this.#limits.answered(who, answer.answer === "yes");
    if (answer.answer === "no") throw refused(role, "the answer was no", "ask the person at the screen");
    if (answer.answer === "timeout") {
      throw refused(
        role,
        "the question was not answered in time",
        `brokerctl exec ${shellQuote(role)} -- CMD    # and look for its window`,
      );
    }
  }
}

const UNLOCK = "brokerctl unlock";
const PASSPHRASE: Dialog = { title: "credbroker", lines: ["Passphrase of the secret store of credbroker:"] };

function refused(role: string, why: string, hint: string): BrokerError {
  return new BrokerError("GuardRefused", `role ${role} is guarded: ${why}`, { hint });
}

function dialogOf({ role, account, scope = [], asker, reason, seconds }: Question): Dialog {
  return {
    title: "credbroker",
    lines: [
      `Give the AWS role ${role}${account === null ? "" : ` (account ${account})`}?`,
      ...scope.map((line, index) => (index === 0 ? `No more of it than: ${line}` : line)),
      "",
      `To: ${asker}`,
      `For: ${Math.ceil(seconds / 60)} min, as often as it asks`,
      `Reason given: ${reason === null ? "none" : quotedReason(reason)}`,
    ],
  };
}
