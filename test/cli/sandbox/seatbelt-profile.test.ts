import { describe, expect, it } from "vitest";
import type { SandboxPlan } from "../../../src/cli/sandbox/plan.js";
import { seatbeltProfile } from "../../../src/cli/sandbox/seatbelt-profile.js";

const PLAN: SandboxPlan = {
  home: "/Users/me",
  workingDirectory: "/Users/me/orders",
  readable: [
    { path: "/usr", as: "/usr" },
    { path: "/Users/me/.gitconfig", as: "/Users/me/.gitconfig" },
  ],
  links: [],
  writable: ["/Users/me/orders"],
  pinned: ["/Users/me/orders/.git"],
  kept: ["/Users/me/orders/.git/hooks"],
  sockets: ["/state/run/leases/ab"],
  scratch: ["/private/var/folders/x/credbroker-1"],
};

/** Its rules; brackets in texts are no brackets. */
function rulesOf(profile: string): readonly string[] {
  const rules: string[] = [];
  let [depth, start] = [0, 0];
  for (const { 0: part, index } of profile.matchAll(/"(?:\\.|[^"\\])*"|[()]/g)) {
    if (part === "(" && depth++ === 0) start = index;
    if (part === ")" && --depth === 0) rules.push(profile.slice(start, index + 1).replaceAll(/\s+/g, " "));
  }
  expect(depth).toBe(0);
  return rules;
}

const rules = rulesOf(seatbeltProfile(PLAN));
const ruleOf = (head: string): string => rules.filter((rule) => rule.startsWith(`(${head}`)).join("\n");

describe("the profile for macOS", () => {
  it("denies by default, and what it denies of the repository after that comes last", () => {
    expect(rules.slice(0, 2)).toEqual(["(version 1)", "(deny default)"]);
    expect(rules.slice(-2)).toEqual([
      '(deny file-write* (subpath "/Users/me/orders/.git/hooks"))',
      '(deny file-write-unlink (literal "/Users/me/orders/.git"))',
    ]);
  });

  it("lets write to the working directory and a directory of its own alone", () => {
    expect(ruleOf("allow file-write*")).toBe(
      '(allow file-write* (subpath "/Users/me/orders") (subpath "/private/var/folders/x/credbroker-1"))',
    );
  });

  it("lets read the home nowhere but where the plan says", () => {
    expect(ruleOf("allow file-read* file-map")).not.toContain('(subpath "/Users/me")');
    expect(ruleOf("allow file-read* file-map")).toContain('(subpath "/Users/me/.gitconfig")');
  });

  it("opens no service that has keys, starts programs or reads the screen", () => {
    expect(ruleOf("allow mach-lookup")).not.toMatch(/Security|securityd|keychain|launch|pasteboard|tcc|window/i);
    expect(rules.join()).not.toMatch(/procargs|mach-priv|appleevent/i);
  });

  it("opens sockets in files only where the command may write", () => {
    expect(rules.filter((rule) => rule.includes("unix-socket")).join()).not.toMatch(
      /subpath "\/(?:private\/tmp|Users\/me)"/,
    );
  });

  it("lets connect to the lease's socket", () => {
    expect(rules).toContainEqual(
      expect.stringMatching(/network-outbound .*unix-socket \(subpath "\/state\/run\/leases\/ab"/),
    );
  });

  it("takes a path with quotes and line feeds for a path", () => {
    const evil = '/Users/me/x") (allow default) ("\n(allow default)';
    const plan = { ...PLAN, workingDirectory: evil, writable: [evil] };
    expect(rulesOf(seatbeltProfile(plan)).filter((rule) => rule.startsWith("(allow default"))).toEqual([]);
  });
});
