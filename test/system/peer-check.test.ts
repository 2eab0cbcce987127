import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { whyPeersAreUnknown } from "../../src/system/peer-check.js";
import { tempDir } from "../support/temp-dir.js";

const EVERY_USER = "         0          0 4294967295\n";

/** A /proc with what is asked of it. */
function proc(files: Readonly<Record<string, string>> = {}): string {
  const directory = tempDir("proc");
  const all = { "self/net/tcp": "", "self/uid_map": EVERY_USER, "sys/kernel/overflowuid": "65534\n", ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

const linux = { platform: "linux", kernel: "6.1.0-18-amd64", uid: 1000 } as const;

describe("whether the system tells whose a connection is", () => {
  it("it does on Linux", () => {
    expect(whyPeersAreUnknown({ ...linux, procDir: proc() })).toBeUndefined();
  });

  it.each([
    ["on macOS", { platform: "darwin" }, {}, "macOS"],
    ["under WSL", { kernel: "5.15.90.1-microsoft-standard-WSL2" }, {}, "WSL"],
    ["under WSL with a kernel of one's own", {}, { "sys/fs/binfmt_misc/WSLInterop": "enabled" }, "WSL"],
    ["where all others look like us", { uid: 65_534 }, { "self/uid_map": "65534 1000 1\n" }, "65534"],
  ] as const)("it does not %s", (_name, machine, files, reason) => {
    expect(whyPeersAreUnknown({ ...linux, ...machine, procDir: proc(files) })).toContain(reason);
  });

  it("it does for user 65534 outside a user namespace", () => {
    expect(whyPeersAreUnknown({ ...linux, uid: 65_534, procDir: proc() })).toBeUndefined();
  });

  it("it does not where /proc is not there", () => {
    expect(whyPeersAreUnknown({ ...linux, procDir: join(tempDir("proc"), "none") })).toContain("cannot be read");
  });
});
