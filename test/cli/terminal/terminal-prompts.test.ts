import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { PassThrough } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";
import { describe, expect, it } from "vitest";
import { Interrupted } from "../../../src/cli/terminal/prompts.js";
import { createTerminalPrompts } from "../../../src/cli/terminal/terminal-prompts.js";
import { canaryPassphrase } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import { settle } from "../../support/fake-clock.js";

/** A terminal whose keys are pressed by the test. */
function terminal(size = { columns: 80, rows: 24 }) {
  const modes: boolean[] = [];
  const shown: string[] = [];
  const input = new PassThrough();
  const stdin = Object.assign(input, {
    isTTY: true,
    setRawMode(mode: boolean) {
      modes.push(mode);
      return stdin;
    },
  });
  const output = Object.assign(new PassThrough(), { isTTY: true, ...size });
  output.on("data", (chunk: Buffer) => shown.push(chunk.toString()));
  const prompts = createTerminalPrompts({
    stdin: stdin as unknown as ReadStream,
    output: output as unknown as WriteStream,
  });
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) {
      await settle();
      input.write(key);
    }
  };
  return { prompts, press, stdin: input, modes, shown: () => shown.join("") };
}

const SECRET = canaryPassphrase("typed");

describe("a secret that is typed", () => {
  it("is not echoed, and the terminal is as before afterwards", async () => {
    const { prompts, press, modes, shown } = terminal();
    const answer = prompts.secret("Passphrase");
    await press(...Array.from(SECRET), "\r");
    expect(await answer).toBe(SECRET);
    expect(shown()).toBe("Passphrase: \n");
    expect(modes).toEqual([true, false]);
  });

  it.each([
    ["a paste with its brackets", ["\u001b[200~abc\u001b[201~", "\r"], "abc"],
    ["a paste with a line end", ["abc\ndef"], "abc"],
    ["backspace, also over what is more than a byte", ["aü\u007f\u007fxy\b", "\r"], "x"],
    ["the kill key", ["wrong\u0015right", "\r"], "right"],
    ["cursor keys and other control characters", ["a\u001b[D\u0001b\u001b[3~", "\r"], "ab"],
    ["^D behind something", ["ab\u0004c", "\r"], "abc"],
    ["nothing", ["\r"], ""],
  ])("takes %s as a shell would", async (_, keys, expected) => {
    const { prompts, press } = terminal();
    const answer = prompts.secret("S");
    await press(...keys);
    expect(await answer).toBe(expected);
  });

  it.each([
    ["^C", "ab\u0003"],
    ["^D at the beginning", "\u0004"],
  ])("is given up with %s", async (_, keys) => {
    const { prompts, press, modes } = terminal();
    const answer = prompts.secret("S");
    const given = expect(answer).rejects.toBeInstanceOf(Interrupted);
    await press(keys);
    await given;
    expect(modes.at(-1)).toBe(false);
  });
});

describe("other questions", () => {
  it("echo what is typed, and leave what was pasted beyond Enter to the next, unseen where that is a secret", async () => {
    const { prompts, press, shown } = terminal();
    const id = prompts.line("Id");
    await press(`AKI\u007fIA\r\n${SECRET}\r`);
    expect(await id).toBe("AKIA");
    expect(await prompts.secret("Secret")).toBe(SECRET);
    expect(shown()).toContain("Id: AKIA\n");
    expect(shown()).not.toContain(SECRET);
  });

  it("put a letter together that arrives in two pieces", async () => {
    const { prompts, stdin } = terminal();
    const answer = prompts.line("L");
    const [first, second] = Buffer.from("ü");
    stdin.write(Buffer.from([first!]));
    await settle();
    stdin.write(Buffer.from([second!, 13]));
    expect(await answer).toBe("ü");
  });

  it("take a line", async () => {
    const { prompts, press } = terminal();
    const answer = prompts.line("Access key id");
    await press("AKIA ", "\r");
    expect(await answer).toBe("AKIA");
  });

  it.each([
    ["y", false, true],
    ["NO", true, false],
    ["", true, true],
    ["", false, false],
  ])("take %j where the default is %s as %s", async (typed, fallback, expected) => {
    const { prompts, press } = terminal();
    const answer = prompts.confirm("Log in now?", fallback);
    await press(typed, "\r");
    expect(await answer).toBe(expected);
  });

  it("are asked again until the answer is yes or no", async () => {
    const { prompts, press, shown } = terminal();
    const answer = prompts.confirm("Sure?", false);
    await press("maybe", "\r", "yes", "\r");
    expect(await answer).toBe(true);
    expect(shown().split("Sure? [y/N]").length).toBeGreaterThan(2);
  });

  it("are given up with ^C", async () => {
    const { prompts, press } = terminal();
    const given = expect(prompts.line("L")).rejects.toBeInstanceOf(Interrupted);
    await press("\u0003");
    await given;
  });

  it("offer a list that typing narrows, by letters in order", async () => {
    const { prompts, press, shown } = terminal();
    const choices = ["dev", "prod-role", "production"].map((value) => ({ value, label: value }));
    const answer = prompts.pick("Which role?", choices);
    await press("p", "d", "r", "l", "\r");
    expect(await answer).toBe("prod-role");
    expect(shown()).toContain("Which role?");
  });

  it.each([
    ["^C", ["\u0003"]],
    ["^D", ["\u0004"]],
    ["^D behind a letter", ["d", "\u0004"]],
    ["Escape", ["\u001b"]],
  ])("a list is left with %s", async (_, keys) => {
    const { prompts, press, modes } = terminal();
    const given = expect(prompts.pick("Which?", [{ value: "dev", label: "dev" }])).rejects.toBeInstanceOf(Interrupted);
    await press(...keys);
    await given;
    expect(modes.at(-1)).toBe(false);
  });

  it("a list is drawn as in a usual terminal where the terminal says 0 × 0", async () => {
    const { prompts, press, shown } = terminal({ columns: 0, rows: 0 });
    const choices = Array.from({ length: 5 }, (_, n) => ({ value: `r${n}`, label: `role-number-${n}` }));
    const answer = prompts.pick("Which role?", choices);
    await press("4", "\r");
    expect(await answer).toBe("r4");
    for (const { label } of choices) expect(shown()).toContain(label);
  });

  it.each([
    ["typed key by key", ["z", "z", "\r"]],
    ["pasted with its Enter", ["zz\r"]],
    ["with the cursor keys behind it", ["z", "\u001b[B", "\u001b[A", "\r"]],
    ["behind a choice that was marked", ["\u001b[B", "z", "\r"]],
  ])("choose nothing by Enter where nothing fits, %s, and go on", async (_, keys) => {
    const { prompts, press, shown } = terminal();
    const choices = ["dev", "prod"].map((value) => ({ value, label: value }));
    const answer = prompts.pick("Which role?", choices);
    await press(...keys);
    await settle();
    expect(shown()).toContain("nothing fits what is typed");
    await press("\u007f", "\u007f", "p", "\r");
    expect(await answer).toBe("prod");
  });
});

