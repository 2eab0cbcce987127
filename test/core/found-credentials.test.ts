import { describe, expect, it } from "vitest";
import { checkFound, type FoundFields } from "../../src/core/found-credentials.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const KEY: FoundFields = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey() };
const SESSION: FoundFields = {
  ...KEY,
  sessionToken: `FwoG${CANARY}`,
  expiration: NOW + 1000,
  accountId: "012345678901",
};

describe("found credentials", () => {
  it("are a session where they have a token, with what is known of it", () => {
    const found = checkFound(SESSION, NOW);

    expect(found).toMatchObject({ accessKeyId: KEY.accessKeyId, expiration: NOW + 1000, accountId: "012345678901" });
    expect("problem" in found ? "" : found.sessionToken?.reveal()).toBe(`FwoG${CANARY}`);
    expect("problem" in found ? "" : found.secretAccessKey.reveal()).toBe(canarySecretKey());
  });

  it.each([undefined, null, ""])("are a long-term key where the token is %j", (sessionToken) => {
    expect(checkFound({ ...KEY, sessionToken }, NOW)).not.toHaveProperty("sessionToken");
  });

  it.each(["12345", 123456789012, "12345678901x", null])("have no account where it is %j", (accountId) => {
    expect(checkFound({ ...SESSION, accountId }, NOW)).not.toHaveProperty("accountId");
  });

  it.each<[string, Partial<FoundFields>]>([
    ["no AccessKeyId", { accessKeyId: undefined }],
    ["no AccessKeyId", { accessKeyId: "A K" }],
    ["no AccessKeyId", { accessKeyId: "A".repeat(129) }],
    ["no SecretAccessKey", { secretAccessKey: null }],
    ["no SecretAccessKey", { secretAccessKey: `${CANARY}\n` }],
    ["no SecretAccessKey", { secretAccessKey: CANARY.repeat(30) }],
    ["SessionToken", { sessionToken: 7 }],
    ["SessionToken", { sessionToken: `${CANARY} ` }],
    ["SessionToken", { sessionToken: "x".repeat(8193) }],
    ["no time", { expiration: Number.NaN }],
    ["have expired", { expiration: NOW }],
  ])("are refused for %s, without a word of what they were", (says, fields) => {
    const found = checkFound({ ...SESSION, ...fields }, NOW);

    expect(found).toEqual({ problem: expect.stringContaining(says) as unknown });
    expect(JSON.stringify(found)).not.toContain(CANARY);
  });
});
