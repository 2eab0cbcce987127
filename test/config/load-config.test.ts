import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load-config.js";
import { BrokerError } from "../../src/core/errors.js";
import { tempDir } from "../support/temp-dir.js";
import { EXAMPLE, HEAD } from "./config-text.js";

interface Written {
  readonly path: string;
}

function write(content: string | Uint8Array, { mode = 0o644, name = "config.yaml" } = {}): Written {
  const path = join(tempDir("config"), name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return { path };
}

const SESSION = { user: "me", host: "box" } as const;

async function refusal(path: string, uid?: number): Promise<BrokerError> {
  const error: unknown = await loadConfig({ path, ...SESSION, ...(uid === undefined ? {} : { uid }) }).then(
    () => new Error("nothing was thrown"),
    (reason: unknown) => reason,
  );
  if (error instanceof BrokerError) return error;
  throw error as Error;
}

describe("loadConfig", () => {
  it.each([0o600, 0o644, 0o444])("reads a file of mode %o", async (mode) => {
    const { path } = write(EXAMPLE, { mode });

    expect((await loadConfig({ path, ...SESSION })).roles.size).toBe(2);
  });

  it("follows a symbolic link, as dotfiles have them", async () => {
    const { path } = write(EXAMPLE);
    const link = join(tempDir("config"), "config.yaml");
    symlinkSync(path, link);

    expect((await loadConfig({ path: link, ...SESSION })).roles.size).toBe(2);
  });

  it("names the file in the problems", async () => {
    const { path } = write("version: 3\nsecret_store: key_file\n");
    const error = await refusal(path);

    expect(error.code).toBe("ConfigInvalid");
    expect(error.message).toContain(`${path}:1:10: version: `);
  });

  it.each([0o664, 0o646, 0o666])("refuses a file of mode %o, and says how to fix it", async (mode) => {
    const { path } = write(EXAMPLE, { mode });
    const error = await refusal(path);

    expect(error).toMatchObject({ code: "ConfigInvalid", hint: `chmod go-w ${path}` });
    expect(error.message).toContain(path);
  });

  it("looks at what a link leads to", async () => {
    const { path } = write(EXAMPLE, { mode: 0o666 });
    const link = join(tempDir("config"), "config.yaml");
    symlinkSync(path, link);

    expect((await refusal(link)).hint).toBe(`chmod go-w ${link}`);
  });

  it("writes a hint that a shell understands", async () => {
    const { path } = write(EXAMPLE, { mode: 0o666, name: "my 'own' config.yaml" });
    const { hint = "" } = await refusal(path);

    execFileSync("sh", ["-c", hint]);
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  it("refuses a file of another user, but not one of root", async () => {
    const { path } = write(EXAMPLE);
    const owner = statSync(path).uid;

    if (owner === 0) expect((await loadConfig({ path, ...SESSION, uid: 4242 })).roles.size).toBe(2);
    else expect(await refusal(path, owner + 1)).toMatchObject({ code: "ConfigInvalid" });
  });

  it.runIf(process.getuid?.() === 0)("names the other user that owns it", async () => {
    const { path } = write(EXAMPLE);
    execFileSync("chown", ["4242", path]);
    const error = await refusal(path, 1000);

    expect(error).toMatchObject({ code: "ConfigInvalid", hint: `sudo chown 1000 ${path}` });
    expect(error.message).toContain("uid 4242");
  });

  it("sends people without a config to init", async () => {
    const path = join(tempDir("config"), "no", "config.yaml");
    const error = await refusal(path);

    expect(error).toMatchObject({ code: "ConfigInvalid", hint: "brokerctl init" });
    expect(error.message).toContain(path);
  });

  it("refuses a link that leads nowhere, or to itself", async () => {
    const directory = tempDir("config");
    symlinkSync(join(directory, "nothing"), join(directory, "dangling"));
    symlinkSync(join(directory, "loop"), join(directory, "loop"));

    expect(await refusal(join(directory, "dangling"))).toMatchObject({ code: "ConfigInvalid" });
    expect(await refusal(join(directory, "loop"))).toMatchObject({ code: "ConfigInvalid" });
  });

  it("refuses a directory, and a pipe without waiting for its writer", async () => {
    const directory = tempDir("config");
    mkdirSync(join(directory, "config.yaml"), { mode: 0o700 });
    execFileSync("sh", ["-c", 'mkfifo -m 600 "$0"', join(directory, "pipe")]);

    expect((await refusal(join(directory, "config.yaml"))).message).toContain("not a regular file");
    expect((await refusal(join(directory, "pipe"))).message).toContain("not a regular file");
  });

  it("says that a file cannot be read", async () => {
    const { path } = write(EXAMPLE, { mode: 0o000 });

    expect(await asOtherUser(() => refusal(path))).toMatchObject({ code: "ConfigInvalid", hint: `chmod u+r ${path}` });
  });

  it("refuses a file over 1 MiB without reading it", async () => {
    const { path } = write(`${HEAD}#${"x".repeat(1024 * 1024)}\n`);

    expect((await refusal(path)).message).toContain("too large: a config has at most 1024 KiB");
  });

  it.each([
    ["UTF-16", Buffer.from(`\uFEFF${HEAD}`, "utf16le")],
    ["Latin-1", Buffer.from(`${HEAD}# ä\n`, "latin1")],
    ["no text at all", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe])],
  ])("refuses %s", async (_, bytes) => {
    const { path } = write(bytes);

    expect((await refusal(path)).message).toContain("not UTF-8");
  });

  it("names a byte order mark", async () => {
    const { path } = write(`\uFEFF${HEAD}`);

    expect((await refusal(path)).message).toContain("byte order mark");
  });
});

/** Root may read everything: as root the question is asked with another user's rights. */
async function asOtherUser<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  process.seteuid?.(65_534);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
  }
}
