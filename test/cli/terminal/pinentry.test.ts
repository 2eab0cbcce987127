import { describe, expect, it, vi } from "vitest";
import { askByPinentry, type PinentryAnswer } from "../../../src/cli/terminal/pinentry.js";
import { type AtGetpin, CANCELLED, type StandInPinentry, standInPinentry, TIMED_OUT } from "../../fakes/pinentry.js";
import { FakeClock } from "../../support/fake-clock.js";

const QUESTION = { title: "credbroker: MFA code", lines: ["MFA code", "Asked by: aws"], prompt: "MFA code" };

async function ask(
  answer: AtGetpin,
  { question = QUESTION, env = {} }: { question?: typeof QUESTION; env?: Record<string, string> } = {},
): Promise<PinentryAnswer & { readonly pinentry: StandInPinentry }> {
  const pinentry = standInPinentry([answer]);
  const given = await askByPinentry(question, { program: pinentry.path, env, clock: new FakeClock() });
  return { ...given, pinentry };
}

describe("a question by pinentry", () => {
  it.each([
    [["D 123456", "OK"], "123456"],
    [["D correct %25 horse%0A", "D  battery", "OK"], "correct % horse\n battery"],
    [["S PASSWORD_FROM_CACHE", "D caf%C3%A9 é", "OK closing"], "café é"],
    [["OK"], ""],
  ])("is answered by %j", async (lines, text) => {
    expect(await ask(lines)).toMatchObject({ answer: "typed", text });
  });

  it("is not answered where the user cancels or goes away, or the program fails", async () => {
    expect(await ask(CANCELLED)).toMatchObject({ answer: "cancelled" });
    expect(await ask(TIMED_OUT)).toMatchObject({ answer: "timeout" });
    expect(await ask("end")).toMatchObject({ answer: "impossible" });
    expect(await ask(["D 123", "ERR 83918950 Inappropriate ioctl for device <Pinentry>"])).toMatchObject({
      answer: "impossible",
      why: "pinentry could not ask: Inappropriate ioctl for device <Pinentry>",
    });
  });

  it("ends with the program that hangs", async () => {
    const pinentry = standInPinentry(["hang"]);
    const clock = new FakeClock();
    const asked = askByPinentry(QUESTION, { program: pinentry.path, env: {}, clock });
    await vi.waitFor(() => expect(pinentry.asked()).toContain("GETPIN"), { timeout: 20_000 });
    await clock.advance(65_000);
    expect(await asked).toEqual({ answer: "timeout" });
  });

  it("is impossible with a program that is not there, that is no program, or that others can change", async () => {
    for (const program of ["/nonexistent/pinentry", "/etc/passwd", "/tmp"]) {
      const given = await askByPinentry(QUESTION, { program, env: {}, clock: new FakeClock() });
      expect(given).toMatchObject({ answer: "impossible" });
    }
  });

  it("has each line as one, whatever a program calls itself, and no markup", async () => {
    const lines = ["MFA code", "Asked by: aws\nOK\r\nGETPIN \u202e<b>100%</b>"];
    const { pinentry } = await ask(["OK"], { question: { ...QUESTION, lines } });
    expect(pinentry.asked().filter((line) => line.startsWith("SETDESC"))).toEqual([
      "SETDESC MFA code%0AAsked by: aws OK? GETPIN ?\u2039b\u203a100%25\u2039/b\u203a",
    ]);
    expect(pinentry.asked().filter((line) => line === "GETPIN")).toHaveLength(1);
  });

  it("fits into the protocol's line", async () => {
    const { pinentry, answer } = await ask(["D 1", "OK"], { question: { ...QUESTION, lines: ["%é".repeat(2000)] } });
    const longest = Math.max(...pinentry.asked().map((line) => Buffer.byteLength(line)));
    expect([answer, longest < 1000, longest > 900]).toEqual(["typed", true, true]);
  });

  it("gives the program a screen, and neither keys nor tokens nor code to load", async () => {
    const env = { DISPLAY: ":7", GPG_TTY: "/dev/pts/9", TERM: "xterm" };
    const others = {
      AWS_SECRET_ACCESS_KEY: "x",
      LD_PRELOAD: "",
      GTK_MODULES: "x",
      CREDBROKER_HOME: "/x",
      PATH: "/evil",
    };
    const { pinentry } = await ask(["OK"], { env: { ...env, ...others } });
    expect(pinentry.started().argv).toEqual([]);
    expect(pinentry.started().env).toMatchObject({ DISPLAY: ":7", TERM: "xterm" });
    expect(Object.keys(others).filter((name) => name !== "PATH" && name in pinentry.started().env)).toEqual([]);
    expect(pinentry.started().env["PATH"]).not.toContain("/evil");
    expect(pinentry.asked()).toContain("OPTION ttyname=/dev/pts/9");
  });
});
