import { describe, expect, it } from "vitest";
import { type Guard, guardOfUnnamed } from "../../src/core/guard.js";

const GUARD: Guard = { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 };
const onPermissionSet = (roleName: string) => ({ sso: { accountId: "111111111111", roleName } });
const onArn = (roleName: string) => ({ assume: { roleArn: `arn:aws:iam::111111111111:role/${roleName}` } });

describe("a role that no entry of the config names", () => {
  it.each([
    ["permission set", onPermissionSet],
    ["role", onArn],
  ])("has the guard of the entry for the same %s, in whatever case, and of no other", (_what, on) => {
    const configured = [{ ...on("Admin"), guard: GUARD }];

    expect(guardOfUnnamed(on("Admin"), configured)).toEqual(GUARD);
    expect(guardOfUnnamed(on("aDMIN"), configured)).toEqual(GUARD);
    expect(guardOfUnnamed(on("Admins"), configured)).toBeUndefined();
  });
});
