import { describe, expect, it } from "vitest";
import { newDataKey } from "../../src/secrets/data-key.js";
import { readSealedHeader, seal, unseal } from "../../src/secrets/sealed-file.js";
import { canarySecretKey } from "../support/canaries.js";

const key = newDataKey();
const plaintext = Buffer.from(JSON.stringify([["keys:ops", canarySecretKey()]]));
const sealing = { purpose: "secrets", kind: "keychain", sequence: 7 } as const;
const sealed = seal(plaintext, sealing, key);

describe("a sealed file", () => {
  it("a sealed file opens with its key to what was sealed", () => {
    expect(unseal(sealed, "secrets", key)).toEqual({ outcome: "ok", plaintext, sequence: 7 });
  });

  it("a sealed file holds nothing of the plaintext or the key in clear", () => {
    expect(sealed.includes(plaintext.subarray(0, 12))).toBe(false);
    expect(sealed.includes(key.export())).toBe(false);
  });

  it("a sealed file is another one each time: no nonce is used twice", () => {
    expect(seal(plaintext, sealing, key).equals(sealed)).toBe(false);
  });

  it("a sealed file tells without the key who holds it and which key it is", () => {
    expect(readSealedHeader(sealed)).toMatchObject({ outcome: "ok", kind: "keychain" });
    const other = readSealedHeader(seal(plaintext, { ...sealing, kind: "key_file" }, newDataKey()));
    expect(other).toMatchObject({ outcome: "ok", kind: "key_file" });
    expect(other).not.toMatchObject({ keyId: (readSealedHeader(sealed) as { keyId: string }).keyId });
  });

  it("a sealed file names another key as another key, not as damage", () => {
    expect(unseal(sealed, "secrets", newDataKey())).toMatchObject({ outcome: "wrong-key" });
  });

  it("a sealed file does not stand in for the other sealed file", () => {
    expect(unseal(sealed, "cache", key)).toMatchObject({ outcome: "damaged" });
  });

  it("a sealed file of a newer version is said to be newer, whatever follows the version", () => {
    const newer = Buffer.from(sealed);
    newer.writeUInt16BE(2, 8);
    newer.fill(0xff, 10);
    expect(unseal(newer, "secrets", key)).toEqual({ outcome: "newer", version: 2 });
    expect(readSealedHeader(newer)).toEqual({ outcome: "newer", version: 2 });
  });

  it("a sealed file never opens with any single bit flipped", () => {
    const outcomes = new Set<string>();
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const { outcome } = unseal(flipped, "secrets", key);
      outcomes.add(outcome);
      if (bit >= 36 * 8) expect(outcome).toBe("damaged"); // nonce, ciphertext, tag
    }
    expect([...outcomes].sort()).toEqual(["damaged", "newer", "wrong-key"]);
  });

  it("a sealed file never opens truncated to any length, or with bytes appended", () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(unseal(sealed.subarray(0, length), "secrets", key)).toMatchObject({ outcome: "damaged" });
    }
    expect(unseal(Buffer.concat([sealed, Buffer.alloc(1)]), "secrets", key)).toMatchObject({ outcome: "damaged" });
  });
});
