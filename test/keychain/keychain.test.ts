import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Secret } from "../../src/core/secret.js";
import type { SealedStore } from "../../src/secrets/create-secret-store.js";
import { type ForgottenDataKey, forgetDataKey } from "../../src/secrets/keychain.js";
import { type Cancel, type Clock, SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";
import { testSecretStore } from "../support/test-secret-store.js";
import { KeychainSession, missingPrograms, type SessionOptions } from "./keychain-session.js";

const missing = missingPrograms();
const secret = new Secret(canarySecretKey("keychain"));
/** Five times the limits: what is tested here must not hang on how busy this machine is. */
const patientClock: Clock = new (class extends SystemClock {
  override after(delayMs: number, callback: () => void): Cancel {
    return super.after(5 * delayMs, callback);
  }
})();
const sessions: KeychainSession[] = [];
const processes: ChildProcess[] = [];

if (missing.length > 0) {
  console.warn(
    `\n*** NOT TESTED: the keychain tests need a real Secret Service; missing: ${missing.join(", ")} ***\n` +
      "*** apt-get install --no-install-recommends gnome-keyring dbus dbus-x11 libsecret-tools ***\n",
  );
}

it.runIf(process.env["CI"])("a real Secret Service is there: in CI skipped counts as failed", () => {
  expect(missing).toEqual([]);
});

afterEach(async () => {
  for (const child of processes.splice(0)) child.kill("SIGKILL");
  for (const session of sessions.splice(0)) await session.stop();
});

async function startSession(options: SessionOptions = {}): Promise<KeychainSession> {
  const session = await KeychainSession.start(options);
  sessions.push(session);
  return session;
}

async function loggedIn(): Promise<KeychainSession> {
  const session = await startSession();
  await session.startKeyring();
  return session;
}

/** A daemon's start in `session`: memory is new, state directory and keychain are as they were left. */
function storeIn(
  session: KeychainSession,
  { stateDir = tempDir("keychain-state"), clock = patientClock }: { stateDir?: string; clock?: Clock } = {},
): SealedStore & { readonly stateDir: string } {
  return testSecretStore({ kind: "keychain", stateDir, clock, keychainChild: session.child() });
}

/** A store whose key is in the keychain and that holds one secret. */
async function madeIn(session: KeychainSession): Promise<string> {
  const { access, secrets, stateDir } = storeIn(session);
  expect(await access.create({})).toEqual({ state: "open", warnings: [] });
  await secrets.put("keys:ops", secret);
  return stateDir;
}

const sealedBytes = (stateDir: string): string => readFileSync(join(stateDir, "secrets.sealed")).toString("hex");

async function expectSecret({ access, secrets }: SealedStore): Promise<void> {
  expect(access.current().state).toBe("open");
  expect((await secrets.get("keys:ops"))?.reveal()).toBe(secret.reveal());
}

describe.skipIf(missing.length > 0)("a data key in a real Secret Service", () => {
  describe("that is unlocked", () => {
    it("is absent, made once, and found after a restart", async () => {
      const session = await loggedIn();
      const first = storeIn(session);
      expect(await first.access.probe()).toMatchObject({ state: "absent" });
      expect(await first.access.create({})).toEqual({ state: "open", warnings: [] });
      await first.secrets.put("keys:ops", secret);

      const again = storeIn(session, first);
      expect(await again.access.probe()).toEqual({ state: "open", warnings: [] });
      await expectSecret(again);
      expect(readdirSync(first.stateDir)).toEqual(["secrets.sealed"]);
    });

    it("is found by a daemon after the one before was killed", async () => {
      const session = await loggedIn();
      const stateDir = tempDir("keychain-state");
      const daemon = startProcess(session, stateDir, "make");
      await said(daemon, "put");
      daemon.kill("SIGKILL");
      await once(daemon, "exit");
      const again = storeIn(session, { stateDir });
      await again.access.probe();
      await expectSecret(again);
    });

    it("is not shared by two installations", async () => {
      const session = await loggedIn();
      const [one, two] = [await madeIn(session), tempDir("keychain-state")];
      const second = storeIn(session, { stateDir: two });
      expect(await second.access.probe()).toMatchObject({ state: "absent" });
      expect(await second.access.create({})).toMatchObject({ state: "open" });
      expect(await second.secrets.keys("")).toEqual([]);

      const first = storeIn(session, { stateDir: one });
      await first.access.probe();
      await expectSecret(first);

      // The key of one does not open the files of the other.
      await second.access.lock();
      renameSync(join(one, "secrets.sealed"), join(two, "secrets.sealed"));
      const mixed = storeIn(session, { stateDir: two });
      expect(await mixed.access.unlock({})).toMatchObject({ state: "error" });
    });

    it("is forgotten at an uninstall, once what it opens is gone", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      expect(await brokerErrorOf(() => forget(session, stateDir))).toMatchObject({ code: "Conflict" });
      rmSync(stateDir, { recursive: true });
      expect(await forget(session, stateDir, { dryRun: true })).toMatchObject({ outcome: "exists" });
      expect(await forget(session, stateDir)).toMatchObject({ outcome: "removed" });
      expect(await forget(session, stateDir)).toMatchObject({ outcome: "absent" });
    });

    it("is forgotten by the command for doing it by hand", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      rmSync(stateDir, { recursive: true });
      const { byHand } = await forget(session, stateDir, { dryRun: true });
      execFileSync("sh", ["-c", byHand], { env: session.environment });
      expect(await forget(session, stateDir)).toMatchObject({ outcome: "absent" });
    });

    it("that was lost with its keyring is not made anew over the sealed file", async () => {
      const stateDir = await madeIn(await loggedIn());
      const before = sealedBytes(stateDir);
      const elsewhere = await loggedIn();
      const store = storeIn(elsewhere, { stateDir });
      expect(await store.access.probe()).toMatchObject({ state: "error" });
      expect(await brokerErrorOf(() => store.access.create({}))).toMatchObject({ code: "Conflict" });
      expect(sealedBytes(stateDir)).toBe(before);
    });

    it("is found on the user's bus where only the runtime directory tells of it", async () => {
      const session = await loggedIn();
      const { PATH = "", HOME = "", XDG_RUNTIME_DIR = "" } = session.environment;
      const { access } = testSecretStore({
        kind: "keychain",
        clock: patientClock,
        keychainChild: session.child({ PATH, HOME, XDG_RUNTIME_DIR }),
      });
      expect(await access.create({})).toMatchObject({ state: "open" });
    });
  });

  describe("that is locked", () => {
    it("is locked at start without any prompt, and found once the user has unlocked the keyring", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      await session.lockKeyring();
      const prompter = await session.leavePromptsOpen();
      const store = storeIn(session, { stateDir });
      expect(await store.access.probe()).toMatchObject({ state: "locked", hint: "brokerctl unlock" });
      expect(prompter.prompts).toBe(0);

      await session.signalKeyring("SIGKILL");
      await session.startKeyring();
      expect(await store.access.unlock({})).toMatchObject({ state: "open" });
      await expectSecret(store);
    });

    it("stays locked where the prompt is refused, and everything stays as it is", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      const before = sealedBytes(stateDir);
      await session.lockKeyring();
      const store = storeIn(session, { stateDir });
      expect(await store.access.unlock({})).toMatchObject({
        state: "locked",
        message: expect.stringContaining("dismissed") as string,
      });
      expect(sealedBytes(stateDir)).toBe(before);
    });

    it("makes no key where the prompt for the first one is refused", async () => {
      const session = await loggedIn();
      await session.lockKeyring();
      const store = storeIn(session);
      expect(await brokerErrorOf(() => store.access.create({}))).toMatchObject({ code: "StoreUnavailable" });
      expect(readdirSync(store.stateDir)).toEqual([]);
    });

    it("gives the prompt 30 s; then its child is killed, while this process goes on with its work", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      await session.lockKeyring();
      const prompter = await session.leavePromptsOpen();
      const clock = new FakeClock();
      const unlocking = storeIn(session, { stateDir, clock }).access.unlock({});
      await vi.waitUntil(() => prompter.prompts > 0, { timeout: 60_000 });
      expect(keychainChildren(session)).toHaveLength(1);

      // What a prompt blocks inside a process: the threads of file and name look-ups.
      await Promise.all(Array.from({ length: 8 }, () => readFile(import.meta.filename)));
      await lookup("127.0.0.1");

      await clock.advance(30_000);
      expect(await unlocking).toMatchObject({ state: "locked", hint: "brokerctl unlock" });
      await vi.waitUntil(() => keychainChildren(session).length === 0, { timeout: 60_000 });
    });

    it.each(["exits", "is killed"])(
      "holds up no process that %s while the prompt is open; its child goes too",
      async (end) => {
        const session = await loggedIn();
        const stateDir = await madeIn(session);
        await session.lockKeyring();
        const prompter = await session.leavePromptsOpen();
        const daemon = startProcess(session, stateDir, "unlock");
        await vi.waitUntil(() => prompter.prompts > 0, { timeout: 60_000 });
        expect(keychainChildren(session)).toHaveLength(1);

        const gone = once(daemon, "exit");
        if (end === "exits") daemon.stdin?.end();
        else daemon.kill("SIGKILL");
        await gone;
        await vi.waitUntil(() => keychainChildren(session).length === 0, { timeout: 60_000 });
      },
    );

    it("in the middle of a run takes nothing away from a store that is open", async () => {
      const session = await loggedIn();
      const store = storeIn(session, { stateDir: await madeIn(session) });
      await store.access.probe();
      await session.lockKeyring();
      await expectSecret(store);
      await store.secrets.put("keys:more", secret);
    });
  });

  describe("that fails", () => {
    it("by being killed is found again after its restart, by the same process", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      const store = storeIn(session, { stateDir });
      await session.signalKeyring("SIGKILL");
      // The bus starts a new one by itself, which is not unlocked yet.
      expect(await store.access.probe()).toMatchObject({ state: "locked" });
      await session.signalKeyring("SIGKILL");
      await session.startKeyring();
      expect(await store.access.probe()).toMatchObject({ state: "open" });
      await expectSecret(store);
    });

    it("by hanging is given up, and found when it goes on", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      await session.signalKeyring("SIGSTOP");
      const store = storeIn(session, { stateDir, clock: new SystemClock() });
      expect(await store.access.probe()).toMatchObject({ state: "locked" });
      await session.signalKeyring("SIGCONT");
      expect(await storeIn(session, { stateDir }).access.probe()).toMatchObject({ state: "open" });
    });

    it("is not forgotten silently while it is locked", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      rmSync(stateDir, { recursive: true });
      await session.lockKeyring();
      expect(await forget(session, stateDir)).toMatchObject({ outcome: "locked" });
    });

    it.each([
      ["no D-Bus", async () => withoutBus(await startSession())],
      ["no Secret Service on the bus", async () => (await startSession({ services: false })).child()],
    ])("for %s is unavailable: nothing is made, and nothing is kept in the kernel instead", async (_, childIn) => {
      const store = testSecretStore({ kind: "keychain", clock: patientClock, keychainChild: await childIn() });
      expect(await store.access.probe()).toMatchObject({ state: "error" });
      const state = await store.access.create({});
      expect(state).toMatchObject({ state: "error" });
      expect(JSON.stringify(state)).toContain("secret_store: passphrase");
      expect(readdirSync(store.stateDir)).toEqual([]);
      expect(await store.access.probe()).toMatchObject({ state: "error" });
    });

    it("for no D-Bus leaves a store that was made before as it is", async () => {
      const session = await loggedIn();
      const stateDir = await madeIn(session);
      const before = sealedBytes(stateDir);
      const lost = testSecretStore({
        kind: "keychain",
        stateDir,
        clock: new SystemClock(),
        keychainChild: withoutBus(session),
      });
      expect(await lost.access.unlock({})).toMatchObject({ state: "error" });
      expect(sealedBytes(stateDir)).toBe(before);
    });
  });
});

function forget(
  session: KeychainSession,
  stateDir: string,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<ForgottenDataKey> {
  return forgetDataKey({ stateDir, child: session.child(), clock: patientClock, dryRun, interactive: false });
}

function withoutBus(session: KeychainSession): ReturnType<KeychainSession["child"]> {
  const { PATH = "", HOME = "" } = session.environment;
  return session.child({ PATH, HOME, XDG_RUNTIME_DIR: tempDir("no-bus") });
}

function startProcess(session: KeychainSession, stateDir: string, step: "make" | "unlock"): ChildProcess {
  const script = join(import.meta.dirname, "store-process.child.ts");
  const daemon = spawn(process.execPath, ["--import", "tsx", script, stateDir, step], {
    env: session.environment,
    stdio: ["pipe", "pipe", "inherit"],
  });
  processes.push(daemon);
  return daemon;
}

async function said(daemon: ChildProcess, word: string): Promise<void> {
  let output = "";
  daemon.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await vi.waitUntil(() => output.includes(word), { timeout: 60_000, interval: 20 });
}

function keychainChildren(session: KeychainSession): readonly string[] {
  return session.processes().filter((command) => command.includes("keychain-child.js"));
}
