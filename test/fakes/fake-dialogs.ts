import type { Dialog, DialogAnswer, Dialogs, SecretAnswer } from "../../src/system/desktop-dialog.js";

/** A screen, and a person before it who gives the same answer each time. */
export class FakeDialogs implements Dialogs {
  readonly shown: Dialog[] = [];
  answer: DialogAnswer = { answer: "no" };
  /** What is typed where a secret is asked for. */
  typed: SecretAnswer = { answer: "no" };
  /** Until it resolves, the window stays open. */
  thinking: Promise<unknown> = Promise.resolve();

  async ask(dialog: Dialog): Promise<DialogAnswer> {
    this.shown.push(dialog);
    await this.thinking;
    return this.answer;
  }

  async askSecret(dialog: Dialog): Promise<SecretAnswer> {
    this.shown.push(dialog);
    await this.thinking;
    return this.typed;
  }
}
