import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { guardStandardStreams } from "../../src/system/guard-standard-streams.js";
import { systemError } from "../fakes/recording-file-system.js";

const guardModule = new URL("../../src/system/guard-standard-streams.ts", import.meta.url).href;

/** Writes to a stdout and stderr that are no longer read, then ends with 7. */
async function exitCodeOfWriter({ guarded }: { guarded: boolean }): Promise<number | null> {
  const script = `
    ${guarded ? `(await import(${JSON.stringify(guardModule)})).guardStandardStreams();` : ""}
    process.stdin.once("data", () => {
      for (let line = 0; line < 100; line++) { process.stdout.write("line\\n"); process.stderr.write("line\\n"); }
      setTimeout(() => process.exit(7), 100);
    });
    process.stdout.write("ready");
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.write("go\n");
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

describe("standard streams that are no longer read", () => {
  it("end a process that does not guard them, and not one that does", async () => {
    expect(await exitCodeOfWriter({ guarded: false })).not.toBe(7);
    expect(await exitCodeOfWriter({ guarded: true })).toBe(7);
  });

  it("are reported once", () => {
    const streams = [new PassThrough(), new PassThrough()];
    let closed = 0;
    guardStandardStreams(streams, { onClosed: () => closed++ });

    for (const stream of streams) stream.emit("error", systemError("EPIPE", -32));
    expect(closed).toBe(1);
  });

  it("are told from streams that lose what is written", () => {
    const stream = new PassThrough();
    const told: string[] = [];
    guardStandardStreams([stream], {
      onClosed: () => told.push("closed"),
      onFailed: ({ message }) => told.push(message),
    });

    const full = systemError("ENOSPC", -28);
    stream.emit("error", full);
    expect(told).toEqual([full.message]);
  });
});
