import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { encodeDataKey, newDataKey } from "../../src/secrets/data-key.js";
import { SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canaryPassphrase, canarySecretKey } from "../support/canaries.js";
import { tempDir } from "../support/temp-dir.js";
import { testSecretStore } from "../support/test-secret-store.js";

const secret = new Secret(canarySecretKey("store"));

describe("a secret store whose key lies in a key file", () => {
  it("a secret store whose key lies in a key file is made, read again after a restart, and warns that it is weak", async () => {
    const { access, secrets, stateDir } = testSecretStore();
    expect(await access.probe()).toMatchObject({ state: "absent" });
    expect(await access.create({})).toMatchObject({ state: "open", warnings: [expect.stringContaining("weak")] });
    await secrets.put("keys:ops", secret);

    const again = testSecretStore({ stateDir });
    expect(await again.access.probe()).toMatchObject({ state: "open", warnings: [expect.stringContaining("weak")] });
    expect((await again.secrets.get("keys:ops"))?.reveal()).toBe(secret.reveal());
    expect(readdirSync(stateDir).sort()).toEqual(["data.key", "secrets.sealed"]);
  });

  it("a secret store whose key lies in a key file says what is wrong when its key file is lost or open to others, and keeps its secrets until that is fixed", async () => {
    const { access, secrets, stateDir } = testSecretStore();
    await access.create({});
    await secrets.put("keys:ops", secret);
    const keyFile = join(stateDir, "data.key");
    const kept = readFileSync(keyFile);

    chmodSync(keyFile, 0o644);
    expect(await testSecretStore({ stateDir }).access.probe()).toMatchObject({
      state: "error",
      hint: expect.stringContaining("chmod 600") as string,
    });
    rmSync(keyFile);
    const lost = testSecretStore({ stateDir });
    expect(await lost.access.probe()).toMatchObject({ state: "error" });
    writeFileSync(keyFile, kept, { mode: 0o600 });
    expect(await lost.access.unlock({})).toMatchObject({ state: "open" });
    expect(await lost.secrets.get("keys:ops")).toBeDefined();
  });

  it("a secret store whose key lies in a key file keeps its credentials cache over a restart", async () => {
    const { access, cache, stateDir } = testSecretStore();
    await access.create({});
    await cache.write(() => `role credentials ${CANARY}`);
    await cache.flush();
    const again = testSecretStore({ stateDir });
    await again.access.probe();
    expect(await again.cache.read()).toBe(`role credentials ${CANARY}`);
  });
});

describe("a secret store whose key a passphrase wraps", () => {
  const passphrase = new Secret(canaryPassphrase("store"));

  it("a secret store whose key a passphrase wraps is made with it, locked after a restart, and opened by it alone", async () => {
    const { access, secrets, stateDir } = testSecretStore({ kind: "passphrase" });
    expect(await brokerErrorOf(() => access.create({}))).toMatchObject({ code: "UsageInvalid" });
    expect(await access.create({ passphrase })).toEqual({ state: "open", warnings: [] });
    await secrets.put("keys:ops", secret);

    const again = testSecretStore({ kind: "passphrase", stateDir });
    expect(await again.access.probe()).toMatchObject({ state: "locked", hint: "brokerctl unlock" });
    const wrong = await again.access.unlock({ passphrase: new Secret(canaryPassphrase("wrong")) });
    expect(wrong).toMatchObject({ state: "locked", message: expect.stringContaining("wrong") as string });
    expect(await again.access.unlock({ passphrase })).toMatchObject({ state: "open" });
    expect((await again.secrets.get("keys:ops"))?.reveal()).toBe(secret.reveal());
  });

  it("a secret store whose key a passphrase wraps opens by itself where the passphrase lies in a file, but not after lock", async () => {
    const named = join(tempDir("store-passphrase", "input"), "passphrase");
    writeFileSync(named, `${passphrase.reveal()}\n`, { mode: 0o600 });
    const options = { kind: "passphrase", passphraseFiles: { named } } as const;
    const { access, stateDir } = testSecretStore(options);
    await access.create({});
    const again = testSecretStore({ ...options, stateDir });
    expect(await again.access.probe()).toMatchObject({ state: "open" });
    await again.access.lock();
    const third = testSecretStore({ ...options, stateDir });
    expect(await third.access.probe()).toMatchObject({ state: "locked" });
    expect(await third.access.unlock({})).toMatchObject({ state: "open" });
  });
});

