import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { LeaseStore } from "../../src/leases/lease-store.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseRoom } from "../support/lease-room.js";
import { tempDir } from "../support/temp-dir.js";

const VALID = '{"version":1,"leases":[],"ended":[],"rotationDue":[]}';

function storeAt(path: string): LeaseStore {
  return new LeaseStore({ path, writeAtomic: async () => undefined });
}

describe("reading leases.json", () => {
  it("finds nothing where there is no file", async () => {
    expect(await storeAt(join(tempDir("leases"), "leases.json")).read()).toBeUndefined();
  });

  it.each(["", "{", '{"version":2}', '{"version":1}', VALID.slice(0, -1)])(
    "rejects %j, leaves it as it is and never writes over it",
    async (text) => {
      const room = new LeaseRoom();
      writeFileSync(room.path, text, { mode: 0o600 });
      const leases = room.registry();

      const error = await brokerErrorOf(() => leases.load());

      expect(error.code).toBe("StoreUnavailable");
      expect(error.message).toContain(room.path);
      expect(error.hint).toContain("mv ");
      await expect(leases.reconcile()).rejects.toMatchObject({ code: "StoreUnavailable" });
      await expect(leases.pinned("dev")).rejects.toMatchObject({ code: "StoreUnavailable" });
      await leases.sweep();
      await leases.flush();
      expect(readFileSync(room.path, "utf8")).toBe(text);
      expect(room.writes).toBe(0);
    },
  );

  it("refuses a file that others can read, and names the mend", async () => {
    const path = join(tempDir("leases"), "leases.json");
    writeFileSync(path, VALID);
    chmodSync(path, 0o644);

    expect(await brokerErrorOf(() => storeAt(path).read())).toMatchObject({
      code: "FileRefused",
      hint: `chmod 600 ${path}`,
    });
  });

  it("refuses a symbolic link, a directory and a pipe, without waiting on it", async () => {
    const directory = tempDir("leases");
    writeFileSync(join(directory, "target"), VALID, { mode: 0o600 });
    symlinkSync(join(directory, "target"), join(directory, "link"));
    mkdirSync(join(directory, "directory"), { mode: 0o700 });
    execFileSync("sh", ["-c", 'mkfifo -m 600 "$0"', join(directory, "pipe")]);

    for (const name of ["link", "directory", "pipe"]) {
      expect((await brokerErrorOf(() => storeAt(join(directory, name)).read())).code, name).toBe("FileRefused");
    }
  });

  it("says why when the file cannot be opened at all", async () => {
    const path = join(tempDir("leases"), "file");
    writeFileSync(path, "");

    const error = await brokerErrorOf(() => storeAt(join(path, "leases.json")).read());

    expect(error.code).toBe("StoreUnavailable");
    expect(error.message).toContain("ENOTDIR");
  });
});

describe("writing leases.json", () => {
  it("passes on an error that says what to do, and explains any other", async () => {
    const records = { leases: [], ended: [], rotationDue: [] };
    const known = new BrokerError("InternalError", "no space left");
    const rejecting = (error: Error): LeaseStore =>
      new LeaseStore({ path: "/x/leases.json", writeAtomic: () => Promise.reject(error) });

    expect(await brokerErrorOf(() => rejecting(known).write(records))).toBe(known);
    expect(await brokerErrorOf(() => rejecting(new Error("x")).write(records))).toMatchObject({
      code: "StoreUnavailable",
      hint: expect.any(String) as string,
    });
  });
});
