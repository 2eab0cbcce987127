import { describe, expect, it } from "vitest";
import { BrokerError, type BrokerErrorCode, isRecoverable, toBrokerError } from "../../src/core/errors.js";
import { storeProblem } from "../../src/core/store-problem.js";
import { unknownRole } from "../../src/core/unknown-role.js";

describe("a BrokerError", () => {
  it("holds its code, what fixes it, why it came, and what the upstream said of it", () => {
    const cause = new Error("why");
    const options = { hint: "brokerctl login corp", cause, retryAfterMs: 5, signer: "expired" } as const;
    const error = new BrokerError("LoginRequired", "no session", options);

    expect(error).toMatchObject({ name: "BrokerError", code: "LoginRequired", message: "no session", ...options });
  });

  it("has no cause where none is given", () => {
    expect(new BrokerError("NoRole", "no role")).not.toHaveProperty("cause");
  });

  it.each<[BrokerErrorCode, boolean]>([
    ["AwsUnreachable", true],
    ["InternalError", true],
    ["LoginRequired", false],
    ["AssumeRoleDenied", false],
    ["StoreUnavailable", false],
  ])("is worth another try by itself, or waits for the user: %s, %s", (code, recoverable) => {
    expect(isRecoverable(new BrokerError(code, "from the test"))).toBe(recoverable);
  });

  it("is what anything thrown becomes: itself, or InternalError that keeps its cause and not its text", () => {
    const known = new BrokerError("NoRole", "no role");
    const thrown = new TypeError("secret text");

    expect(toBrokerError(known)).toBe(known);
    const unknown = toBrokerError(thrown);
    expect(unknown).toMatchObject({ code: "InternalError", hint: "brokerctl logs", cause: thrown });
    expect(unknown.message).not.toContain("secret");
  });
});

describe("a store that cannot be used", () => {
  it.each([
    ["locked", "StoreLocked"],
    ["absent", "KeyMissing"],
    ["error", "StoreUnavailable"],
  ] as const)("is told in its own words: %s as %s", (state, code) => {
    const words = { message: "from the test", hint: "brokerctl unlock" };
    expect(storeProblem({ state, ...words })).toMatchObject({ code, ...words });
  });
});

describe("a role that is not known", () => {
  it("is looked for among the config's", () => {
    expect(unknownRole("prod")).toMatchObject({ code: "RoleUnknown", hint: "brokerctl roles" });
  });

  it("of a task is made again by its task", () => {
    expect(unknownRole("task:orders:3@dev").hint).toContain("brokerctl task exec orders:3 --via ROLE -- CMD");
  });

  it.each(["", ":assume", "+session-policy"])("of a function is made again by its function: ending %j", (ending) => {
    const { code, message, hint } = unknownRole(`lambda:orders:live@team@dev${ending}`);

    expect([code, hint]).toEqual([
      "RoleUnknown",
      "brokerctl lambda exec orders:live --via ROLE -- CMD    # and brokerctl roles",
    ]);
    expect(message).toContain("role team@dev that");
  });

  it("of a function whose name has another form names no function", () => {
    expect(unknownRole("lambda:broken").hint).toContain("lambda exec FUNCTION --via ROLE");
    expect(unknownRole("lambda:broken").message).toContain("role ROLE that");
  });
});
