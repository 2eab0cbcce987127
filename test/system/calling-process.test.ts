import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { callingProcess } from "../../src/system/calling-process.js";

describe("the program that started a process", () => {
  it("is this one, by its pid and directory, for a child of ours", async () => {
    const child = promisify(execFile)("/bin/sleep", ["30"]);
    const found = await callingProcess(child.child.pid ?? 0);
    child.child.kill();
    await child.catch(() => undefined);
    expect(found).toMatchObject({ pid: process.pid, cwd: process.cwd() });
    expect(found?.program).toContain("node");
  });

  it.each(["linux", "darwin"] as const)(
    "is not the shell that was started to run it alone, on %s",
    async (platform) => {
      const child = promisify(execFile)("/bin/sh", ["-c", "/bin/sleep 30 & echo $!; wait"]);
      const inner = await new Promise<number>((resolve) =>
        child.child.stdout?.once("data", (text) => resolve(Number(text))),
      );
      const found = await callingProcess(inner, platform);
      process.kill(inner);
      await child.catch(() => undefined);
      expect(found).toMatchObject({ pid: process.pid });
    },
  );

  it("is unknown of a process that there is not", async () => {
    expect(await callingProcess(2 ** 22 + 1)).toBeUndefined();
  });
});
