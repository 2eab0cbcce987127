import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { StateFile } from "../../src/files/state-file.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const TEXT = "what was written";

function read(path: string): Promise<string | undefined> {
  return new StateFile({ path, writeAtomic: async () => undefined, what: "leases" }).read((text) => text);
}

describe("reading a state file", () => {
  it("is undefined where there is no file, and the content where there is one", async () => {
    const path = join(tempDir("leases"), "leases.json");
    expect(await read(path)).toBeUndefined();

    writeFileSync(path, TEXT, { mode: 0o600 });
    expect(await read(path)).toBe(TEXT);
  });

  it("refuses a file that other users can read, with the command that fixes it", async () => {
    const path = join(tempDir("leases"), "leases.json");
    writeFileSync(path, TEXT);
    chmodSync(path, 0o644);

    expect(await brokerErrorOf(() => read(path))).toMatchObject({
      code: "FileRefused",
      hint: `chmod 600 ${path}`,
    });
  });

  it("refuses a symbolic link, a directory and a pipe, without waiting on it", async () => {
    const directory = tempDir("leases");
    writeFileSync(join(directory, "target"), TEXT, { mode: 0o600 });
    symlinkSync(join(directory, "target"), join(directory, "link"));
    mkdirSync(join(directory, "directory"), { mode: 0o700 });
    execFileSync("sh", ["-c", 'mkfifo -m 600 "$0"', join(directory, "pipe")]);

    for (const name of ["link", "directory", "pipe"]) {
      expect((await brokerErrorOf(() => read(join(directory, name)))).code, name).toBe("FileRefused");
    }
  });

  it("rejects with the path, the parser's reason and a command when the content cannot be parsed", async () => {
    const path = join(tempDir("leases"), "leases.json");
    writeFileSync(path, TEXT, { mode: 0o600 });
    const file = new StateFile({ path, writeAtomic: async () => undefined, what: "leases" });
    const parse = (): never => {
      throw new Error("the file has the unknown field more");
    };

    const error = await brokerErrorOf(() => file.read(parse));

    expect(error.code).toBe("StoreUnavailable");
    expect(error.message).toContain(path);
    expect(error.message).toContain("the unknown field more");
    expect(error.hint).toContain("mv ");
  });

  it("says why when the file cannot be opened at all", async () => {
    const path = join(tempDir("leases"), "file");
    writeFileSync(path, "");

    const error = await brokerErrorOf(() => read(join(path, "leases.json")));

    expect(error.code).toBe("StoreUnavailable");
    expect(error.message).toContain("ENOTDIR");
  });
});

describe("writing a state file", () => {
  it("says why it cannot be saved, with the hint that is known, under the code of the store", async () => {
    const known = new BrokerError("InternalError", "no space left", { hint: "df -h /x" });
    const rejecting = (error: Error): StateFile =>
      new StateFile({ path: "/x/leases.json", writeAtomic: () => Promise.reject(error), what: "leases" });

    const message = "the leases cannot be saved: no space left";
    const told = { code: "StoreUnavailable", message, hint: "df -h /x", cause: known };
    expect(await brokerErrorOf(() => rejecting(known).write(TEXT))).toMatchObject(told);
    expect(await brokerErrorOf(() => rejecting(new Error("x")).write(TEXT))).toMatchObject({
      ...{ code: "StoreUnavailable", message: "the leases cannot be saved: x", hint: "ls -ld /x" },
    });
    const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    expect(await brokerErrorOf(() => rejecting(full).write(TEXT))).toMatchObject({
      hint: "df -h /x    # free some space",
    });
  });
});
