import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { dataKeyFrom, dataKeyId, decodeDataKey, encodeDataKey, newDataKey } from "../../src/secrets/data-key.js";

const hex = "00112233445566778899aabbccddeeff".repeat(2);

describe("a data key", () => {
  it("a data key is another one each time", () => {
    expect(newDataKey().equals(newDataKey())).toBe(false);
  });

  it("a data key comes back from its text form", () => {
    const key = newDataKey();
    expect(encodeDataKey(key)).toHaveLength(43);
    expect(decodeDataKey(encodeDataKey(key))?.equals(key)).toBe(true);
  });

  it("a data key is the same in hex of either case", () => {
    const key = decodeDataKey(hex)!;
    expect(decodeDataKey(hex.toUpperCase())?.equals(key)).toBe(true);
    expect(encodeDataKey(key)).toBe(Buffer.from(hex, "hex").toString("base64url"));
  });

  it.each([
    ["nothing", ""],
    ["31 bytes", Buffer.alloc(31).toString("base64url")],
    ["33 bytes", Buffer.alloc(33).toString("base64url")],
    ["hex cut short", hex.slice(2)],
    ["hex too long", `${hex}00`],
    ["padding", `${Buffer.alloc(32).toString("base64url")}=`],
    ["base64 of the other alphabet", Buffer.alloc(32, 0xff).toString("base64").slice(0, 43)],
    ["bits that no encoder leaves", `${"A".repeat(42)}B`],
    ["a space", ` ${hex}`],
  ])("a data key is not read from %s", (_, text) => {
    expect(decodeDataKey(text)).toBeUndefined();
  });

  it("a data key is not made of more or fewer than 32 bytes", () => {
    for (const length of [0, 31, 33]) expect(dataKeyFrom(Buffer.alloc(length))).toBeUndefined();
  });

  it("a data key has an id that is stable and tells nothing of its bytes", () => {
    const key = decodeDataKey(hex)!;
    expect(dataKeyId(key)).toBe(dataKeyId(decodeDataKey(hex)!));
    expect(dataKeyId(key)).toMatch(/^[0-9a-f]{32}$/);
    expect(hex).not.toContain(dataKeyId(key));
    expect(dataKeyId(newDataKey())).not.toBe(dataKeyId(key));
  });

  it("a data key prints without its bytes, and the bytes it was made from are wiped", () => {
    const bytes = Buffer.from(hex, "hex");
    const key = dataKeyFrom(bytes)!;
    expect(`${inspect(key)}${JSON.stringify(key)}`).not.toMatch(/0011|ABEi|"data"/);
    expect(bytes.equals(Buffer.alloc(32))).toBe(true);
  });
});
