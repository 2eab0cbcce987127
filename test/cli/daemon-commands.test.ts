import { appendFileSync, existsSync, linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { SystemProcessTable } from "../../src/system/process-identity.js";
import { acquireInstanceLock, type InstanceLock, instanceHolder } from "../../src/system/single-instance.js";
import type { SpawnedDaemon } from "../../src/system/spawn-daemon.js";
import { NOW } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { FakeClock } from "../support/fake-clock.js";

type End = Awaited<SpawnedDaemon["ended"]>;

let fixture: CliFixture;
let log: string;

beforeEach(async () => {
  fixture = await cliFixture({ listening: false });
  log = join(fixture.home, "state", "brokerd.log");
});

const running = { pid: 1, ended: new Promise<never>(() => undefined) };
/** Answers a little later. */
const launchFine = async (): Promise<SpawnedDaemon> => {
  setTimeout(() => void fixture.control.listen(), 20);
  return Promise.resolve(running);
};
const launchEnding = (end: End): (() => Promise<SpawnedDaemon>) => {
  return () => Promise.resolve({ pid: 1, ended: Promise.resolve(end) });
};

function lock(name: "brokerd.starting" | "brokerd.lock"): InstanceLock {
  const stateDir = join(fixture.home, "state");
  return acquireInstanceLock({ stateDir, pid: process.pid, processes: new SystemProcessTable(), name });
}

function daemonLock(): InstanceLock {
  return lock("brokerd.lock");
}

function holdsDaemonLock(): boolean {
  return instanceHolder({ stateDir: join(fixture.home, "state"), processes: new SystemProcessTable() }) !== undefined;
}

function logLine(fields: Record<string, unknown>, time = NOW + 1): void {
  appendFileSync(log, `${JSON.stringify({ time: new Date(time).toISOString(), ...fields })}\n`);
}

describe("a command that needs the daemon", () => {
  it("starts it, waits for it, and goes on", async () => {
    fixture.control.addRole("dev");
    const { code, stdout } = await fixture.run(["roles"], { launchDaemon: launchFine });
    expect(code).toBe(0);
    expect(stdout).toContain("dev");
  });

  it("starts one daemon for what it asks at the same time", async () => {
    let starts = 0;
    fixture.control.addRole("dev").needMfa("dev", "123456");
    const launchDaemon = (): Promise<SpawnedDaemon> => {
      starts++;
      return launchFine();
    };
    await fixture.run(["env"], { launchDaemon });
    expect(starts).toBe(1);
  });

  it("does not start it, with exit 3, when CREDBROKER_NO_AUTOSTART=1", async () => {
    const { code, stderr } = await fixture.run(["roles"], { env: { CREDBROKER_NO_AUTOSTART: "1" } });
    expect(code).toBe(3);
    expect(stderr).toContain("brokerctl start");
  });

  it("sends the user to `init` when there is no config yet", async () => {
    rmSync(fixture.configFile);
    const { code, stderr } = await fixture.run(["roles"]);
    expect(code).toBe(2);
    expect(stderr).toContain("brokerctl init");
  });

  it.each([
    ["status", ["status"], 3],
    ["stop", ["stop"], 0],
    ["logs", ["logs"], 1],
    ["config path", ["config", "path"], 0],
  ])("is none of: %s", async (_, argv, code) => {
    expect(await fixture.run(argv)).toMatchObject({ code });
  });
});

describe("a daemon that ends at its start", () => {
  it("is told with what its log says, its code and its hint", async () => {
    logLine({ level: "error", msg: "not started: an old problem" }, NOW - 60_000);
    logLine({ level: "info", msg: "starting" });
    logLine({ level: "error", msg: "not started: port 9171 is taken", code: "Conflict", hint: "end that process" });
    const launchDaemon = launchEnding({ code: 1, signal: null });
    const { code, stderr } = await fixture.run(["start"], { launchDaemon });
    expect(code).toBe(1);
    expect(stderr).toBe(
      "brokerctl: error: brokerd could not start: port 9171 is taken\nbrokerctl: hint: end that process\n",
    );
  });

  it("is not explained with an error of an earlier start", async () => {
    logLine({ level: "error", msg: "not started: an old problem" }, NOW - 60_000);
    const { code, stderr } = await fixture.run(["start"], {
      launchDaemon: launchEnding({ code: null, signal: "SIGSEGV" }),
    });
    expect(code).toBe(3);
    expect(stderr).toContain("it ended with SIGSEGV");
    expect(stderr).not.toContain("old problem");
  });

  it("is forgiven when another one, started at the same moment, answers", async () => {
    const launchDaemon = async (): Promise<SpawnedDaemon> => {
      daemonLock();
      setTimeout(() => void fixture.control.listen(), 5);
      return launchEnding({ code: 1, signal: null })();
    };
    expect(await fixture.run(["roles"], { launchDaemon, clock: new SystemClock() })).toMatchObject({ code: 0 });
  });

  it("is not waited for for ever when it hangs", async () => {
    const { code, stderr } = await fixture.run(["start"], { launchDaemon: () => Promise.resolve(running) });
    expect(code).toBe(3);
    expect(stderr).toContain("did not answer within 30 s");
  });
});

describe("a command that finds another one starting the daemon", () => {
  it("starts none itself, and is answered by that one", async () => {
    const turn = lock("brokerd.starting");
    setTimeout(() => void fixture.control.listen(), 20);
    expect(await fixture.run(["roles"], { clock: new SystemClock() })).toMatchObject({ code: 0 });
    turn.release();
  });

  it("says what kept the daemon from starting, without a start of its own", async () => {
    const turn = lock("brokerd.starting");
    const clock = new FakeClock(NOW);
    // Told to wait once: that is when the other command has failed.
    clock.sleep = () => {
      logLine({ level: "error", msg: "not started: port 9171 is taken", code: "Conflict", hint: "end that process" });
      turn.release();
      return Promise.resolve();
    };
    const { code, stderr } = await fixture.run(["roles"], { clock });
    expect(code).toBe(1);
    expect(stderr).toContain("brokerd could not start: port 9171 is taken");
  });

  it("starts one when that command is gone and nothing runs", async () => {
    writeFileSync(
      join(fixture.home, "state", "brokerd.starting.1"),
      JSON.stringify({ pid: 2 ** 22, startTime: "gone" }),
    );
    expect(await fixture.run(["roles"], { launchDaemon: launchFine })).toMatchObject({ code: 0 });
  });

  it("waits for a daemon that ends before it starts the next", async () => {
    const ending = daemonLock();
    const launches: boolean[] = [];
    setTimeout(() => ending.release(), 20);
    const launchDaemon = (): Promise<SpawnedDaemon> => {
      launches.push(holdsDaemonLock());
      return launchFine();
    };
    expect(await fixture.run(["roles"], { launchDaemon, clock: new SystemClock() })).toMatchObject({ code: 0 });
    expect(launches).toEqual([false]);
  });
});

describe("a command after a stop", () => {
  it("that began before it does not start the daemon again", async () => {
    expect(await fixture.run(["stop"])).toMatchObject({ code: 0 });
    const { code, stderr } = await fixture.run(["roles"], { startedAt: NOW - 1 });
    expect(code).toBe(3);
    expect(stderr).toContain("brokerd was stopped after this command had begun");
  });

  it("that began after it starts the daemon", async () => {
    expect(await fixture.run(["stop"])).toMatchObject({ code: 0 });
    const launchDaemon = (wantedSince: number): Promise<SpawnedDaemon> => {
      expect(wantedSince).toBe(NOW);
      return launchFine();
    };
    expect(await fixture.run(["roles"], { launchDaemon })).toMatchObject({ code: 0 });
  });

  it("whose clock was set back since starts the daemon too", async () => {
    writeFileSync(join(fixture.home, "state", "stopped-at"), `${NOW + 3_600_000}\n`);
    expect(await fixture.run(["roles"], { launchDaemon: launchFine })).toMatchObject({ code: 0 });
  });

  it("that has just started the daemon has it stopped too, when it is up", async () => {
    const daemon = daemonLock();
    setTimeout(() => void fixture.control.listen(), 20);
    const { spawn } = await import("node:child_process");
    const child = spawn("sleep", ["60"]);
    fixture.control.pid = child.pid ?? 0;
    fixture.control.onStop = () => {
      daemon.release();
      child.kill();
    };
    const { code, stderr } = await fixture.run(["stop"], { clock: new SystemClock() });
    expect([code, stderr]).toEqual([0, "brokerd has stopped\n"]);
  });

  it("may start the daemon where it was a restart", async () => {
    expect(await fixture.run(["restart"], { launchDaemon: launchFine })).toMatchObject({ code: 0 });
    expect(existsSync(join(fixture.home, "state", "stopped-at"))).toBe(false);
  });
});

describe("start, stop, restart", () => {
  it("start says so when it runs already", async () => {
    await fixture.control.listen();
    const { code, stderr } = await fixture.run(["start"]);
    expect(code).toBe(0);
    expect(stderr).toContain("runs already");
    expect((await fixture.run(["start", "--json"])).json).toMatchObject({ pid: process.pid, state: "ready" });
  });

  it("start tells of a locked store and of a problem", async () => {
    await fixture.control.listen();
    fixture.control.state = "locked";
    expect((await fixture.run(["start"])).stderr).toContain("brokerctl unlock");
    fixture.control.problem = { code: "ConfigInvalid", message: "config.yaml:3: no", hint: "brokerctl config edit" };
    expect((await fixture.run(["start"])).stderr).toContain("config.yaml:3: no");
  });

  it("stop waits until the process is gone", async () => {
    await fixture.control.listen();
    const { spawn } = await import("node:child_process");
    const child = spawn("sleep", ["60"]);
    fixture.control.pid = child.pid ?? 0;
    fixture.control.onStop = () => void setTimeout(() => child.kill(), 30);
    expect(await fixture.run(["stop"], { clock: new SystemClock() })).toMatchObject({ code: 0 });
    expect(child.signalCode ?? child.exitCode).not.toBeNull();
  });

  it("stop names the process that does not end", async () => {
    await fixture.control.listen();
    const { code, stderr } = await fixture.run(["stop"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`kill ${process.pid}`);
  });

  it("restart without a config.yaml leaves the brokerd that runs alone", async () => {
    await fixture.control.listen();
    let stops = 0;
    fixture.control.onStop = () => void stops++;
    rmSync(join(fixture.home, "config.yaml"));
    const { code, stderr } = await fixture.run(["restart"], { launchDaemon: launchFine });
    expect([code, stops]).toEqual([2, 0]);
    expect(stderr).toContain("brokerctl init");
  });

  it("restart starts anew, also what did not run", async () => {
    expect(await fixture.run(["restart"], { launchDaemon: launchFine })).toMatchObject({ code: 0 });
  });
});

describe("versions that differ", () => {
  beforeEach(async () => {
    fixture.control.version = "0.0.9";
    await fixture.control.listen();
  });

  it("are said, with how to fix it, after the answer", async () => {
    const { code, stderr } = await fixture.run(["roles"]);
    expect(code).toBe(0);
    expect(stderr).toContain("brokerd is version 0.0.9, brokerctl 0.1.0");
    expect(stderr).toContain("brokerctl restart");
  });

  it("are said after an error too, and never into JSON", async () => {
    expect((await fixture.run(["whoami"])).stderr).toContain("brokerctl restart");
    expect((await fixture.run(["roles", "--json"])).stderr).toBe("");
  });
});

describe("logs", () => {
  it("prints the last lines for people, or as they are", async () => {
    logLine({ level: "info", msg: "one" });
    logLine({ level: "warn", msg: "two", role: "dev" });
    expect((await fixture.run(["logs", "-n", "1"])).stdout).toBe("2026-01-01T00:00:00.001Z warn  two role=dev\n");
    const { stdout } = await fixture.run(["logs", "--json"]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { msg: string }).msg),
    ).toEqual(["one", "two"]);
  });

  it("says where the log would be", async () => {
    expect((await fixture.run(["logs"])).stderr).toContain(log);
  });

  it("prints lines of rotated files where the current one has fewer, the oldest first", async () => {
    writeFileSync(`${log}.2`, "one\ntwo\n");
    writeFileSync(`${log}.1`, "three\nfour\n");
    writeFileSync(log, "five\n");
    expect((await fixture.run(["logs", "-n", "4"])).stdout).toBe("two\nthree\nfour\nfive\n");
    expect((await fixture.run(["logs", "-n", "2"])).stdout).toBe("four\nfive\n");
    expect((await fixture.run(["logs"])).stdout).toBe("one\ntwo\nthree\nfour\nfive\n");
    rmSync(log);
    expect((await fixture.run(["logs", "-n", "1"])).stdout).toBe("four\n");
  });

  it("prints no line twice when the file is rotated while it is read", async () => {
    writeFileSync(log, "one\ntwo\n");
    linkSync(log, `${log}.1`);
    expect((await fixture.run(["logs"])).stdout).toBe("one\ntwo\n");
  });

  it("follows what is written next, over a rotation and half-written lines", async () => {
    writeFileSync(log, "first\n");
    const lines: string[] = [];
    let step = 0;
    const steps: (() => void)[] = [
      () => appendFileSync(log, "sec"),
      () => appendFileSync(log, "ond\n"),
      () => {
        renameSync(log, `${log}.1`);
        expect(existsSync(log)).toBe(false);
      },
      () => writeFileSync(log, "third\n"),
      () => {
        appendFileSync(log, "last of this day\n");
        renameSync(`${log}.1`, `${log}.2`);
        renameSync(log, `${log}.1`);
        writeFileSync(log, "first of the next\n");
      },
      () => undefined,
    ];
    const clock = new SystemClock();
    clock.sleep = async () => {
      const next = steps[step++];
      if (!next) throw new Error("enough");
      next();
    };
    const { stdout } = await fixture.run(["logs", "-f"], { clock });
    lines.push(...stdout.trim().split("\n"));
    expect(lines).toEqual(["first", "second", "third", "last of this day", "first of the next"]);
  });

  it.each(["0", "-1", "x", "1e3"])("exits 2 for -n %s", async (count) => {
    expect(await fixture.run(["logs", `--lines=${count}`])).toMatchObject({ code: 2 });
  });
});
