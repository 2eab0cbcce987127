import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type Outcome, runProgram } from "../support/broker.js";
import { tempDir } from "../support/temp-dir.js";

const SAYS = (name: string): string => `#!/bin/sh\nprintf '%s|' ${name} "$@"\n`;

/** An npm prefix with the package, whose programs say what they were started as; `tools` is all of PATH. */
let prefix: string;
let root: string;
let tools: string;

beforeEach(() => {
  prefix = join(tempDir("prefix"), "with blanks -x");
  root = join(prefix, "lib", "node_modules", "credbroker");
  tools = tempDir("tools");
  cpSync("bin/brokerctl", join(root, "bin", "brokerctl"), { recursive: true });
  for (const platform of ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]) {
    write(join(root, "bin", "native", platform, "brokerctl"), SAYS(platform));
  }
  write(join(tools, "node"), SAYS("node"));
  mkdirSync(join(prefix, "bin"));
  symlinkSync("../lib/node_modules/credbroker/bin/brokerctl", join(prefix, "bin", "brokerctl"));
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
}

function linked(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program?: string,
): Promise<Outcome> {
  return runProgram([program ?? join(prefix, "bin", "brokerctl"), ...argv], { env: { PATH: tools, ...env } });
}

describe("brokerctl as npm links it", () => {
  const own = `${process.platform}-${process.arch}`;

  it("starts the launcher of this machine for what is waited for, with the arguments as they are", async () => {
    for (const command of ["exec", "env", "credential-process"]) {
      const { code, stdout, stderr } = await linked([command, "a b", "", "*", "-n", "$HOME"]);
      expect([code, stdout, stderr]).toEqual([0, `${own}|${command}|a b||*|-n|$HOME|`, ""]);
    }
  });

  it("starts no other process where npm made the link: there is nothing else in PATH", async () => {
    const local = join(tempDir("project"), "node_modules");
    cpSync(root, join(local, "credbroker"), { recursive: true });
    mkdirSync(join(local, ".bin"));
    symlinkSync("../credbroker/bin/brokerctl", join(local, ".bin", "brokerctl"));
    expect((await linked(["exec"], {}, join(local, ".bin", "brokerctl"))).stdout).toBe(`${own}|exec|`);
  });

  it("starts Node for every other command, where there is no launcher, and where it is left out", async () => {
    const script = join(prefix, "lib", "node_modules", "credbroker", "bin", "..", "dist", "brokerctl.js");
    const expected = (argv: readonly string[]): string =>
      ["node", script.replace("/dist", "/bin/../dist"), ...argv].map((word) => `${word}|`).join("");
    for (const argv of [["status"], ["--version"], [], ["exe c"]]) {
      expect((await linked(argv)).stdout).toBe(expected(argv));
    }
    expect((await linked(["exec", "dev"], { CREDBROKER_NO_NATIVE: "1" })).stdout).toBe(expected(["exec", "dev"]));
    rmSync(join(root, "bin", "native"), { recursive: true });
    expect((await linked(["exec", "dev"])).stdout).toBe(expected(["exec", "dev"]));
  });

  it("starts the Node that CREDBROKER_NODE names, and that of PATH once it is gone", async () => {
    const node = join(tempDir("node"), "node of an IDE");
    write(node, SAYS("named"));
    const named = { CREDBROKER_NODE: node, CREDBROKER_NO_NATIVE: "1", PATH: "/nowhere" };
    expect((await linked(["credential-process", "dev"], named)).stdout).toMatch(
      /^named\|.*\|credential-process\|dev\|$/,
    );
    rmSync(node);
    expect((await linked(["status"], { CREDBROKER_NODE: node })).stdout).toMatch(/^node\|/);
    expect(await linked(["status"], named)).toMatchObject({ code: 1, stdout: "" });
  });

  it("finds its place through links of the user's own", async () => {
    for (const tool of ["readlink", "uname"]) symlinkSync(`/usr/bin/${tool}`, join(tools, tool));
    const directory = tempDir("links");
    symlinkSync(join(prefix, "bin", "brokerctl"), join(directory, "absolute"));
    symlinkSync("absolute", join(directory, "ctl"));
    expect((await linked(["exec"], {}, join(directory, "ctl"))).stdout).toBe(`${own}|exec|`);
  });

  it("says what is missing where there is no Node", async () => {
    rmSync(join(tools, "node"));
    expect(await linked(["status"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("node is not in PATH") as string,
    });
    expect(await linked(["exec", "dev"], { CREDBROKER_NO_NATIVE: "1" })).toMatchObject({ code: 125, stdout: "" });
  });
});
