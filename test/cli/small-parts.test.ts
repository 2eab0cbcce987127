import { describe, expect, it } from "vitest";
import { parseDuration } from "../../src/cli/arguments/argument-values.js";
import { execExitCodeOf, exitCodeOf } from "../../src/cli/exit-codes.js";
import { formatLogLine } from "../../src/cli/terminal/log-line.js";
import { createOutput, Progress } from "../../src/cli/terminal/output.js";
import { table } from "../../src/cli/terminal/table.js";
import { isoInstant, span, when } from "../../src/cli/terminal/when.js";
import { BrokerError, type BrokerErrorCode } from "../../src/core/errors.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";

describe("durations", () => {
  it("end at a year, by the flag's name", async () => {
    expect(parseDuration("366d", "--for")).toBe(366 * 86_400);
    const error = await brokerErrorOf(() => parseDuration("367d", "--for"));
    expect([error.code, /^--for must be .* at most 366d, not '367d'/.test(error.message)]).toEqual([
      "UsageInvalid",
      true,
    ]);
  });

  it.each([
    ["90s", 90],
    ["30m", 1800],
    ["8h", 28_800],
    ["1h30m", 5400],
    ["2d", 172_800],
  ])("%s is %i seconds", (text, seconds) => {
    expect(parseDuration(text, "--for")).toBe(seconds);
  });

  it.each(["", "0m", "30", "m", "1.5h", "-5m", "30 m", "1w", "1h 30m", "30M"])(
    "refuses %j by its flag",
    async (text) => {
      const error = await brokerErrorOf(() => parseDuration(text, "--for"));
      expect(error).toMatchObject({ code: "UsageInvalid" });
      expect(error.message).toContain("--for");
      expect(error.hint).toContain("--for");
    },
  );

  it("offers every unit for a bare number: which was meant is not known", async () => {
    expect((await brokerErrorOf(() => parseDuration("30", "--for"))).hint).toBe("--for 30m (or 30s, 30h)");
  });
});

describe("exit codes", () => {
  it.each<[BrokerErrorCode, number]>([
    ["UsageInvalid", 2],
    ["ConfigInvalid", 2],
    ["RoleUnknown", 2],
    ["NotSupported", 2],
    ["FileRefused", 2],
    ["DaemonUnreachable", 3],
    ["MfaRequired", 4],
    ["LoginRequired", 4],
    ["StoreLocked", 4],
    ["AssumeRoleDenied", 5],
    ["GuardRefused", 5],
    ["AwsUnreachable", 1],
    ["Conflict", 1],
    ["InternalError", 1],
  ])("%s ends with %i", (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
  });

  it("tell a command's own failure from that of what it runs", () => {
    expect(execExitCodeOf("AwsUnreachable")).toBe(125);
    expect(execExitCodeOf("RoleUnknown")).toBe(125);
    expect(execExitCodeOf("DaemonUnreachable")).toBe(125);
    expect(execExitCodeOf("MfaRequired")).toBe(4);
    expect(execExitCodeOf("UsageInvalid")).toBe(2);
  });
});

describe("times for people", () => {
  const now = new Date(2026, 0, 2, 12, 0).getTime();

  it.each([
    [now + 42 * 60_000, "in 42 min (12:42)"],
    [now - 90_000, "90 s ago (11:58)"],
    [now + (3 * 60 + 5) * 60_000, "in 3 h 05 min (15:05)"],
    [now + 3 * 86_400_000, "in 3 d 0 h (Jan 05 12:00)"],
  ])("are relative and on the wall", (instant, text) => {
    expect(when(instant, now)).toBe(text);
  });

  it("are a dash where there is none", () => {
    expect(when(null, now)).toBe("-");
    expect(isoInstant(null)).toBeNull();
  });

  it("are whole-second UTC for machines", () => {
    expect(isoInstant(Date.parse("2026-01-01T00:00:00.999Z"))).toBe("2026-01-01T00:00:00Z");
  });

  it("never round up to an end that is not there", () => {
    expect(span(59_999)).toBe("59 s");
    expect(span(3_599_999)).toBe("59 min");
  });
});

