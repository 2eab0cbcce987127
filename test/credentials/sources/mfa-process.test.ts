import { beforeEach, describe, expect, it } from "vitest";
import type { Role } from "../../../src/core/role.js";
import { Secret } from "../../../src/core/secret.js";
import { createAssumeRole } from "../../../src/credentials/role-provider.js";
import { KeyStore } from "../../../src/credentials/sources/key-store.js";
import { KeysSessions } from "../../../src/credentials/sources/keys-sessions.js";
import { MfaCodes } from "../../../src/credentials/sources/mfa-codes.js";
import { FakePrograms } from "../../fakes/fake-programs.js";
import { MemorySecretStore } from "../../fakes/memory-secret-store.js";
import { MemorySts } from "../../fakes/memory-sts.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { canarySecretKey } from "../../support/canaries.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { keysSource, roleOn } from "../../support/roles.js";

const SERIAL = "arn:aws:iam::111111111111:mfa/me";
const byHand = keysSource("ops-keys", { mfaSerial: SERIAL });
const byProgram = keysSource("ops-keys", { mfaSerial: SERIAL, mfaProcess: `/bin/totp "my account"` });

let clock: FakeClock;
let sts: MemorySts;
let programs: FakePrograms;
let secrets: MemorySecretStore;
let sessions: KeysSessions;

beforeEach(async () => {
  clock = new FakeClock();
  sts = new MemorySts(clock);
  programs = new FakePrograms();
  secrets = new MemorySecretStore();
  const keys = new KeyStore(secrets);
  const codes = new MfaCodes({ programs, clock });
  const assumeRole = createAssumeRole({ sts, clock });
  sessions = new KeysSessions({ keys, codes, sts, assumeRole, clock, onChange: () => undefined });
  const secretAccessKey = new Secret(canarySecretKey());
  const key = { source: "ops-keys", accessKeyId: "AKIA0000000000000001", secretAccessKey, addedAt: 0, rotatedAt: null };
  await keys.put(key);
});

const dev: Role = roleOn(byProgram, "dev");
const logins = (): number => sts.calls.filter(({ action }) => action === "GetSessionToken").length;

describe("a code", () => {
  it("is never sent twice while its device shows it, also where the first time failed", async () => {
    sts.mfaCode = "654321";
    expect(await brokerErrorOf(() => sessions.login(byHand, "123456"))).toMatchObject({ code: "MfaRequired" });
    clock.jump(20_000);
    const again = await brokerErrorOf(() => sessions.login(byHand, "123456"));

    expect(again).toMatchObject({ code: "MfaRequired", hint: "wait about 10 s for the next code" });
    expect(again.message).toContain("used already");
    expect(logins()).toBe(1);
    await sessions.login(byHand, "654321");
    expect(logins()).toBe(2);
  });

  it("belongs to its device, whatever source uses it", async () => {
    await sessions.login(byHand, "123456");
    const other = keysSource("ops-keys", { mfaSerial: "GAHT12345678" });

    expect(await brokerErrorOf(() => sessions.login(byHand, "123456"))).toMatchObject({ code: "MfaRequired" });
    await sessions.login(other, "123456");
  });

  it("may come again, as it can by chance", async () => {
    await sessions.login(byHand, "123456");
    clock.jump(30_000);

    await sessions.login(byHand, "123456");
    expect(logins()).toBe(2);
  });

  it("is not spent on a source without a key", async () => {
    const keyless = keysSource("other", { mfaSerial: SERIAL });
    expect(await brokerErrorOf(() => sessions.login(keyless, "123456"))).toMatchObject({ code: "KeyMissing" });

    await sessions.login(byHand, "123456");
  });
});

describe("mfa_process", () => {
  it("logs in by itself when a role needs the session, and again when it has ended", async () => {
    programs.prints("123456\n");
    await sessions.retrieve(byProgram, dev);
    await sessions.retrieve(byProgram, dev);
    expect(programs.calls).toEqual([["/bin/totp", "my account"]]);

    clock.jump(43_200_000);
    await sessions.retrieve(byProgram, dev);
    expect(programs.calls).toHaveLength(2);
    expect(logins()).toBe(2);
  });

  it.each(["123 456\n", "123-456", "\t123456\r\n"])("may print its code as %j", async (printed) => {
    programs.prints(printed);
    await sessions.retrieve(byProgram, dev);
    expect(logins()).toBe(1);
  });

  it("is run once, however many roles wait", async () => {
    const release = programs.hold("123456");
    const waiting = Array.from({ length: 50 }, (_, index) =>
      sessions.retrieve(byProgram, roleOn(byProgram, `role-${index}`)),
    );
    await settle();
    release();

    expect(await Promise.all(waiting)).toHaveLength(50);
    expect(programs.calls).toHaveLength(1);
  });

  it("can be asked for by a login, and a typed code goes before it", async () => {
    programs.prints("123456");
    await sessions.login(byProgram);
    sts.mfaCode = "654321";
    await sessions.login(byProgram, "654321");

    expect(programs.calls).toHaveLength(1);
    expect(logins()).toBe(2);
  });

  it("that fails is not run again for half a minute, and status says what is needed", async () => {
    expect(await sessions.readiness(byProgram)).toMatchObject({ needs: undefined });
    programs.fails("ended with exit code 2", "no device");
    const error = await brokerErrorOf(() => sessions.retrieve(byProgram, dev));

    expect(error).toMatchObject({ code: "MfaRequired" });
    expect(error.message).toContain("/bin/totp of source ops-keys ended with exit code 2: no device");
    expect(error.hint).toContain("--mfa-code-stdin");
    expect(await brokerErrorOf(() => sessions.retrieve(byProgram, dev))).toBe(error);
    expect(programs.calls).toHaveLength(1);
    expect(await sessions.readiness(byProgram)).toMatchObject({ needs: "MfaRequired" });

    clock.jump(30_000);
    programs.prints("123456");
    await sessions.retrieve(byProgram, dev);
    expect(await sessions.readiness(byProgram)).toMatchObject({ needs: undefined });
  });

  it.each(["12345", "1234567", "abcdef", "", "123456 789012", "code: 123456"])(
    "that prints %j gave no code",
    async (output) => {
      programs.prints(output);
      const error = await brokerErrorOf(() => sessions.login(byProgram));

      expect(error.code).toBe("MfaRequired");
      expect(error.message).toContain("something else than a code of 6 digits");
      expect(logins()).toBe(0);
    },
  );

  it("that may not be run is a matter of the config", async () => {
    programs.refusal = { problem: "/bin/totp can be changed by other users", hint: "chmod go-w /bin/totp" };

    expect(await brokerErrorOf(() => sessions.login(byProgram))).toMatchObject({
      code: "ConfigInvalid",
      hint: "chmod go-w /bin/totp",
    });
  });

  it("is not run while the store is locked, and what it opens is not taken after a lock", async () => {
    secrets.locked = true;
    expect(await brokerErrorOf(() => sessions.retrieve(byProgram, dev))).toMatchObject({ code: "StoreLocked" });
    expect(programs.calls).toEqual([]);

    secrets.locked = false;
    const release = programs.hold("123456");
    const opening = sessions.login(byProgram).catch((error: unknown) => error);
    await settle();
    sessions.dropAll();
    release();
    expect(await opening).toMatchObject({ code: "StoreLocked" });
    expect(sessions.peek("ops-keys")).toBeUndefined();
  });
});
