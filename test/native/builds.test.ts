import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "../support/broker.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { makeCopiesFor } from "../support/copies.js";
import { launcherFor, PLATFORMS } from "../support/launcher.js";
import { tempDir } from "../support/temp-dir.js";

const KIB = 1024;

let fixture: CliFixture;
let env: Record<string, string>;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.knowsLaunches = true;
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" });
  env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("user", "input"), CREDBROKER_HOME: fixture.home };
  await makeCopiesFor(env);
});

describe("the launcher's programs", () => {
  it("are small, and know their version", () => {
    const sizes = PLATFORMS.map((platform) => statSync(launcherFor(platform)).size);
    console.log(
      `KiB: ${PLATFORMS.map((name, index) => `${name} ${String(Math.ceil(sizes[index]! / KIB))}`).join(", ")}`,
    );
    expect(Math.max(...sizes)).toBeLessThan(170 * KIB);
    for (const platform of PLATFORMS) expect(readFileSync(launcherFor(platform)).includes("0.1.0")).toBe(true);
    expect(readFileSync(resolve("bin/native/THIRD-PARTY.txt"), "utf8")).toMatch(/Zig contributors[\s\S]*musl/);
  });

  it.each([
    ["linux-x64", 62, 0x1000],
    // Kernels for arm64 may have pages of 64 KiB: what begins elsewhere cannot be loaded there.
    ["linux-arm64", 183, 0x10000],
  ] as const)("are static for %s, and run under each kernel for it", (platform, machine, page) => {
    const file = readFileSync(launcherFor(platform));
    expect([file.readUInt32BE(0), file[4], file.readUInt16LE(18)]).toEqual([0x7f454c46, 2, machine]);
    const segments = Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
      const at = Number(file.readBigUInt64LE(32)) + index * file.readUInt16LE(54);
      return {
        type: file.readUInt32LE(at),
        flags: file.readUInt32LE(at + 4),
        align: Number(file.readBigUInt64LE(at + 48)),
      };
    });
    const [LOAD, INTERP, STACK, WRITE, EXECUTE] = [1, 3, 0x6474e551, 2, 1];
    expect(segments.filter(({ type }) => type === INTERP)).toEqual([]);
    const loaded = segments.filter(({ type }) => type === LOAD);
    expect(loaded.every(({ align }) => align >= page)).toBe(true);
    expect(loaded.filter(({ flags }) => (flags & WRITE) !== 0 && (flags & EXECUTE) !== 0)).toEqual([]);
    expect(segments.filter(({ type, flags }) => type === STACK && (flags & EXECUTE) !== 0)).toEqual([]);
  });

  it.each([
    ["darwin-x64", 0x01000007],
    ["darwin-arm64", 0x0100000c],
  ] as const)("are for %s and load nothing but the system's library", (platform, cpu) => {
    const file = readFileSync(launcherFor(platform));
    expect([file.readUInt32LE(0), file.readUInt32LE(4), file.readUInt32LE(12)]).toEqual([0xfeedfacf, cpu, 2]);
    const libraries = commandsOf(file).filter(({ command }) => command === 0xc);
    expect(libraries.map(({ at }) => textAt(file, at + file.readUInt32LE(at + 8)))).toEqual([
      "/usr/lib/libSystem.B.dylib",
    ]);
    const CODE_DIRECTORY = 0xfade0c02;
    if (platform === "darwin-x64") return;
    // Without a signature, at least its own, no Mac with such a processor starts it.
    const { at } = commandsOf(file).find(({ command }) => command === 0x1d)!;
    const signature = file.readUInt32LE(at + 8);
    expect(file.readUInt32BE(signature)).toBe(0xfade0cc0);
    const directory = signature + file.readUInt32BE(signature + 16);
    const AD_HOC = 2;
    expect([file.readUInt32BE(directory), file.readUInt32BE(directory + 12) & AD_HOC]).toEqual([
      CODE_DIRECTORY,
      AD_HOC,
    ]);
  });

  it("run for arm64 as for this processor, as far as an emulator shows it", async () => {
    const ask = (argv: readonly string[]): ReturnType<typeof runProgram> =>
      runProgram(["qemu-aarch64", launcherFor("linux-arm64"), ...argv], { env });
    expect(await ask(["exec", "dev", "--", "sh", "-c", "echo $AWS_REGION; exit 7"])).toEqual({
      ...{ code: 7, signal: null, stdout: "eu-west-1\n", stderr: "" },
    });
    expect((await ask(["env", "dev"])).stdout).toContain(`${fixture.control.endpointUrl}/lease/brk_`);
    expect((await ask(["credential-process", "dev"])).stdout).toMatch(/^\{"Version":1,/);
    expect((await ask(["--version"])).stdout).toBe("brokerctl 0.1.0\n");
  });
});

function commandsOf(file: Buffer): readonly { readonly command: number; readonly at: number }[] {
  const commands = [];
  for (let at = 32, left = file.readUInt32LE(16); left > 0; left--, at += file.readUInt32LE(at + 4)) {
    commands.push({ command: file.readUInt32LE(at), at });
  }
  return commands;
}

function textAt(file: Buffer, at: number): string {
  return file.toString("utf8", at, file.indexOf(0, at));
}
