import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProcessTable } from "../../src/system/process-identity.js";
import { acquireInstanceLock, type InstanceLock, instanceHolder } from "../../src/system/single-instance.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { seededRandom } from "../support/random.js";
import { canMount, SmallDisk } from "../support/small-disk.js";
import { tempDir } from "../support/temp-dir.js";

/** Processes that start and end when told; a pid can be used again by another. */
class FakeProcesses implements ProcessTable {
  readonly #running = new Map<number, string>();
  /** Runs before each look, where other starters may come between. */
  beforeLook = (): void => undefined;

  start(pid: number, startTime = `started ${pid}`): this {
    this.#running.set(pid, startTime);
    return this;
  }

  end(pid: number): void {
    this.#running.delete(pid);
  }

  startTimeOf(pid: number): string | undefined {
    this.beforeLook();
    return this.#running.get(pid);
  }
}

function rig(...pids: readonly number[]): {
  readonly stateDir: string;
  readonly processes: FakeProcesses;
  readonly lock: (pid: number) => InstanceLock;
} {
  const stateDir = tempDir("instance");
  const processes = new FakeProcesses();
  for (const pid of pids) processes.start(pid);
  return { stateDir, processes, lock: (pid) => acquireInstanceLock({ stateDir, pid, processes }) };
}

describe("the instance lock", () => {
  it("refuses a second daemon and names the first", async () => {
    const { lock } = rig(11, 12);
    lock(11);

    const error = await brokerErrorOf(() => lock(12));

    expect(error.code).toBe("DaemonRunning");
    expect(error.message).toContain("11");
    expect(error.hint).toContain("brokerctl");
  });

  it("refuses the same daemon twice", async () => {
    const { lock } = rig(11);
    lock(11);
    expect((await brokerErrorOf(() => lock(11))).code).toBe("DaemonRunning");
  });

  it("is free after a release, also a doubled one, and not before", async () => {
    const { lock } = rig(11, 12, 13);
    const first = lock(11);
    first.release();
    lock(12);
    first.release();
    expect((await brokerErrorOf(() => lock(13))).code).toBe("DaemonRunning");
  });

  it("is taken over from a daemon that died", () => {
    const { lock, processes } = rig(11, 12);
    lock(11);
    processes.end(11);
    expect(() => lock(12)).not.toThrow();
  });

  it("is taken over when the pid of a dead daemon is in use again", () => {
    const { lock, processes } = rig(11, 12);
    lock(11);
    processes.start(11, "another time");
    expect(() => lock(12)).not.toThrow();
  });

  it.each(["", "{", "null", "[]", '{"pid":"11"}', '{"pid":11}'])("is taken over when it reads %j", (content) => {
    const { lock, stateDir } = rig(12);
    writeFileSync(join(stateDir, "brokerd.lock.1"), content);
    expect(() => lock(12)).not.toThrow();
  });

  it("leaves one file behind, however many daemons have been", () => {
    const { lock, processes, stateDir } = rig(11, 12, 13);
    lock(11).release();
    lock(12);
    processes.end(12);
    lock(13);
    expect(readdirSync(stateDir)).toHaveLength(1);
  });

  it("leaves no claim behind when it is refused", async () => {
    const { lock, stateDir } = rig(11, 12);
    lock(11);
    await brokerErrorOf(() => lock(12));
    expect(readdirSync(stateDir)).toHaveLength(1);
  });

  it("says that it cannot lock when the directory is not there", async () => {
    const processes = new FakeProcesses().start(11);
    const error = await brokerErrorOf(() => acquireInstanceLock({ stateDir: "/nowhere/state", pid: 11, processes }));
    expect(error.code).toBe("InternalError");
    expect(error.message).toContain("/nowhere/state");
  });

  it("is not given to a process that the system does not know", async () => {
    const { lock } = rig();
    expect((await brokerErrorOf(() => lock(11))).code).toBe("InternalError");
  });
});

describe("taking over while others do", () => {
  it("loses to a starter that comes between the look at a dead holder and the link", async () => {
    const { lock, processes } = rig(11, 12, 13);
    lock(11);
    processes.end(11);
    // 12 finds itself, then looks at 11: in this very moment 13 takes over.
    let looks = 0;
    processes.beforeLook = () => {
      if (++looks !== 2) return;
      processes.beforeLook = () => undefined;
      lock(13);
    };

    const error = await brokerErrorOf(() => lock(12));

    expect(error.message).toContain("13");
  });

  it("loses although the number it links was used, released and cleared away while it looked", async () => {
    const { lock, processes, stateDir } = rig(11, 12, 13, 14);
    lock(11);
    processes.end(11);
    let looks = 0;
    processes.beforeLook = () => {
      if (++looks !== 2) return;
      processes.beforeLook = () => undefined;
      lock(13).release(); // number 2
      lock(14); // number 3; number 2 is free again, and 12 is about to link it
    };

    const error = await brokerErrorOf(() => lock(12));

    expect(error.message).toContain("14");
    expect(readdirSync(stateDir)).toEqual(["brokerd.lock.3"]);
  });
});

