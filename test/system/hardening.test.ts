import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

describe("a hardened process", () => {
  let child: ChildProcess;
  let stderr = "";

  beforeEach(async () => {
    const script = join(import.meta.dirname, "hardening.child.ts");
    child = fork(script, { execArgv: ["--import", "tsx"], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, "message");
  });

  afterEach(() => {
    child.kill("SIGKILL");
  });

  interface Told {
    readonly umask: number;
    readonly excludeEnv: boolean | undefined;
    readonly codeFromText: readonly string[];
    readonly functionsAreFunctions: boolean;
  }

  async function ask(): Promise<Told> {
    child.send("tell");
    const [answer] = (await once(child, "message")) as [Told];
    return answer;
  }

  it("makes no code of a text, by whichever way, and takes functions for functions as before", async () => {
    expect(await ask()).toMatchObject({ codeFromText: [], functionsAreFunctions: true });
  });

  it("does not open the inspector on SIGUSR1", async () => {
    child.kill("SIGUSR1");
    await ask(); // alive, and past the signal
    await ask();
    expect(stderr).not.toContain("Debugger listening");
  });

  it("makes files that only its user can read", async () => {
    expect((await ask()).umask).toBe(0o077);
  });

  it("leaves the environment out of diagnostic reports where Node can", async () => {
    expect((await ask()).excludeEnv).toBe("excludeEnv" in process.report ? true : undefined);
  });
});
