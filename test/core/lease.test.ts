import { describe, expect, it } from "vitest";
import {
  hashLeaseToken,
  isExpired,
  LEASE_TOKEN_PATTERN,
  type Lease,
  leaseAt,
  newLeaseToken,
  roleFields,
} from "../../src/core/lease.js";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function lease(extra: Partial<Lease> = {}): Lease {
  return {
    ...{ id: "lease-1", kind: "named", name: "ci", tokenHash: "0", role: "prod", followsDefault: false },
    ...{ createdAt: NOW, expiresAt: null, lastUsedAt: null, ...extra },
  };
}

describe("a lease", () => {
  it("ends at its instant, and one without an instant never", () => {
    expect(isExpired(lease({ expiresAt: NOW }), NOW - 1)).toBe(false);
    expect(isExpired(lease({ expiresAt: NOW }), NOW)).toBe(true);
    expect(isExpired(lease(), NOW)).toBe(false);
  });

  it("keeps a role for a while and falls back at that instant, the former role being the previous one", () => {
    const temporary = lease({ temporary: { until: NOW, thenRole: "dev" } });

    expect(leaseAt(temporary, NOW - 1)).toBe(temporary);
    expect(leaseAt(temporary, NOW)).toEqual({ ...lease(), role: "dev", previousRole: "prod" });
    expect(leaseAt(temporary, NOW)).not.toHaveProperty("temporary");
  });

  it("follows the default lease again where it falls back to no role; the default lease has none then", () => {
    const temporary = { until: NOW, thenRole: null };

    expect(leaseAt(lease({ temporary }), NOW)).toMatchObject({ role: null, followsDefault: true });
    expect(leaseAt(lease({ temporary, kind: "default" }), NOW)).toMatchObject({ role: null, followsDefault: false });
  });

  it("follows no other lease once it has a role of its own", () => {
    expect(roleFields(lease(), "dev")).toEqual({ role: "dev", followsDefault: false });
    expect(roleFields(lease({ kind: "default" }), "dev")).toEqual({ role: "dev", followsDefault: false });
  });
});

describe("the token of a lease", () => {
  it("is new each time, of 32 bytes, and in the form that clients send", () => {
    const tokens = Array.from({ length: 100 }, () => newLeaseToken().reveal());

    expect(new Set(tokens).size).toBe(100);
    for (const token of tokens) {
      expect(token).toMatch(LEASE_TOKEN_PATTERN);
      expect(Buffer.from(token.slice(4), "base64url")).toHaveLength(32);
    }
  });

  it("is kept as its SHA-256 in hex", () => {
    expect(hashLeaseToken("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
