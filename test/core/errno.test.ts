import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errnoOf, hasErrno, reasonOf } from "../../src/core/errno.js";

function failureOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

const missing = failureOf(() => readFileSync("/nothing/is/here"));

describe("errno", () => {
  it("hasErrno knows a failed system call by any of the codes it is given", () => {
    expect(hasErrno(missing, "ENOENT")).toBe(true);
    expect(hasErrno(missing, "EACCES", "ENOENT")).toBe(true);
    expect(hasErrno(missing, "EACCES")).toBe(false);
  });

  it.each([
    ["no error", undefined],
    ["an object that only looks like an error", { code: "ENOENT" }],
    ["an error without a code", new Error("ENOENT")],
    ["an error whose code is a number", Object.assign(new Error("exit"), { code: 2 })],
  ])("hasErrno is false for %s", (_what, thrown) => {
    expect(hasErrno(thrown, "ENOENT", "2")).toBe(false);
  });

  it("errnoOf gives the code, the name of an error without one, and never the text of what was thrown", () => {
    expect(errnoOf(missing)).toBe("ENOENT");
    expect(errnoOf(new TypeError("text"))).toBe("TypeError");
    expect(errnoOf("text")).toBe("unknown error");
  });

  it("reasonOf gives the system's words without path and call", () => {
    expect(reasonOf(missing)).toBe("no such file or directory");
    expect(reasonOf(new Error("why"))).toBe("why");
    expect(reasonOf("why")).toBe("why");
  });
});
