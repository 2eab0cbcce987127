import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { hashLeaseToken, type Lease } from "../../src/core/lease.js";
import { Secret } from "../../src/core/secret.js";
import { hookFile } from "../../src/core/shell-files.js";
import { StartLines } from "../../src/daemon/start-lines.js";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import { tempDir } from "../support/temp-dir.js";

/** New shells are handed these in a file of their own user: no search takes them for a leak. */
const ONE = `brk_${"1".repeat(43)}`;
const TWO = `brk_${"2".repeat(43)}`;

let stateDir: string;
let token: string;
let endpoint: string | null;
let locked: boolean;

const lines = (): StartLines =>
  new StartLines({
    stateDir,
    defaultLease: () => ({ kind: "default", tokenHash: hashLeaseToken(token) }) as Lease,
    region: () => "eu-west-1",
    endpoint: () => endpoint,
    tokenOf: () =>
      locked ? Promise.reject(new BrokerError("StoreLocked", "locked")) : Promise.resolve(new Secret(token)),
    writeAtomic: (path, data) => writeFileAtomic(new NodeFileSystem(), path, data),
  });
const file = (): string => hookFile(stateDir, "bash");
const text = (): string => readFileSync(file(), "utf8");

beforeEach(async () => {
  stateDir = tempDir("start-lines");
  await mkdir(join(stateDir, "shell"), { mode: 0o700 });
  token = ONE;
  endpoint = "http://127.0.0.1:9171";
  locked = false;
  writeFileSync(file(), "__credbroker_default=''\nthe hook\n");
});

describe("the default lease for new shells", () => {
  it("is the file's first line, and the rest stays as it is", async () => {
    await lines().publish();
    const name = hashLeaseToken(token).slice(0, 16);
    expect(text()).toBe(`__credbroker_default='${endpoint}/lease/${token} ${name} eu-west-1'\nthe hook\n`);
    expect(readdirSync(join(stateDir, "shell"))).toEqual(["hook.bash"]);
  });

  it("follows the token and the port, and is withdrawn with the port", async () => {
    await lines().publish();
    token = TWO;
    endpoint = "http://127.0.0.1:9999";
    await lines().publish();
    expect(text()).toContain(`'http://127.0.0.1:9999/lease/${token} `);
    await lines().withdraw();
    expect(text()).toBe("__credbroker_default=''\nthe hook\n");
    endpoint = null;
    await lines().publish();
    expect(text()).toBe("__credbroker_default=''\nthe hook\n");
  });

  it("stays while the secret store is locked, unless it is another token by then", async () => {
    await lines().publish();
    const before = text();
    locked = true;
    await lines().publish();
    expect(text()).toBe(before);
    token = TWO;
    await lines().publish();
    expect(text()).toBe("__credbroker_default=''\nthe hook\n");
  });

  it("is not written into what the hook did not write", async () => {
    writeFileSync(file(), "# mine\n__credbroker_default=''\n");
    await lines().publish();
    expect(text()).toBe("# mine\n__credbroker_default=''\n");
  });
});
