import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/command-table.js";
import { type RunResult, runCommand } from "../support/cli-run.js";
import { tempDir } from "../support/temp-dir.js";

const home = tempDir("help");
const run = (...argv: string[]): Promise<RunResult> => runCommand(argv, { home });

/** `use`, `keys add`, … */
const NAMES = Object.entries(COMMANDS).flatMap(([name, entry]) =>
  "subcommands" in entry
    ? [...(entry.load ? [name] : []), ...Object.keys(entry.subcommands).map((verb) => `${name} ${verb}`)]
    : [name],
);

describe("help", () => {
  it("is the overview, grouped, when nothing is asked for", async () => {
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of Object.keys(COMMANDS)) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
    expect((await run("--help")).stdout).toBe(stdout);
    expect((await run("help")).stdout).toBe(stdout);
  });

  it.each(NAMES)("says of `%s` what it is for, its flags, examples and exit codes", async (name) => {
    const { code, stdout } = await run(...name.split(" "), "--help");
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: brokerctl ${name}`);
    expect(stdout).toMatch(/\nFlags:\n(?: .*\n)+/);
    expect(stdout).toMatch(/\nExamples:\n {2}\S/);
    expect(stdout).toMatch(/\nExit codes:\n {2}0 done/);
    expect((await run("help", ...name.split(" "))).stdout).toBe(stdout);
  });

  it.each(NAMES)("keeps the lines of `%s` within a terminal", async (name) => {
    const { stdout } = await run(...name.split(" "), "--help");
    expect(stdout.split("\n").filter((line) => line.length > 130)).toEqual([]);
  });

  it("lists the commands of a group", async () => {
    expect((await run("keys", "--help")).stdout).toContain("keys rotate");
    const { code, stderr } = await run("keys");
    expect(code).toBe(2);
    expect(stderr).toContain("add, list, rotate, remove");
  });

  it("tells the version", async () => {
    expect((await run("--version")).stdout).toBe("brokerctl 0.1.0\n");
    expect((await run("-V")).stdout).toBe("brokerctl 0.1.0\n");
  });

  it("leaves --help to the command that is run", async () => {
    const { stdout } = await run("exec", "--help", "--", "aws");
    expect(stdout).toContain("Usage: brokerctl exec");
    expect((await run("exec", "--", "true", "--help")).stdout).toBe("");
  });
});

describe("commands that are not there", () => {
  it.each([
    ["stauts", "brokerctl status"],
    ["lgoin", "brokerctl login"],
    ["credential_process", "brokerctl credential-process"],
  ])("%s: the one that was meant is offered", async (typed, meant) => {
    const { code, stderr } = await run(typed);
    expect(code).toBe(2);
    expect(stderr).toContain(meant);
  });

  it("the same within a group, and for flags", async () => {
    expect((await run("keys", "lst")).stderr).toContain("brokerctl keys list");
    expect((await run("use", "dev", "--fro", "1m")).stderr).toContain("--for");
    expect((await run("--json")).code).toBe(2);
  });
});