describe("tables", () => {
  it("are columns of text without lines, ends trimmed", () => {
    expect(
      table(
        ["role", "state"],
        [
          ["dev", "ready"],
          ["prod-role", ""],
        ],
      ),
    ).toBe("ROLE       STATE\ndev        ready\nprod-role");
  });

  it("are cut where they are too wide, by what a terminal shows", () => {
    const screen = { columns: 40, colour: false };
    const long = "client-production-account/AdministratorAccess";
    const text = table(
      ["role", "state"],
      [
        [long, "ready"],
        ["顧客の本番環境のアカウントの管理者の役割", "idle"],
      ],
      screen,
    );
    expect(text.split("\n")).toEqual([
      "ROLE                               STATE",
      "client-production-account/Admini…  ready",
      "顧客の本番環境のアカウントの管理…  idle",
    ]);
    expect(table(["role", "state"], [[long, "ready"]])).toContain(long);
  });

  it("become paragraphs where little would be left of their columns", () => {
    const row = [" ", "client-production/Admin", "111111111111", "corp", "login_required", "-"];
    const text = table(["", "role", "account", "source", "state", "ends"], [row], { columns: 44, colour: false });
    expect(text.split("\n")).toEqual([
      "client-production/Admin",
      "    account 111111111111 · source corp ·",
      "    state login_required",
    ]);
  });

  it("colour states, on a screen that has colours", () => {
    const rows = [
      ["dev", "ready"],
      ["prod", "denied"],
    ];
    const text = table(["role", "state"], rows, { columns: 80, colour: true });
    expect(text).toContain("dev   \u001b[32mready\u001b[39m");
    expect(text).toContain("prod  \u001b[31mdenied\u001b[39m");
    expect(table(["role", "state"], rows, { columns: 80, colour: false })).not.toContain("\u001b");
  });

  it("keep escape sequences and line breaks of foreign text off the terminal", () => {
    expect(table(["a"], [["x\u001b[2Jy\nz"]])).toBe("A\nx?[2Jy z");
  });
});

describe("output", () => {
  const TURNED = "prod\u202eved\u202c\u200b";

  it("shows nothing that turns or hides text, in lines, errors, tables and JSON", () => {
    const { output, text } = captured({ isTTY: true });
    output.say(TURNED);
    output.warn(TURNED, TURNED);
    output.print(TURNED);
    output.error(new BrokerError("RoleUnknown", TURNED, { hint: TURNED }));
    output.print(table(["role"], [[TURNED]]));
    output.printJson({ role: TURNED });
    const all = text.stdout + text.stderr;
    expect(all).not.toMatch(/\p{Cf}/u);
    expect(all).toContain("prod?ved??");
    expect(all).toContain(String.raw`"prod\u202eved\u202c\u200b"`);

    const json = captured({ json: true });
    json.output.error(new BrokerError("RoleUnknown", TURNED));
    expect(json.text.stderr).not.toMatch(/\p{Cf}/u);
    expect(JSON.parse(json.text.stderr)).toMatchObject({ error: { message: TURNED } });
  });

  it("gives programs what was asked for as it is", () => {
    const { output, text } = captured();
    output.print(TURNED);
    expect(text.stdout).toBe(`${TURNED}\n`);
  });

  function captured({ json = false, isTTY = false, env = {} } = {}) {
    const text = { stdout: "", stderr: "" };
    const output = createOutput({
      stdout: { write: (chunk) => (text.stdout += chunk), isTTY },
      stderr: { write: (chunk) => (text.stderr += chunk), isTTY },
      env,
      json,
      clock: new FakeClock(),
    });
    return { output, text };
  }
  const error = new BrokerError("NoRole", "none \u001b]0;evil\u0007chosen", { hint: "brokerctl use ROLE" });

  it("gives errors and their fix to the user on stderr, without control characters", () => {
    const { output, text } = captured();
    output.error(error);
    expect(text).toEqual({
      stdout: "",
      stderr: "brokerctl: error: none ?]0;evil?chosen\nbrokerctl: hint: brokerctl use ROLE\n",
    });
  });

  it("gives errors as one JSON object with --json, and nothing else beside it", () => {
    const { output, text } = captured({ json: true });
    output.say("doing");
    output.warn("odd", "fix");
    output.error(error);
    expect(text.stdout).toBe("");
    expect(JSON.parse(text.stderr)).toEqual({
      error: { code: "NoRole", message: error.message, hint: "brokerctl use ROLE" },
    });
  });

  it.each([
    ["a terminal", { isTTY: true }, true],
    ["a pipe", {}, false],
    ["NO_COLOR", { isTTY: true, env: { NO_COLOR: "1" } }, false],
    ["an empty NO_COLOR", { isTTY: true, env: { NO_COLOR: "" } }, true],
    ["a dumb terminal", { isTTY: true, env: { TERM: "dumb" } }, false],
    ["FORCE_COLOR before the two", { isTTY: true, env: { FORCE_COLOR: "1", NO_COLOR: "1", TERM: "dumb" } }, true],
    ["FORCE_COLOR=0", { isTTY: true, env: { FORCE_COLOR: "0" } }, false],
    ["FORCE_COLOR in a pipe", { env: { FORCE_COLOR: "1" } }, false],
  ])("has colours or none as the terminal and the environment say: %s", (_, options, coloured) => {
    const { output, text } = captured(options);
    output.error(error);
    expect(text.stderr.includes("\u001b[31m")).toBe(coloured);
  });
});

