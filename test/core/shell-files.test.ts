import { describe, expect, it } from "vitest";
import { newLeaseToken } from "../../src/core/lease.js";
import {
  HOOKED_SHELLS,
  hookFile,
  isStartLine,
  LEASE_FILE_PATTERN,
  leaseFileName,
  leaseMark,
  renderLeaseLine,
  renderStartLine,
  tokenInStartLine,
} from "../../src/core/shell-files.js";

const HASH = "0123456789abcdef".repeat(4);
const token = newLeaseToken().reveal();
const start = { url: `http://127.0.0.1:9171/lease/${token}`, tokenHash: HASH, region: "eu-west-1" };

it("the files of shells are named by shell, and by the beginning of a token's hash", () => {
  expect(hookFile("/state", "zsh")).toBe("/state/shell/hook.zsh");
  expect(leaseFileName(HASH)).toBe("0123456789abcdef");
  expect(LEASE_FILE_PATTERN.test(leaseFileName(HASH))).toBe(true);
  for (const other of [HASH, "0123456789ABCDEF", "0123456789abcde", "../23456789abcdef"]) {
    expect(LEASE_FILE_PATTERN.test(other)).toBe(false);
  }
});

it("a lease's mark names its file, the end of its token, and whose it is", () => {
  expect(leaseMark({ token, tokenHash: HASH, of: "4711" })).toBe(`0123456789abcdef:${token.slice(-8)}:4711`);
});

describe("a line on a lease", () => {
  const line = { role: "prod", until: null, then: undefined, expiresAt: null, region: null };

  it("holds role, end of the role, what is then, end, and region, in whole seconds", () => {
    expect(renderLeaseLine({ role: "prod", until: 1999, then: "dev", expiresAt: 5000, region: "eu-west-1" })).toBe(
      "prod 1 dev 5 eu-west-1",
    );
  });

  it("has a word for nothing, for what is not known yet, and for never", () => {
    expect(renderLeaseLine({ ...line, role: null })).toBe("- 0 ? 0 -");
    expect(renderLeaseLine({ ...line, then: null, role: "" })).toBe("- 0 - 0 -");
  });

  it("holds nothing that means something to a shell or prompt", () => {
    const role = "lambda:f:$(id)`%{\u001b}\\'\"!a b\n;ä";
    expect(renderLeaseLine({ ...line, role })).toMatch(/^[A-Za-z0-9._/@+:=,?-]+ 0 \? 0 -$/);
    expect(renderLeaseLine({ ...line, role: "A-z.0_/@+:=,-" })).toBe("A-z.0_/@+:=,- 0 ? 0 -");
  });
});

describe("the first line of a hook", () => {
  it.each(HOOKED_SHELLS)("of %s gives new shells the default lease, and its token can be read back", (shell) => {
    const line = renderStartLine(shell, start);

    expect(line).toContain(`'${start.url} 0123456789abcdef eu-west-1'`);
    expect([isStartLine(line), tokenInStartLine(line)]).toEqual([true, token]);
  });

  it.each(HOOKED_SHELLS)("of %s gives them nothing where there is no lease", (shell) => {
    const line = renderStartLine(shell, undefined);

    expect(line).toMatch(/''$/);
    expect([isStartLine(line), tokenInStartLine(line)]).toEqual([true, undefined]);
  });

  it("is spelled as its shell sets a variable", () => {
    expect(renderStartLine("bash", undefined)).toBe("__credbroker_default=''");
    expect(renderStartLine("zsh", undefined)).toBe("__credbroker_default=''");
    expect(renderStartLine("fish", undefined)).toBe("set -g __credbroker_default ''");
  });

  it.each([
    "",
    "# __credbroker_default=''",
    "__credbroker_default='a'b'",
    "__credbroker_default='a'; rm -r /",
    "x__credbroker_default=''",
  ])("is not %j", (line) => expect(isStartLine(line)).toBe(false));

  it.each([
    [`__credbroker_default='http://example.com/lease/${token} 0 -'`],
    [`__credbroker_default='http://127.0.0.1:9171/lease/${token}x 0 -'`],
    [`__credbroker_default='http://127.0.0.1:9171/lease/${token} 0 -' # `],
    [`__credbroker_default='http://127.0.0.1:9171/lease/brk_short 0 -'`],
  ])("holds no token of ours in %j", (line) => expect(tokenInStartLine(line)).toBeUndefined());
});
