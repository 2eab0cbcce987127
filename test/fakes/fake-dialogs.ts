import type { Dialog, DialogAnswer, Dialogs } from "../../src/system/desktop-dialog.js";

/** A screen, and a person before it who gives the same answer each time. */
export class FakeDialogs implements Dialogs {
  readonly shown: Dialog[] = [];
  answer: DialogAnswer = { answer: "no" };
  /** Until it resolves, the window stays open. */
  thinking: Promise<unknown> = Promise.resolve();

  async ask(dialog: Dialog): Promise<DialogAnswer> {
    this.shown.push(dialog);
    await this.thinking;
    return this.answer;
  }
}
