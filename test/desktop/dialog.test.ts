import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { type Dialog, type DialogAnswer, SystemDialogs } from "../../src/system/desktop-dialog.js";
import { tempDir } from "../support/temp-dir.js";
import { VirtualScreen } from "./screen.js";

const DIALOG: Dialog = { title: "credbroker", lines: ["Give the AWS role prod?", "", "Reason given: deploy"] };

let screen: VirtualScreen;
beforeAll(async () => {
  screen = await VirtualScreen.start();
});
afterAll(async () => screen.stop());

function dialogs(more: Partial<ConstructorParameters<typeof SystemDialogs>[0]> = {}): SystemDialogs {
  return new SystemDialogs({
    ...{ platform: "linux", clock: new SystemClock(), homeDir: "/nonexistent" },
    display: async () => ({ DISPLAY: screen.display }),
    ...more,
  });
}

async function answered(dialog: Dialog, ...keys: readonly string[]): Promise<DialogAnswer> {
  const answer = dialogs().ask(dialog);
  await screen.press(...keys);
  return answer;
}

describe("a question in a real dialog", () => {
  it("is a no for Return and for Escape: Deny is the default", async () => {
    expect(await answered(DIALOG, "Return")).toEqual({ answer: "no" });
    expect(await answered(DIALOG, "Escape")).toEqual({ answer: "no" });
  });

  it("is a yes for the other button", async () => {
    expect(await answered(DIALOG, "Tab", "Return")).toEqual({ answer: "yes" });
  });

  it.each([
    ["markup", "<b>ok</b> <span size='1'>hidden</span> & <a href='x'>y</a>"],
    ["escapes of its own", "one\\nTo: you\\t\\u0041\\\\"],
    ["what looks like a flag", "--ok-label=Deny"],
    ["a very long word", "x".repeat(300)],
  ])("is shown and denied with %s in the reason", async (_what, reason) => {
    const dialog = { ...DIALOG, lines: [...DIALOG.lines.slice(0, 2), `Reason given: ${reason}`] };

    expect(await answered(dialog, "Return")).toEqual({ answer: "no" });
  });

  it("is a no when no answer comes in time", async () => {
    expect(await dialogs({ limitMs: 1000 }).ask(DIALOG)).toEqual({ answer: "timeout" });
  });

  it("is no answer at all where the screen is not there, or not known", async () => {
    const gone = dialogs({ display: async () => ({ DISPLAY: ":4711" }) });
    expect(await gone.ask(DIALOG)).toMatchObject({
      answer: "impossible",
      why: expect.stringContaining("screen") as string,
    });
    expect(await dialogs({ display: async () => undefined }).ask(DIALOG)).toMatchObject({ answer: "impossible" });
  });

  it("is not asked with a program that root does not own, or that others could change", async () => {
    const directory = join(tempDir("dialogs"), "bin");
    mkdirSync(directory, { mode: 0o755 });
    copyFileSync("/bin/true", join(directory, "zenity"));
    chmodSync(join(directory, "zenity"), 0o777);

    expect(await dialogs({ directories: [directory] }).ask(DIALOG)).toMatchObject({
      answer: "impossible",
      why: "no dialog program is installed",
    });
  });

  it("is closed, without a yes, when brokerd ends", async () => {
    const ours = dialogs();
    const answer = ours.ask(DIALOG);
    await screen.window();
    ours.stop();

    expect(await answer).toEqual({ answer: "no" });
  });
});
