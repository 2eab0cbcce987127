import { describe, expect, it } from "vitest";
import { parseArguments } from "../../../src/cli/arguments/parse-arguments.js";
import { lambdaInvokeCommand } from "../../../src/cli/commands/lambda-invoke.js";
import { commandHelp } from "../../../src/cli/help.js";
import { debuggingOf } from "../../../src/cli/lambda/code-options.js";
import { timeLimitMs } from "../../../src/cli/lambda/lambda-options.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";

async function debugging(...argv: readonly string[]) {
  const { options, positionals } = await parseArguments(argv, lambdaInvokeCommand);
  expect(positionals).toEqual(["orders"]);
  return debuggingOf(options as Parameters<typeof debuggingOf>[0]);
}

describe("--inspect", () => {
  it.each([
    [["orders"], undefined],
    [["--inspect", "orders"], { port: undefined, nth: 0, waits: false }],
    [["--inspect=9300", "orders"], { port: 9300, nth: 0, waits: false }],
    [["orders", "--inspect-brk"], { port: undefined, nth: 0, waits: true }],
    [["orders", "--inspect-brk=9301"], { port: 9301, nth: 0, waits: true }],
    [["--inspect=9300", "--inspect-brk", "orders"], { port: 9300, nth: 0, waits: true }],
  ])("takes a port in its own word alone: %j", async (argv, expected) => {
    expect(await debugging(...argv)).toEqual(expected);
  });

  it.each(["0", "65536", "localhost:9229", "x"])("takes no port %s", async (port) => {
    const error = await brokerErrorOf(() => debugging("orders", `--inspect=${port}`));
    expect(error).toMatchObject({ code: "UsageInvalid", hint: "--inspect=9229" });
  });

  it("must not be left empty, and is shown with its port in the help", async () => {
    expect(await brokerErrorOf(() => debugging("orders", "--inspect="))).toMatchObject({ code: "UsageInvalid" });
    expect(commandHelp(lambdaInvokeCommand, 120)).toMatch(/^ +--inspect\[=PORT\] /m);
  });

  it("takes the function's timeout away, and leaves one that is given", () => {
    expect(timeLimitMs({ given: undefined, own: 3, isDebugged: false })).toBe(3000);
    expect(timeLimitMs({ given: undefined, own: 3, isDebugged: true })).toBe(86_400_000);
    expect(timeLimitMs({ given: 5000, own: 3, isDebugged: true })).toBe(5000);
  });
});
