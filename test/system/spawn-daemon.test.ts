import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { spawnDaemon } from "../../src/system/spawn-daemon.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

/** A script in place of the daemon: writes what it sees to the "log file", then does `rest`. */
function scriptThat(rest: string): { readonly scriptPath: string; readonly logFile: string } {
  const directory = tempDir("spawn");
  const scriptPath = join(directory, "daemon.mjs");
  const seen = `{ argv: process.argv.slice(2), env: process.env, cwd: process.cwd(), pid: process.pid }`;
  writeFileSync(
    scriptPath,
    `import { renameSync, writeFileSync } from "node:fs";
    const path = process.argv[3];
    writeFileSync(path + ".tmp", JSON.stringify(${seen}));
    renameSync(path + ".tmp", path);
    ${rest}`,
  );
  return { scriptPath, logFile: join(directory, "brokerd.log") };
}

async function readWhenThere(path: string): Promise<Record<string, unknown>> {
  while (!existsSync(path)) await new SystemClock().sleep(10);
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
}

describe("the spawned daemon", () => {
  it("runs apart: own session, own environment, root directory, its log file and when it was wanted as its only arguments", async () => {
    const { scriptPath, logFile } = scriptThat("setInterval(() => {}, 1000);");

    const { pid } = await spawnDaemon({
      nodePath: process.execPath,
      scriptPath,
      env: { HOME: "/home/me" },
      logFile,
      wantedSince: 0,
    });

    try {
      const seen = await readWhenThere(logFile);
      expect(seen).toMatchObject({
        argv: ["--log-file", logFile, "--unless-stopped-since", "0"],
        env: { HOME: "/home/me" },
        cwd: "/",
        pid,
      });
      expect(() => process.kill(-pid, 0)).not.toThrow(); // it leads a process group of its own
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });

  it("reports with which code it ended early", async () => {
    const { scriptPath, logFile } = scriptThat("process.exit(2);");
    const { ended } = await spawnDaemon({ nodePath: process.execPath, scriptPath, env: {}, logFile, wantedSince: 0 });
    expect(await ended).toEqual({ code: 2, signal: null });
  });

  it("reports by which signal it ended early", async () => {
    const { scriptPath, logFile } = scriptThat('process.kill(process.pid, "SIGKILL");');
    const { ended } = await spawnDaemon({ nodePath: process.execPath, scriptPath, env: {}, logFile, wantedSince: 0 });
    expect(await ended).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("reports what it said on stderr", async () => {
    const { scriptPath, logFile } = scriptThat('console.error("cannot write"); process.exitCode = 1;');
    const { ended } = await spawnDaemon({ nodePath: process.execPath, scriptPath, env: {}, logFile, wantedSince: 0 });
    expect(await ended).toEqual({ code: 1, signal: null, lastWords: "cannot write\n" });
  });

  it("is an error that names what cannot be started", async () => {
    const { scriptPath, logFile } = scriptThat("");
    const error = await brokerErrorOf(() =>
      spawnDaemon({ nodePath: "/nowhere/node", scriptPath, env: {}, logFile, wantedSince: 0 }),
    );
    expect(error.code).toBe("InternalError");
    expect(error.message).toContain("/nowhere/node");
  });
});
