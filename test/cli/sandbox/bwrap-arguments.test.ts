import { describe, expect, it } from "vitest";
import { bwrapArguments } from "../../../src/cli/sandbox/bwrap-arguments.js";
import type { SandboxPlan } from "../../../src/cli/sandbox/plan.js";

const PLAN: SandboxPlan = {
  home: "/home/me",
  workingDirectory: "/home/me/code/orders",
  readable: [
    { path: "/home/me/.gitconfig", as: "/home/me/.gitconfig" },
    { path: "/state/tokens/ab", as: "/run/credbroker/token" },
    { path: "/usr", as: "/usr" },
  ],
  links: [{ path: "/bin", target: "usr/bin" }],
  writable: ["/home/me/code/orders", "/data"],
  pinned: ["/home/me/code/orders/.git"],
  kept: ["/home/me/code/orders/.git/hooks"],
  sockets: ["/state/run/leases/ab"],
  scratch: ["/tmp", "/home/me/.cache"],
};

const words = bwrapArguments(PLAN, ["npm", "test"]);
/** Where the words stand one after the other; -1: nowhere. */
const at = (...wanted: readonly string[]): number => ` ${words.join(" ")} `.indexOf(` ${wanted.join(" ")} `);

describe("the words after bwrap", () => {
  it("give the command processes, memory and a session of its own, and no capability", () => {
    for (const flag of ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--new-session", "--die-with-parent"]) {
      expect(words).toContain(flag);
    }
    expect(at("--cap-drop", "ALL")).toBeGreaterThan(-1);
    expect(at("--proc", "/proc")).toBeGreaterThan(-1);
  });

  it("show nothing but what the plan has", () => {
    const shown = words.flatMap((word, index) =>
      /^--(?:ro-)?bind$/.test(word) ? [`${word} ${words[index + 1]} ${words[index + 2]}`] : [],
    );
    expect(shown.toSorted()).toEqual([
      "--bind /data /data",
      "--bind /home/me/code/orders /home/me/code/orders",
      "--bind /home/me/code/orders/.git /home/me/code/orders/.git",
      "--ro-bind /home/me/.gitconfig /home/me/.gitconfig",
      "--ro-bind /home/me/code/orders/.git/hooks /home/me/code/orders/.git/hooks",
      "--ro-bind /state/tokens/ab /run/credbroker/token",
      "--ro-bind /usr /usr",
    ]);
    expect(at("--symlink", "usr/bin", "/bin")).toBeGreaterThan(-1);
  });

  it("mount what holds others first, and close the directories between them last", () => {
    const order = [
      at("--tmpfs", "/tmp"),
      at("--tmpfs", "/home/me"),
      at("--bind", "/home/me/code/orders", "/home/me/code/orders"),
      at("--bind", "/home/me/code/orders/.git", "/home/me/code/orders/.git"),
      at("--ro-bind", "/home/me/code/orders/.git/hooks", "/home/me/code/orders/.git/hooks"),
      at("--remount-ro", "/home/me"),
      at("--remount-ro", "/"),
      at("--", "npm", "test"),
    ];
    expect(order).not.toContain(-1);
    expect(order.toSorted((one, other) => one - other)).toEqual(order);
    expect(at("--tmpfs", "/run")).toBeLessThan(at("--ro-bind", "/state/tokens/ab", "/run/credbroker/token"));
  });
});
