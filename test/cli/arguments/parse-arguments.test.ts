import { describe, expect, it } from "vitest";
import { hasFlag, parseArguments } from "../../../src/cli/arguments/parse-arguments.js";
import { defineCommand } from "../../../src/cli/command.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { canarySecretKey } from "../../support/canaries.js";

const command = defineCommand({
  name: "try",
  summary: "for these tests",
  positionals: [
    { name: "NAME", required: true, help: "a name" },
    { name: "OTHER", help: "another" },
  ],
  options: {
    json: { type: "boolean", help: "JSON" },
    for: { type: "string", value: "DURATION", help: "how long" },
    "role-arn": { type: "string", help: "an ARN" },
    tags: { type: "string", repeat: true, help: "tags" },
    as: { type: "string", choices: ["url", "header"], help: "form" },
    lines: { type: "string", short: "n", help: "how many" },
  },
  examples: [],
  run: () => Promise.resolve(undefined),
});
const exec = defineCommand({ ...command, name: "run", positionals: [{ name: "ROLE", help: "a role" }], rest: "CMD…" });

const SECRET = canarySecretKey("Arg");

describe("parsing a command line", () => {
  it("takes flags before, between and after arguments", async () => {
    const { options, positionals } = await parseArguments(["--json", "a", "--for", "30m", "b", "--as=url"], command);
    expect(positionals).toEqual(["a", "b"]);
    expect(options).toMatchObject({ json: true, for: "30m", as: "url", tags: [], "role-arn": undefined });
  });

  it("takes flags in the config's spelling too", async () => {
    expect((await parseArguments(["a", "--role_arn", "x_y"], command)).options["role-arn"]).toBe("x_y");
    expect((await parseArguments(["a", "--role_arn=x_y"], command)).options["role-arn"]).toBe("x_y");
  });

  it("collects flags that may be repeated, and takes the last of others", async () => {
    const { options } = await parseArguments(
      ["a", "--tags", "x=1", "--tags=y=2", "--for", "1m", "--for", "2m"],
      command,
    );
    expect(options).toMatchObject({ tags: ["x=1", "y=2"], for: "2m" });
  });

  it("takes short flags and a lone dash as a value", async () => {
    expect(await parseArguments(["-", "-n", "5"], command)).toMatchObject({
      positionals: ["-"],
      options: { lines: "5" },
    });
  });

  it("leaves everything behind -- to the command that is run", async () => {
    const { positionals, rest } = await parseArguments(["dev", "--", "aws", "--json", "--", "-n"], exec);
    expect(positionals).toEqual(["dev"]);
    expect(rest).toEqual(["aws", "--json", "--", "-n"]);
  });

  it("takes what stands behind -- as arguments elsewhere", async () => {
    expect((await parseArguments(["--", "--json"], command)).positionals).toEqual(["--json"]);
  });

  it.each([
    ["a missing argument", [], /NAME/],
    ["an argument too many", ["a", "b", "c"], /'c'/],
    ["an empty argument", [""], /NAME/],
    ["a flag without its value", ["a", "--for"], /--for needs/],
    ["a flag where a value should be", ["a", "--for", "--json"], /--for needs/],
    ["an empty value", ["a", "--for="], /--for must not be empty/],
    ["a value for a flag that takes none", ["a", "--json=yes"], /--json takes no value/],
    ["a value that is none of the choices", ["a", "--as", "header2"], /--as must be one of url, header/],
  ])("refuses %s by name", async (_, argv, message) => {
    const error = await brokerErrorOf(() => parseArguments(argv, command));
    expect(error.code).toBe("UsageInvalid");
    expect(error.message).toMatch(message);
    expect(error.hint).toBeDefined();
  });

  it("offers the nearest flag and the nearest choice", async () => {
    expect((await brokerErrorOf(() => parseArguments(["a", "--role-anr", "x"], command))).hint).toContain("--role-arn");
    expect((await brokerErrorOf(() => parseArguments(["a", "--as", "heeder"], command))).hint).toBe("--as header");
  });

  it("says of a flag of the interface that this version does not have it yet", async () => {
    const error = await brokerErrorOf(() => parseArguments(["a", "--bind"], command));
    expect(error.code).toBe("NotSupported");
    expect(error.message).toContain("--bind");
  });

  it("puts the fix for a command without -- into the hint", async () => {
    const error = await brokerErrorOf(() => parseArguments(["dev", "aws", "s3", "ls"], exec));
    expect(error.hint).toBe("brokerctl run dev -- aws s3 ls");
  });

  it.each([
    ["as an argument", ["a", "b", SECRET]],
    ["behind a flag of that name", ["a", "--secret-access-key", SECRET]],
    ["in one word with it", ["a", `--secret-access-key=${SECRET}`]],
    ["behind an unknown flag", ["a", `--key=${SECRET}`]],
  ])("refuses a secret %s and does not repeat it", async (_, argv) => {
    const error = await brokerErrorOf(() => parseArguments(argv, command));
    expect(error.code).toBe("UsageInvalid");
    expect(error.message).toMatch(/history/);
    expect(`${error.message}${error.hint ?? ""}`).not.toContain(SECRET);
  });

  it("sees a flag only before --", () => {
    expect(hasFlag(["a", "--json"], "--json")).toBe(true);
    expect(hasFlag(["a", "--", "--json"], "--json")).toBe(false);
  });
});
