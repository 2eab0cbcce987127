import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CommandKey } from "../../src/secrets/command-key.js";
import type { DataKeyOutcome } from "../../src/secrets/data-key.js";
import { encodeDataKey, newDataKey } from "../../src/secrets/data-key.js";
import { SystemClock } from "../../src/system/clock.js";
import { SystemPrograms } from "../../src/system/run-program.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";

const key = newDataKey();

type Environment = Readonly<Record<string, string | undefined>>;

function load(argv: readonly [string, ...string[]], environment: Environment = process.env): Promise<DataKeyOutcome> {
  return new CommandKey({ argv, programs: new SystemPrograms({ environment, clock: new SystemClock() }) }).load();
}

const shell = (script: string): Promise<DataKeyOutcome> => load(["/bin/sh", "-c", script]);
const isKey = (outcome: DataKeyOutcome): boolean => outcome.outcome === "found" && outcome.key.equals(key);

describe("a key that a command yields", () => {
  it("a key that a command yields is read as base64url or hex, with or without a line end", async () => {
    expect(isKey(await load(["printf", "%s", encodeDataKey(key)]))).toBe(true);
    expect(isKey(await load(["echo", encodeDataKey(key)]))).toBe(true);
    expect(isKey(await load(["printf", "%s\\r\\n", key.export().toString("hex")]))).toBe(true);
  });

  it("a key that a command yields comes from a program and its arguments, which no shell reads", async () => {
    const trace = join(tempDir("command"), "trace");
    expect(await load(["echo", `$(touch ${trace}); touch ${trace}`])).toMatchObject({ outcome: "unavailable" });
    expect(existsSync(trace)).toBe(false);
  });

  it.each([
    ["nothing", "true"],
    ["a secret that is no key", `echo ${CANARY}`],
    ["a key and more", `echo ${encodeDataKey(key)}; echo more`],
    ["an empty line before the key", `echo; printf %s ${encodeDataKey(key)}`],
    ["an empty line behind the key", `echo ${encodeDataKey(key)}; echo`],
  ])("a key that a command yields is unavailable where it prints %s, and the output is not told", async (_, script) => {
    const outcome = await shell(script);
    const hint = "make one with `openssl rand -hex 32` and keep it where the command finds it";
    expect(outcome).toMatchObject({ outcome: "unavailable", hint });
    expect(JSON.stringify(outcome)).not.toContain(CANARY);
    expect(JSON.stringify(outcome)).not.toContain(encodeDataKey(key));
  });

  it("a key that a command yields is locked where the command fails, naming the program but no argument or output", async () => {
    const outcome = await shell(`echo ${CANARY}; echo ${CANARY} >&2; exit 3`);
    const hint = "run the command by hand to see why, then brokerctl unlock";
    expect(outcome).toMatchObject({ outcome: "locked", hint });
    expect(JSON.stringify(outcome)).toContain("/bin/sh");
    expect(JSON.stringify(outcome)).toContain("3");
    expect(JSON.stringify(outcome)).not.toContain(CANARY);
    expect(await shell("kill -9 $$")).toMatchObject({ outcome: "locked" });
  });

  it("a key that a command yields is unavailable where there is no such program", async () => {
    expect(await load(["/no/such/program"])).toMatchObject({ outcome: "unavailable" });
    const file = join(tempDir("command"), "not-executable");
    writeFileSync(file, "", { mode: 0o600 });
    expect(await load([file])).toMatchObject({ outcome: "unavailable" });
  });

  it("a key that a command yields is locked where the command prints without end; it is stopped", async () => {
    expect(await shell("yes")).toMatchObject({ outcome: "locked" });
  });

  it("a key that a command yields is locked where the command takes longer than 30 s; it and what it started are stopped", async () => {
    const clock = new FakeClock();
    const pidFile = join(tempDir("command"), "pid");
    const script = `sh -c 'echo $$ > ${pidFile}; exec sleep 600' & wait`;
    const programs = new SystemPrograms({ environment: process.env, clock });
    const loading = new CommandKey({ argv: ["/bin/sh", "-c", script], programs }).load();
    while (!existsSync(pidFile)) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(29_999);
    expect(await Promise.race([loading, Promise.resolve("waiting")])).toBe("waiting");
    await clock.advance(1);
    // `close` comes only when the grandchild's end of the pipe is closed too.
    expect(await loading).toMatchObject({ outcome: "locked" });
  });

  it("a key that a command yields is asked for with nothing on stdin", async () => {
    expect(isKey(await shell(`cat; echo ${encodeDataKey(key)}`))).toBe(true);
  });

  it("a key that a command yields is not asked of a program that others could have replaced: what it prints opens everything", async () => {
    const directory = join(tempDir("command"), "bin");
    mkdirSync(directory);
    const program = join(directory, "key");
    writeFileSync(program, `#!/bin/sh\necho ${encodeDataKey(key)}\n`);

    chmodSync(program, 0o722);
    expect(await load([program])).toMatchObject({
      outcome: "unavailable",
      message: expect.stringContaining("can be changed by other users") as unknown,
      hint: `chmod go-w ${program}; then brokerctl restart`,
    });
    chmodSync(program, 0o700);
    chmodSync(directory, 0o777);
    expect(await load([program])).toMatchObject({ outcome: "unavailable" });
    chmodSync(directory, 0o755);
    expect(isKey(await load([program]))).toBe(true);
  });

  it("a key that a command yields is asked for outside the daemon's own directory and without the variables that are the daemon's own", async () => {
    const trace = join(tempDir("command"), "trace");
    const environment = { PATH: "/usr/bin:/bin", CREDBROKER_PASSPHRASE_FILE: "/x", AWS_CONFIG_FILE: "/dev/null" };
    const script = `(pwd; env | grep -E '^(CREDBROKER|AWS)') > ${trace}; echo ${encodeDataKey(key)}`;

    expect(isKey(await load(["/bin/sh", "-c", script], environment))).toBe(true);
    expect(readFileSync(trace, "utf8")).toBe("/\n");
  });
});