describe("a secret store whose key a command yields", () => {
  function commandOptions(): { kind: "command"; dataKeyCommand: string[]; clock: SystemClock; keyFile: string } {
    const keyFile = join(tempDir("store-command", "input"), "key");
    writeFileSync(keyFile, `${encodeDataKey(newDataKey())}\n`, { mode: 0o600 });
    return { kind: "command", dataKeyCommand: ["cat", keyFile], clock: new SystemClock(), keyFile };
  }

  it("a secret store whose key a command yields is made only on demand, and with the command's own key", async () => {
    const { keyFile, ...options } = commandOptions();
    const { access, secrets, stateDir } = testSecretStore(options);
    expect(await access.probe()).toMatchObject({ state: "absent", hint: "brokerctl init" });
    expect(readdirSync(stateDir)).toEqual([]);
    expect(await access.create({})).toEqual({ state: "open", warnings: [] });
    await secrets.put("keys:ops", secret);
    expect(await testSecretStore({ ...options, stateDir }).access.probe()).toMatchObject({ state: "open" });

    writeFileSync(keyFile, `${encodeDataKey(newDataKey())}\n`);
    expect(await testSecretStore({ ...options, stateDir }).access.probe()).toMatchObject({ state: "error" });
    rmSync(keyFile);
    expect(await testSecretStore({ ...options, stateDir }).access.probe()).toMatchObject({ state: "locked" });
  });

  it("a secret store whose key a command yields is not made where the command yields no good key", async () => {
    const { access, stateDir } = testSecretStore({ ...commandOptions(), dataKeyCommand: ["echo", "no key"] });
    expect(await access.create({})).toMatchObject({ state: "error" });
    expect(existsSync(join(stateDir, "secrets.sealed"))).toBe(false);
  });

  it.each([undefined, []])(
    "a secret store whose key a command yields is refused without a command",
    (dataKeyCommand) => {
      expect(() => testSecretStore({ kind: "command", dataKeyCommand })).toThrow(
        expect.objectContaining({ code: "ConfigInvalid" } satisfies Partial<BrokerError>),
      );
    },
  );
});

it("a secret store whose holder was changed in the config is refused and left as it is, until it is changed back", async () => {
  const { access, secrets, stateDir } = testSecretStore();
  await access.create({});
  await secrets.put("keys:ops", secret);
  const before = readFileSync(join(stateDir, "secrets.sealed"));

  const changed = testSecretStore({ stateDir, kind: "passphrase" });
  expect(await changed.access.probe()).toMatchObject({ state: "error" });
  const passphrase = new Secret(canaryPassphrase("change"));
  expect(await brokerErrorOf(() => changed.access.create({ passphrase }))).toMatchObject({ code: "Conflict" });
  expect(readFileSync(join(stateDir, "secrets.sealed")).equals(before)).toBe(true);
  expect(readdirSync(stateDir).sort()).toEqual(["data.key", "secrets.sealed"]);

  expect(await testSecretStore({ stateDir }).access.probe()).toMatchObject({ state: "open" });
});

it("a secret store on a keychain whose child program is missing is unavailable, and makes nothing", async () => {
  const { access, stateDir } = testSecretStore({ kind: "keychain", clock: new SystemClock() });
  expect(await access.probe()).toMatchObject({ state: "error" });
  expect(await access.create({})).toMatchObject({ state: "error" });
  expect(readdirSync(stateDir)).toEqual([]);
});
