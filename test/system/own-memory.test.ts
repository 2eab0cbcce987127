import { describe, expect, it } from "vitest";
import { whyMemoryIsOpen } from "../../src/system/own-memory.js";

const uid = process.getuid?.() ?? -1;

describe("whether other programs of the user can read this process", () => {
  it.runIf(process.platform === "linux")("they can read one whose program file its user can read", () => {
    expect(whyMemoryIsOpen()).toBe("programs of your user can read it");
  });

  it.runIf(process.platform === "linux")("they cannot where the kernel gives its files to another", () => {
    expect(whyMemoryIsOpen({ platform: "linux", uid: uid + 1, procDir: "/proc" })).toBeUndefined();
  });

  it("it is not known on another system, or where /proc is not there", () => {
    expect(whyMemoryIsOpen({ platform: "darwin", uid, procDir: "/proc" })).toMatch(/not known/);
    expect(whyMemoryIsOpen({ platform: "linux", uid, procDir: "/none" })).toMatch(/not known/);
  });
});
