import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { SystemProcessTable, startOfThisProcess } from "../../src/system/process-identity.js";

const sleeper = ["-e", "setInterval(() => {}, 1000)"];

describe.each(["linux", "darwin"] as const)("the process table as read on %s", (platform) => {
  // Where `ps` knows lstart, as it does on both systems, the macOS way can be tried on either.
  const processes = new SystemProcessTable(platform);
  const canRead = platform === "darwin" || process.platform === "linux";

  it.runIf(canRead)("gives the same text for the same process, each time", () => {
    const first = processes.startTimeOf(process.pid);
    expect(first).toBeTruthy();
    expect(processes.startTimeOf(process.pid)).toBe(first);
  });

  it.runIf(canRead)("gives nothing for a process that has ended", async () => {
    const child = spawn(process.execPath, sleeper);
    await once(child, "spawn");
    expect(processes.startTimeOf(child.pid!)).toBeTruthy();

    child.kill("SIGKILL");
    await once(child, "exit");

    expect(processes.startTimeOf(child.pid!)).toBeUndefined();
  });

  it.runIf(canRead)("gives nothing for what is no pid", () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 30]) expect(processes.startTimeOf(pid)).toBeUndefined();
  });
});

describe("the start of this process", () => {
  it("is not later than Node was up, but for a tick of the kernel, and follows a clock that was set", () => {
    const start = startOfThisProcess(Date.now);
    expect(start).toBeLessThanOrEqual(performance.timeOrigin + 40);
    expect(start).toBeGreaterThan(performance.timeOrigin - 120_000);
    expect(startOfThisProcess(() => Date.now() + 3_600_000) - start).toBeGreaterThan(3_599_000);
  });
});

describe.runIf(process.platform === "linux")("on Linux", () => {
  const processes = new SystemProcessTable();

  it("reads past a program's name with blanks and parentheses", async () => {
    const script = 'process.title = "a) S 1 (b"; process.stdout.write("named"); setInterval(() => {}, 1000)';
    const child = spawn(process.execPath, ["-e", script]);
    await once(child.stdout, "data");
    try {
      expect(processes.startTimeOf(child.pid!)).toMatch(/^[0-9a-f-]{36}:\d+$/);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("counts a zombie as ended", async () => {
    // The shell replaces itself with a sleeper that never asks for the child which it inherits.
    const script = `${process.execPath} -e "" & echo $!; exec ${process.execPath} -e "setInterval(() => {}, 1000)"`;
    const parent = spawn("/bin/sh", ["-c", script]);
    try {
      const [output] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(output.toString());
      expect(pid).toBeGreaterThan(0);
      await until(() => processes.startTimeOf(pid) === undefined);
      expect(() => process.kill(pid, 0)).not.toThrow(); // still in the table
    } finally {
      parent.kill("SIGKILL");
    }
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}
