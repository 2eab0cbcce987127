import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { type ProgramRun, SystemPrograms } from "../../src/system/run-program.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";

const uid = process.getuid?.() ?? 0;
let home: string;

beforeEach(() => {
  home = tempDir("programs", "input");
});

/** A shell script of ours. */
function script(lines: string, mode = 0o700): string {
  const path = join(home, "creds");
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode });
  chmodSync(path, mode);
  return path;
}

const programs = (environment: Record<string, string> = {}): SystemPrograms =>
  new SystemPrograms({ environment: { PATH: "/usr/bin:/bin", ...environment }, clock: new SystemClock(), uid });

const run = (argv: readonly string[], environment?: Record<string, string>): Promise<ProgramRun> =>
  programs(environment).run(argv);

async function outputOf(argv: readonly string[], environment?: Record<string, string>): Promise<string> {
  const ran = await run(argv, environment);
  if (ran.end !== "output") throw new Error(JSON.stringify(ran));
  return ran.output.reveal();
}

describe("a program", () => {
  it("gets its arguments as they are: no shell reads them", async () => {
    const path = script(`printf '%s|' "$@"`);
    const argv = [path, "a b", "$HOME", "`id`", ";", "*", "", "'"];

    expect(await outputOf(argv)).toBe(`${argv.slice(1).join("|")}|`);
  });

  it("is found by its name in PATH, but only in absolute parts of it", async () => {
    script("echo found");

    expect(await outputOf(["creds"], { PATH: `relative::.:${home}` })).toBe("found\n");
    expect(await run(["creds"], { PATH: "relative:." })).toMatchObject({ end: "refused" });
    expect(await run(["./creds"], { PATH: home })).toMatchObject({ end: "refused" });
  });

  it("sees the user's environment, without what is the daemon's own", async () => {
    const environment = {
      HOME: home,
      LC_ALL: "C",
      HTTPS_PROXY: "http://proxy.example.com:3128",
      CREDBROKER_HOME: home,
      CREDBROKER_PASSPHRASE_FILE: join(home, "passphrase"),
      CREDENTIALS_DIRECTORY: home,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      AWS_CONTAINER_AUTHORIZATION_TOKEN: CANARY,
    };
    const names = (await outputOf(["/usr/bin/env"], environment)).trim().split("\n");

    expect(names.map((line) => line.split("=")[0]).sort()).toEqual(["HOME", "HTTPS_PROXY", "LC_ALL", "PATH"]);
  });

  it("starts in the root directory, in which no other user can plant anything, and has no input", async () => {
    expect(await outputOf([script("pwd; cat")])).toBe("/\n");
  });

  it("that fails says so with the end of its stderr, without secrets and in one line", async () => {
    const key = `AKIA${"A".repeat(12)}WXYZ`;
    const path = script(
      `echo ${"x".repeat(400)} >&2; printf 'bad\\033[31m\\nkey ${key} secret_access_key=${canarySecretKey()}\\n' >&2; exit 3`,
    );
    const ran = await run([path]);

    expect(ran).toMatchObject({ end: "failed", reason: "ended with exit code 3" });
    const said = ran.end === "failed" ? ran.said : "";
    expect(said).toContain("key AKIA...WXYZ secret_access_key=[secret]");
    expect(said).not.toMatch(/\p{Cc}/u);
    expect(said.length).toBeLessThanOrEqual(301);
  });

  it("that prints without end is stopped", async () => {
    expect(await run([script("cat /dev/zero")])).toMatchObject({ end: "failed", reason: "printed more than 64 KiB" });
  });

  it("may complain without end", async () => {
    expect(await outputOf([script("head -c 300000 /dev/zero >&2; echo done")])).toBe("done\n");
  });

  it("that hangs is stopped after a minute, with what it started", async () => {
    const clock = new FakeClock();
    const said = join(home, "said");
    const path = script(`sleep 300 & echo $! >&2; : > ${said}; wait`);
    const running = new SystemPrograms({ environment: { PATH: "/usr/bin:/bin" }, clock, uid }).run([path]);
    await expect.poll(() => existsSync(said)).toBe(true);
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(60_000);

    const ran = await running;
    expect(ran).toMatchObject({ end: "failed", reason: "took longer than 60 s" });
    const started = Number(ran.end === "failed" ? ran.said : 0);
    expect(started).toBeGreaterThan(1);
    await expect.poll(() => isRunning(started)).toBe(false);
  });

  it("that left something running is answered for when it has ended, and what it left goes on", async () => {
    const clock = new FakeClock();
    const trace = join(home, "agent");
    const path = script(`sleep 300 & echo $! > ${trace}.new; echo done; mv ${trace}.new ${trace}`);
    const running = new SystemPrograms({ environment: { PATH: "/usr/bin:/bin" }, clock, uid }).run([path]);
    // The limit of the run, then that of its pipes, which begins at the program's exit.
    while (clock.pending < 2) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);

    const ran = await running;
    expect(ran.end === "output" ? ran.output.reveal() : ran).toBe("done\n");
    const agent = Number(readFileSync(trace, "utf8"));
    expect(isRunning(agent)).toBe(true);
    process.kill(agent, "SIGKILL");
  });

  it("ends with the daemon", async () => {
    const all = programs();
    const running = all.run([script("sleep 300")]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    all.stop();

    expect(await running).toMatchObject({ end: "failed", reason: "ended with SIGKILL" });
  });

  it("without an interpreter could not be started", async () => {
    const path = join(home, "creds");
    writeFileSync(path, "#!/no/such/interpreter\n", { mode: 0o700 });

    expect(await run([path])).toMatchObject({
      end: "failed",
      reason: "could not be started: no such file or directory",
    });
  });
});

