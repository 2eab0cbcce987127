import { describe, expect, it } from "vitest";
import { ConcurrencyLimit, KeyedMutex, Mutex } from "../../src/core/serial.js";

/** Tasks that end when they are told to, and a log of what began and ended. */
function staged(): {
  readonly log: string[];
  readonly task: (name: string) => () => Promise<string>;
  readonly end: (name: string, error?: Error) => Promise<void>;
} {
  const log: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    log,
    task: (name) => () =>
      new Promise((resolve, reject) => {
        log.push(`${name} begins`);
        ends.set(name, (error) => {
          log.push(`${name} ends`);
          if (error) reject(error);
          else resolve(name);
        });
      }),
    end: async (name, error) => {
      ends.get(name)?.(error);
      await settle();
    },
  };
}

/** Lets every promise that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("Mutex", () => {
  it("a mutex begins a task when the one before has ended, in the order in which they came", async () => {
    const { log, task, end } = staged();
    const mutex = new Mutex();
    const results = Promise.all(["a", "b", "c"].map((name) => mutex.run(task(name))));
    await settle();
    expect(log).toEqual(["a begins"]);
    await end("a");
    await end("b");
    await end("c");
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(await results).toEqual(["a", "b", "c"]);
  });

  it("a task that fails tells its own caller and does not stop the next one of a mutex", async () => {
    const { task, end } = staged();
    const mutex = new Mutex();
    const first = mutex.run(task("a")).catch((error: unknown) => error);
    const second = mutex.run(task("b"));
    await settle();
    await end("a", new Error("a failed"));
    await end("b");
    expect(await first).toEqual(new Error("a failed"));
    expect(await second).toBe("b");
  });

  it("a task that throws before its first await is a failed task, and the mutex goes on", async () => {
    const mutex = new Mutex();
    const failed = mutex.run((): Promise<void> => {
      throw new Error("at once");
    });
    await expect(failed).rejects.toThrow("at once");
    expect(await mutex.run(() => Promise.resolve("next"))).toBe("next");
  });

  it("settled() of a mutex waits for what was asked for before, also if it fails, and for nothing later", async () => {
    const { log, task, end } = staged();
    const mutex = new Mutex();
    mutex.run(task("a")).catch(() => undefined);
    void mutex.settled().then(() => log.push("settled"));
    void mutex.run(task("b"));
    await settle();
    expect(log).toEqual(["a begins"]);
    await end("a", new Error("a failed"));
    expect(log).toContain("settled");
    expect(log).not.toContain("b ends");
  });
});

describe("KeyedMutex", () => {
  it("a keyed mutex keeps tasks of one key in order and lets other keys run beside them", async () => {
    const { log, task, end } = staged();
    const mutex = new KeyedMutex();
    void mutex.run("k", task("k1"));
    void mutex.run("k", task("k2"));
    void mutex.run("l", task("l1"));
    await settle();
    expect(log).toEqual(["k1 begins", "l1 begins"]);
    await end("k1");
    expect(log).toEqual(["k1 begins", "l1 begins", "k1 ends", "k2 begins"]);
  });

  it("a keyed mutex forgets a key after its last task, failed or not, and never before", async () => {
    const { log, task, end } = staged();
    const mutex = new KeyedMutex();
    const first = mutex.run("k", task("a")).catch(() => undefined);
    void mutex.run("k", task("b"));
    await settle();
    await end("a", new Error("a failed"));
    await first;
    expect(mutex.size).toBe(1);
    void mutex.run("k", task("c"));
    await settle();
    expect(log).not.toContain("c begins");
    await end("b");
    await end("c");
    expect(mutex.size).toBe(0);
  });
});

describe("ConcurrencyLimit", () => {
  it("a concurrency limit starts tasks before it returns while there is space, and no more than that", async () => {
    const { log, task, end } = staged();
    const limit = new ConcurrencyLimit(2);
    for (const name of ["a", "b", "c", "d"]) void limit.run(task(name));
    expect(log).toEqual(["a begins", "b begins"]);
    await end("b");
    expect(log.slice(2)).toEqual(["b ends", "c begins"]);
    await end("a");
    expect(log.slice(4)).toEqual(["a ends", "d begins"]);
  });

  it("a task that comes as another ends does not overtake one that waits, nor go over the limit", async () => {
    const { log, task, end } = staged();
    const limit = new ConcurrencyLimit(1);
    void limit.run(task("a")).then(() => void limit.run(task("late")));
    void limit.run(task("waiting"));
    await end("a");
    expect(log).toEqual(["a begins", "a ends", "waiting begins"]);
    await end("waiting");
    expect(log.at(-1)).toBe("late begins");
  });

  it("a task that fails tells its caller and gives its place to the next", async () => {
    const limit = new ConcurrencyLimit(1);
    const failed = limit.run(() => Promise.reject(new Error("failed")));
    const next = limit.run(() => Promise.resolve("next"));
    await expect(failed).rejects.toThrow("failed");
    expect(await next).toBe("next");
  });
});
