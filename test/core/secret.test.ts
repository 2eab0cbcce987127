import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { mfaCodeIn } from "../../src/core/mfa-code.js";
import { passphraseProblem } from "../../src/core/passphrase-problem.js";
import { Secret } from "../../src/core/secret.js";
import { CANARY } from "../support/canaries.js";

describe("a secret", () => {
  const secret = new Secret(CANARY);

  it("is given where it is revealed, and nowhere else", () => {
    expect(secret.reveal()).toBe(CANARY);
    const ways = [String(secret), JSON.stringify({ secret }), inspect({ secret }), inspect(secret)];
    for (const text of ways) {
      expect(text).toContain("[secret]");
      expect(text).not.toContain(CANARY);
    }
    expect(Object.values(secret)).toEqual([]);
  });
});

describe("a new passphrase", () => {
  it.each(["", "   ", "\t"])("may not be empty: %j", (text) => {
    expect(passphraseProblem(text)).toBe("the passphrase is empty");
  });

  it("has eight characters at least, counted as people see them", () => {
    expect(passphraseProblem("abcdefg")).toContain("fewer than 8 characters");
    expect(passphraseProblem("abcdefgh")).toBeUndefined();
    expect(passphraseProblem("🔑".repeat(4))).toContain("fewer than 8 characters");
    expect(passphraseProblem("a\u0308bcdefg")).toContain("fewer than 8 characters");
  });

  it("has four different characters at least", () => {
    expect(passphraseProblem("abcabcabc")).toContain("fewer than 4 different");
    expect(passphraseProblem("abcdabcd")).toBeUndefined();
  });
});

describe("a code of an MFA device", () => {
  it.each(["123456", "123 456", " 123-456\n", "12\u201334\u221256", "1 2 3 4 5 6", "12\u00a03456"])(
    "is six digits, whatever stands between them: %j",
    (text) => expect(mfaCodeIn(text)).toBe("123456"),
  );

  it.each(["", "12345", "1234567", "12345a", "x123456", "１２３４５６", "123.456"])("is not %j", (text) => {
    expect(mfaCodeIn(text)).toBeUndefined();
  });
});
