import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { KeychainAnswer } from "../../src/secrets/ask-keychain-child.js";
import { encodeDataKey, newDataKey } from "../../src/secrets/data-key.js";
import { Keychain } from "../../src/secrets/keychain.js";
import { type Clock, SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";

const key = newDataKey();
const quiet = { interactive: false };
const interactive = { interactive: true };

/** A keychain whose child runs `script` instead of ours, which finds what it was asked in `request`. */
function keychainWith(
  script: string,
  {
    clock = new SystemClock(),
    stateDir = tempDir("keychain"),
  }: { readonly clock?: Clock; readonly stateDir?: string } = {},
): Keychain {
  const scriptPath = join(tempDir("keychain-child"), "child.mjs");
  const head = `process.stdin.once("data", (line) => { const request = JSON.parse(line); const say = (answer) => console.log(JSON.stringify(answer));`;
  writeFileSync(scriptPath, `${head}\n${script}\n});\n`);
  return new Keychain({ child: { nodePath: process.execPath, scriptPath }, stateDir, clock });
}

const answering = (answer: KeychainAnswer): Keychain => keychainWith(`say(${JSON.stringify(answer)})`);

describe("the keychain's data key", () => {
  it("the keychain's data key is found, or absent", async () => {
    const outcome = await answering({ outcome: "found", key: encodeDataKey(key) }).load(quiet);
    expect(outcome.outcome === "found" && outcome.key.equals(key)).toBe(true);
    expect(await answering({ outcome: "absent" }).load(quiet)).toEqual({ outcome: "absent" });
  });

  it.each(["locked", "unavailable"] as const)(
    "the keychain's data key is %s with the keychain's reason and a hint",
    async (outcome) => {
      const result = await answering({ outcome, detail: "reason of the keychain" }).load(quiet);
      expect(result).toMatchObject({ outcome });
      expect((result as { message: string }).message).toContain("reason of the keychain");
      const onLinux = /^start a Secret Service .*secret_store: passphrase$/;
      const wanted = outcome === "unavailable" && process.platform === "linux" ? onLinux : /^brokerctl unlock$/;
      expect((result as { hint: string }).hint).toMatch(wanted);
    },
  );

  it("the keychain's data key is not asked for where the name of the installation cannot be told", async () => {
    const file = join(tempDir("installation"), "file");
    writeFileSync(file, "");
    const keychain = keychainWith(`say({ outcome: "absent" })`, { stateDir: join(file, "state") });
    await expect(keychain.load(quiet)).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it.each([
    ["holds something else", `say({ outcome: "found", key: "c2hvcnQ" })`],
    ["is answered with nonsense", `console.log("nonsense")`],
    ["is answered with another word", `say({ outcome: "perhaps" })`],
    ["is answered with null", `say(null)`],
    ["gives an unexpected answer", `say({ outcome: "saved" })`],
    ["is answered without end", `setInterval(() => process.stdout.write("x".repeat(10_000)), 1)`],
    ["ends its child with an error", `process.exit(7)`],
    ["crashes its child", `process.kill(process.pid, "SIGSEGV")`],
  ])("the keychain's data key is unavailable, never absent, where the keychain %s", async (_, script) => {
    expect(await keychainWith(script).load(quiet)).toMatchObject({ outcome: "unavailable" });
  });

  it("the keychain's data key is unavailable where the child cannot be started", async () => {
    const child = { nodePath: "/no/such/node", scriptPath: "x.js" };
    const keychain = new Keychain({ child, stateDir: tempDir("keychain"), clock: new SystemClock() });
    expect(await keychain.load(quiet)).toMatchObject({ outcome: "unavailable" });
  });

  it("the keychain's data key is asked for without a prompt, unless it is interactive, in the name of the installation", async () => {
    const stateDir = tempDir("installation");
    const script = `say({ outcome: "locked", detail: [request.operation, request.interactive, request.account].join(" ") })`;
    const asked = async (options: { interactive: boolean }): Promise<string> =>
      ((await keychainWith(script, { stateDir }).load(options)) as { message: string }).message;
    expect(await asked(quiet)).toContain(`load false data-key:v1:${stateDir}`);
    expect(await asked(interactive)).toContain(`load true data-key:v1:${stateDir}`);
  });

  it("the keychain's data key is locked, and the child killed, after 2 s without an answer; after 30 s where the user is asked", async () => {
    for (const [options, limitMs] of [
      [quiet, 2_000],
      [interactive, 30_000],
    ] as const) {
      const clock = new FakeClock();
      const pidFile = join(tempDir("keychain-pid"), "pid");
      const script = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);
        import("node:fs").then(({ writeFileSync }) => writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)));`;
      const loading = keychainWith(script, { clock }).load(options);
      const pid = await vi.waitUntil(() => existsSync(pidFile) && Number(readFileSync(pidFile, "utf8")), 60_000);
      await clock.advance(limitMs - 1);
      expect(await Promise.race([loading, Promise.resolve("waiting")])).toBe("waiting");
      await clock.advance(1);
      const outcome = await loading;
      expect(outcome).toMatchObject({ outcome: "locked", hint: "brokerctl unlock" });
      expect((outcome as { message: string }).message).toContain(`within ${limitMs / 1000} s`);
      expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    }
  });
});

describe("saving to the keychain", () => {
  const keeping = (kept: string): string =>
    `say(request.operation === "save" ? { outcome: "saved" } : { outcome: "found", key: ${kept} });`;

  it("saving to the keychain passes the key over stdin only, and reads it back", async () => {
    const script = `
      if (process.argv.join().includes(${JSON.stringify(encodeDataKey(key))})) process.exit(1);
      if (Object.values(process.env).join().includes(${JSON.stringify(encodeDataKey(key))})) process.exit(1);
      if (request.operation === "save" && request.key !== ${JSON.stringify(encodeDataKey(key))}) process.exit(1);
      ${keeping(JSON.stringify(encodeDataKey(key)))}`;
    await keychainWith(script).save(key, interactive);
  });

  it("saving to the keychain fails where another key is read back", async () => {
    const other = keychainWith(keeping(JSON.stringify(encodeDataKey(newDataKey()))));
    expect(await brokerErrorOf(() => other.save(key, interactive))).toMatchObject({ code: "StoreUnavailable" });
  });

  it.each([
    ["nothing", { outcome: "absent" }],
    ["a locked keychain", { outcome: "locked", detail: "x" }],
  ])("saving to the keychain fails where %s is read back", async (_, answer) => {
    const script = `say(request.operation === "save" ? { outcome: "saved" } : ${JSON.stringify(answer)})`;
    expect(await brokerErrorOf(() => keychainWith(script).save(key, interactive))).toMatchObject({
      code: "StoreUnavailable",
    });
  });

  it.each([
    ["there is one already", { outcome: "exists" }, "Conflict"],
    ["the prompt is refused", { outcome: "locked", detail: "dismissed" }, "StoreUnavailable"],
    ["there is no keychain", { outcome: "unavailable", detail: "no bus" }, "StoreUnavailable"],
  ] as const)("fails where %s, and the error has no key in it", async (_, answer, code) => {
    const error = await brokerErrorOf(() => answering(answer).save(key, interactive));
    expect(error.code).toBe(code);
    if (answer.outcome === "locked") expect(error.hint).toBe("brokerctl unlock");
    expect(`${error.message}${String(error.cause)}`).not.toContain(encodeDataKey(key));
  });
});