const STARTERS = 12;
const ROUNDS = 15;

it("has one winner of 12 that start at once, round after round", { timeout: 120_000 }, async () => {
  const root = tempDir("instance");
  const random = seededRandom(7);
  const starters = await Promise.all(Array.from({ length: STARTERS }, () => startStarter()));
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const stateDir = join(root, String(round));
      mkdirSync(stateDir, { mode: 0o700 });
      // Half of the rounds begin with the lock of a dead daemon, whose pid may be in use.
      if (random() < 0.5)
        writeFileSync(join(stateDir, "brokerd.lock.5"), staleLock(random() < 0.5 ? process.pid : 2 ** 22));

      const answers = await Promise.all(starters.map((starter) => starter.ask(stateDir)));

      expect(answers.filter((answer) => answer === "won")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "DaemonRunning")).toHaveLength(STARTERS - 1);
      expect(readdirSync(stateDir)).toHaveLength(1);
    }
  } finally {
    for (const starter of starters) starter.process.kill("SIGKILL");
  }
});

function staleLock(pid: number): string {
  return JSON.stringify({ pid, startTime: "long ago" });
}

interface Starter {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  ask(stateDir: string): Promise<string>;
}

async function startStarter(): Promise<Starter> {
  const script = join(import.meta.dirname, "instance-starter.child.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script], { stdio: ["pipe", "pipe", "inherit"] });
  const nextLine = async (): Promise<string> => {
    const [chunk] = (await once(child.stdout, "data")) as [Buffer];
    return chunk.toString().trim();
  };
  await nextLine();
  return {
    process: child,
    ask: (stateDir) => {
      const answer = nextLine();
      child.stdin.write(`${stateDir}\n`);
      return answer;
    },
  };
}

describe.skipIf(!canMount())("on a full disk", () => {
  let disk: SmallDisk;
  beforeEach(() => (disk = new SmallDisk(join(tempDir("instance"), "full"))));
  afterEach(() => disk.unmount());

  const processes = (...pids: readonly number[]): FakeProcesses => {
    const table = new FakeProcesses();
    for (const pid of pids) table.start(pid, `6407b980-7939-4a1b-bea9-509b15e5f35e:${pid}`);
    return table;
  };
  const isLink = (name: string): boolean => lstatSync(join(disk.path, name)).isSymbolicLink();

  it("the lock is taken, refuses others, is released, and is taken over from the dead", async () => {
    const table = processes(11, 12, 13, 14);
    const lock = (pid: number): InstanceLock => acquireInstanceLock({ stateDir: disk.path, pid, processes: table });
    disk.fill();
    const first = lock(11);
    expect([isLink("brokerd.lock.1"), first.fullDisk]).toEqual([true, "no space left on device"]);
    expect((await brokerErrorOf(() => lock(12))).message).toContain("11");
    expect(instanceHolder({ stateDir: disk.path, processes: table })).toBe(11);

    first.release();
    expect(instanceHolder({ stateDir: disk.path, processes: table })).toBeUndefined();
    lock(13);
    table.end(13);
    lock(14);

    expect(instanceHolder({ stateDir: disk.path, processes: table })).toBe(14);
    expect(readdirSync(disk.path).sort()).toEqual(["brokerd.lock.3", "fill"]);
  });

  it("a lock that was a file is released all the same", () => {
    const table = processes(11, 12);
    const first = acquireInstanceLock({ stateDir: disk.path, pid: 11, processes: table });
    disk.fill();
    first.release();
    expect(instanceHolder({ stateDir: disk.path, processes: table })).toBeUndefined();
    expect(() => acquireInstanceLock({ stateDir: disk.path, pid: 12, processes: table })).not.toThrow();
  });

  it("the lock becomes a file once there is space, and is held all the while", () => {
    disk.fill();
    const table = processes(11);
    const lock = acquireInstanceLock({ stateDir: disk.path, pid: 11, processes: table });
    lock.retry();
    expect([isLink("brokerd.lock.1"), lock.fullDisk]).toEqual([true, "no space left on device"]);

    disk.free();
    lock.retry();

    expect([isLink("brokerd.lock.1"), lock.fullDisk]).toEqual([false, undefined]);
    expect(instanceHolder({ stateDir: disk.path, processes: table })).toBe(11);
    lock.release();
    expect(instanceHolder({ stateDir: disk.path, processes: table })).toBeUndefined();
  });

  it("what is read-only is named, and the release of a lock there does not fail", async () => {
    const table = processes(11, 12);
    const lock = acquireInstanceLock({ stateDir: disk.path, pid: 11, processes: table });
    disk.makeReadOnly();
    expect(() => lock.release()).not.toThrow();
    table.end(11);

    const error = await brokerErrorOf(() => acquireInstanceLock({ stateDir: disk.path, pid: 12, processes: table }));

    expect(error.message).toBe(`cannot lock ${disk.path}: read-only file system`);
  });
});