describe("the line that says what is waited for", () => {
  const CLEAR = "\r\u001b[K";

  function watched({ enabled = true, columns = 60 } = {}) {
    const clock = new FakeClock();
    let written = "";
    const stderr = { write: (chunk: string) => (written += chunk), isTTY: true, columns };
    const progress = new Progress({ stderr, clock, enabled });
    let release: () => void = () => undefined;
    const wait = progress.during("fetching credentials of dev", () => new Promise<void>((done) => (release = done)));
    const end = async (): Promise<void> => {
      release();
      await wait;
    };
    return { clock, progress, end, text: () => written };
  }

  it("is not there within a second", async () => {
    const { clock, end, text } = watched();
    await clock.advance(999);
    await end();
    await clock.advance(5000);
    expect(text()).toBe("");
  });

  it("comes after a second, counts, and is gone when the wait is over", async () => {
    const { clock, end, text } = watched();
    await clock.advance(2000);
    const line = `${CLEAR}brokerctl: fetching credentials of dev … `;
    expect(text()).toBe(`${line}1 s${line}2 s`);
    await end();
    await clock.advance(5000);
    expect(text()).toBe(`${line}1 s${line}2 s${CLEAR}`);
  });

  it("makes way for what is written, and fits the terminal", async () => {
    const { clock, progress, end, text } = watched({ columns: 20 });
    await clock.advance(1000);
    expect(text()).toBe(`${CLEAR}brokerctl: fetchin…`);
    progress.clear();
    expect(text().endsWith(CLEAR)).toBe(true);
    await end();
  });

  it("never comes where no user watches, or another program has the terminal", async () => {
    const unseen = watched({ enabled: false });
    await unseen.clock.advance(5000);
    expect(unseen.text()).toBe("");
    const handedOver = watched();
    handedOver.progress.end();
    await handedOver.clock.advance(5000);
    expect(handedOver.text()).toBe("");
    await Promise.all([unseen.end(), handedOver.end()]);
  });
});

describe("log lines", () => {
  it("are time, level, message and fields", () => {
    const line = '{"level":"warn","time":"2026-01-01T00:00:00.000Z","pid":7,"role":"dev","n":{"a":1},"msg":"late"}';
    expect(formatLogLine(line)).toBe('2026-01-01T00:00:00.000Z warn  late role=dev n={"a":1}');
  });

  it.each(["not JSON", "[1", "null", "7"])("stay as they are when they are no objects: %s", (line) => {
    expect(formatLogLine(line)).toBe(line);
  });
});