const BROKERCTL = resolve("dist/brokerctl.js");
const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;

/** Runs brokerctl in a real pseudo terminal; writes `keys` when it has printed `at`. */
const PTY = `
import json, os, pty, sys
steps = json.loads(sys.argv[1]); command = sys.argv[2:]
pid, fd = pty.fork()
if pid == 0: os.execvp(command[0], command)
seen = b""
try:
    while True:
        data = os.read(fd, 4096)
        if not data: break
        seen += data
        if steps and steps[0][0].encode() in seen:
            os.write(fd, steps.pop(0)[1].encode())
except OSError: pass
_, status = os.waitpid(pid, 0)
print(json.dumps({"text": seen.decode(), "exited": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None}))
`;

interface PtyResult {
  readonly text: string;
  readonly exited: number | null;
  readonly signal: number | null;
}

async function inTerminal(
  fixture: CliFixture,
  argv: readonly string[],
  steps: readonly (readonly [string, string])[],
): Promise<PtyResult> {
  const child = spawn("python3", ["-c", PTY, JSON.stringify(steps), process.execPath, BROKERCTL, ...argv], {
    env: { PATH: process.env["PATH"] ?? "", HOME: fixture.home, CREDBROKER_HOME: fixture.home, TERM: "xterm" },
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  await once(child, "close");
  return JSON.parse(stdout) as PtyResult;
}

describe.runIf(hasPython)("in a real terminal", () => {
  it("the secret of `keys add` stays unseen", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("ops");
    const secret = "CaNaRyCaNaRyTerminal".padEnd(40, "x");
    const { text, exited } = await inTerminal(
      fixture,
      ["keys", "add", "ops"],
      [
        ["Access key id for ops: ", "AKIAIOSFODNN7EXAMPLE\r"],
        ["(not shown): ", `${secret}\r`],
      ],
    );
    expect([exited, fixture.control.secrets.get("ops")]).toEqual([0, secret]);
    expect(text).not.toContain("CaNaRy");
  });

  it("^C reaches what exec runs once, and exec waits for it", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("ops").addRole("dev");
    const script =
      "let n=0;process.on('SIGINT',()=>{n++;setTimeout(()=>{console.log('interrupts='+n);process.exit(5)},300)});setTimeout(()=>{},600000);console.log('ready')";
    const { text, exited } = await inTerminal(
      fixture,
      ["exec", "dev", "--", process.execPath, "-e", script],
      [["ready", "\u0003"]],
    );
    expect(text).toContain("interrupts=1");
    expect(exited).toBe(5);
    expect(fixture.control.leases).toHaveLength(1);
  });

  it.each([
    ["^C", "\u0003"],
    ["^D", "\u0004"],
  ])("%s in the list of `init` ends by SIGINT, and nothing was written", async (_, key) => {
    const fixture = await cliFixture({ listening: false });
    rmSync(fixture.configFile);
    const { signal, text } = await inTerminal(fixture, ["init"], [["your secrets?", key]]);
    expect([signal, text.includes("key_file"), existsSync(fixture.configFile)]).toEqual([2, true, false]);
  });

  it("the list of `use` is readable and takes a choice in a terminal of 0 × 0", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("ops").addRole("dev").addRole("client-production/ReadOnly");
    const { exited, text } = await inTerminal(fixture, ["use"], [["client-production/ReadOnly", "prod\r"]]);
    expect([exited, text.includes("Which role?")]).toEqual([0, true]);
    expect(fixture.control.leases.find(({ kind }) => kind === "default")?.role).toBe("client-production/ReadOnly");
  });

  it("^C at a question ends by SIGINT", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("ops").addRole("dev").needMfa("dev", "123456");
    const { signal } = await inTerminal(fixture, ["use", "dev"], [["Log in now? [Y/n]", "\u0003"]]);
    expect(signal).toBe(2);
  });

  it("a login that is missing is offered in the middle of exec, whose command then has the terminal", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("ops").addRole("dev").needMfa("dev", "123456");
    const { text, exited } = await inTerminal(
      fixture,
      ["exec", "dev", "--", "sh", "-c", "echo name?; read x; echo hello $x"],
      [
        ["Log in now? [Y/n]", "y\r"],
        ["MFA code", "123456\r"],
        ["name?", "me\n"],
      ],
    );
    expect(exited).toBe(0);
    expect(text).toContain("hello me");
  });
});