describe("a program is not run", () => {
  const problem = async (path: string): Promise<string> => {
    const refused = await programs().check([path]);
    const ran = await run([path]);
    expect(ran).toEqual(refused === undefined ? expect.anything() : { end: "refused", ...refused });
    return refused?.problem ?? "";
  };

  it("that is not there", async () => {
    expect(await problem(join(home, "none"))).toContain("there is no program");
    expect(await problem(home)).toContain("there is no program");
  });

  it("that is not executable", async () => {
    expect(await problem(script("echo", 0o600))).toContain("is not executable");
  });

  it.each([0o722, 0o720, 0o702])("that others can write (mode %o)", async (mode) => {
    expect(await problem(script("echo", mode))).toContain("can be changed by other users");
  });

  it("that lies where others can put another one", async () => {
    const open = join(home, "open");
    mkdirSync(open);
    const path = join(open, "creds");
    writeFileSync(path, "#!/bin/sh\n", { mode: 0o700 });
    chmodSync(open, 0o777);
    expect(await problem(path)).toContain(`${open}, where`);

    chmodSync(open, 0o1777);
    expect(await programs().check([path])).toBeUndefined();
  });

  it("that is reached through a link which others can replace", async () => {
    const open = join(home, "links");
    mkdirSync(open);
    symlinkSync(script("echo"), join(open, "creds"));
    chmodSync(open, 0o777);

    expect(await problem(join(open, "creds"))).toContain("can be changed by other users");
  });

  it("that belongs to another user", async () => {
    const path = script("echo");
    const other = new SystemPrograms({ environment: { PATH: home }, clock: new SystemClock(), uid: uid + 1 });

    if (uid === 0) expect(await other.check([path])).toBeUndefined();
    else
      expect(await other.check([path])).toMatchObject({ problem: expect.stringContaining("another user") as unknown });
  });

  it("of the system's own, root's, is", async () => {
    expect(await programs().check(["env"])).toBeUndefined();
  });
});

/** A killed child of a dead parent may be a zombie until its reaper comes by. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
