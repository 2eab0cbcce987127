import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../../src/core/errors.js";
import type { ProcessSource, Role } from "../../../src/core/role.js";
import { createAssumeRole } from "../../../src/credentials/role-provider.js";
import { ExternalCredentials } from "../../../src/credentials/sources/external-credentials.js";
import { ProcessCredentials } from "../../../src/credentials/sources/process-source.js";
import { FakePrograms } from "../../fakes/fake-programs.js";
import { MemorySts } from "../../fakes/memory-sts.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../../support/canaries.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { roleOn, sessionRole } from "../../support/roles.js";

const HOUR = 3_600_000;
const legacy: ProcessSource = { type: "process", name: "legacy", command: "/bin/creds 'a b'", stsRegion: "eu-west-1" };
const dev: Role = roleOn(legacy, "dev");
const plain: Role = sessionRole(legacy, "plain");

let clock: FakeClock;
let sts: MemorySts;
let programs: FakePrograms;
let provider: ExternalCredentials<ProcessSource>;

beforeEach(() => {
  clock = new FakeClock();
  sts = new MemorySts(clock);
  programs = new FakePrograms();
  const processes = new ProcessCredentials({ programs, clock });
  provider = new ExternalCredentials<ProcessSource>({
    find: (source) => processes.find(source),
    check: (source) => processes.check(source),
    sts,
    assumeRole: createAssumeRole({ sts, clock }),
    clock,
  });
});

const session = (life = HOUR, id = "ASIA0000000000000001"): Record<string, unknown> => ({
  Version: 1,
  AccessKeyId: id,
  SecretAccessKey: canarySecretKey(),
  SessionToken: `FwoG${CANARY}`,
  Expiration: new Date(clock.now() + life).toISOString(),
});
const longTerm = (id = "AKIA0000000000000002"): Record<string, unknown> => ({
  Version: 1,
  AccessKeyId: id,
  SecretAccessKey: canarySecretKey(),
});
const calls = (): string[] => sts.calls.map(({ action, signer }) => `${signer} ${action}`);

describe("temporary credentials of a program", () => {
  it("are served as they are where the role has no role_arn", async () => {
    programs.prints({ ...session(), AccountId: "012345678901" });
    const held = await provider.retrieve(legacy, plain);

    expect(held.credentials).toMatchObject({ accessKeyId: "ASIA0000000000000001", accountId: "012345678901" });
    expect(held.credentials.expiration).toBe(clock.now() + HOUR);
    expect(held.roleArn).toBeUndefined();
    expect(calls()).toEqual([]);
    expect(programs.calls).toEqual([["/bin/creds", "a b"]]);
  });

  it("sign for all roles of the source until they need renewal", async () => {
    programs.prints(session());
    await provider.retrieve(legacy, dev);
    await provider.retrieve(legacy, roleOn(legacy, "prod"));
    expect(programs.calls).toHaveLength(1);
    expect(calls()).toEqual(["ASIA0000000000000001 AssumeRole", "ASIA0000000000000001 AssumeRole"]);

    clock.jump(HOUR - 20 * 60_000);
    programs.prints(session(HOUR, "ASIA0000000000000009"));
    await provider.retrieve(legacy, dev);
    expect(calls().at(-1)).toBe("ASIA0000000000000009 AssumeRole");
  });

  it("are asked for anew whenever they are served", async () => {
    programs.prints(session());
    await provider.retrieve(legacy, plain);
    await provider.retrieve(legacy, plain);

    expect(programs.calls).toHaveLength(2);
  });

  it("are asked for once, however many roles wait", async () => {
    const release = programs.hold(JSON.stringify(session()));
    const waiting = Array.from({ length: 50 }, (_, index) => provider.retrieve(legacy, roleOn(legacy, `r${index}`)));
    await settle();
    release();

    expect(await Promise.all(waiting)).toHaveLength(50);
    expect(programs.calls).toHaveLength(1);
  });

  it("that AWS no longer accepts are asked for anew, once", async () => {
    programs.prints(session());
    await provider.retrieve(legacy, dev);
    sts.revoked.add("ASIA0000000000000001");
    programs.prints(session(HOUR, "ASIA0000000000000002"));
    await provider.retrieve(legacy, dev);
    expect(calls().at(-1)).toBe("ASIA0000000000000002 AssumeRole");

    sts.revoked.add("ASIA0000000000000002");
    const error = await brokerErrorOf(() => provider.retrieve(legacy, dev));
    expect(error.message).toContain("AWS does not accept the credentials that source legacy (process) gives");
    expect(error.hint).toContain("where they come from");
    expect(programs.calls).toHaveLength(3);
  });

  it.each(["2001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"])("that ended at %s are refused", async (Expiration) => {
    programs.prints({ ...session(), Expiration });

    expect(await brokerErrorOf(() => provider.retrieve(legacy, dev))).toMatchObject({
      code: "LoginRequired",
      message: "credential_process /bin/creds of source legacy printed credentials that have expired",
    });
  });

  it("that do not say when they end sign, but are not served", async () => {
    programs.prints({ ...session(), Expiration: undefined });
    await provider.retrieve(legacy, dev);
    const error = await brokerErrorOf(() => provider.retrieve(legacy, plain));

    expect(error).toMatchObject({ code: "ConfigInvalid", hint: "give the role a role_arn: brokerctl config edit" });
    expect(calls()).toEqual(["ASIA0000000000000001 AssumeRole"]);
  });
});

describe("a long-term key of a program", () => {
  it("signs AssumeRole, and is read anew for each call", async () => {
    programs.prints(longTerm());
    await provider.retrieve(legacy, dev);
    await provider.retrieve(legacy, dev);

    expect(calls()).toEqual(["AKIA0000000000000002 AssumeRole", "AKIA0000000000000002 AssumeRole"]);
    expect(programs.calls).toHaveLength(2);
  });

  it.each([{}, { Expiration: "2026-01-02T00:00:00Z" }, { SessionToken: "" }, { SessionToken: null, Expiration: null }])(
    "is never served itself (%j): a role without role_arn gets a session",
    async (more) => {
      programs.prints({ ...longTerm(), ...more });
      const { credentials } = await provider.retrieve(legacy, plain);

      expect(credentials.accessKeyId).not.toBe("AKIA0000000000000002");
      expect(calls()).toEqual(["AKIA0000000000000002 GetSessionToken"]);
      expect(sts.calls[0]?.parameters).toEqual({ durationSeconds: 43_200 });
    },
  );

  it("gives its session the account that the program told", async () => {
    programs.prints(longTerm());
    expect((await provider.retrieve(legacy, plain)).credentials).not.toHaveProperty("accountId");
    programs.prints({ ...longTerm(), AccountId: "012345678901" });
    expect((await provider.retrieve(legacy, plain)).credentials.accountId).toBe("012345678901");
  });

  it("that cannot reach AWS is told as it is: nothing is to be fixed where it comes from", async () => {
    programs.prints(longTerm());
    sts.failWith = new BrokerError("AwsUnreachable", "no route to sts");
    expect(await brokerErrorOf(() => provider.retrieve(legacy, plain))).toBe(sts.failWith);
  });

  it("that AWS refuses is to be fixed where it comes from", async () => {
    programs.prints(longTerm());
    sts.revoked.add("AKIA0000000000000002");

    for (const role of [dev, plain]) {
      const error = await brokerErrorOf(() => provider.retrieve(legacy, role));
      expect(error).toMatchObject({ code: "AssumeRoleDenied", signer: "refused" });
      expect(error.hint).not.toContain("keys add");
    }
  });
});

describe("a program", () => {
  it.each<[string, string | object, string]>([
    ["nothing", "", "no JSON object"],
    ["no JSON", `secret ${CANARY}`, "no JSON object"],
    ["a list", [], "no JSON object"],
    ["another version", { ...longTerm(), Version: 2 }, "no Version 1"],
    ["no version", { ...longTerm(), Version: undefined }, "no Version 1"],
    ["its version as text", { ...longTerm(), Version: "1" }, "no Version 1"],
    ["no secret", { ...longTerm(), SecretAccessKey: undefined }, "no SecretAccessKey"],
    ["a token with a line end", { ...longTerm(), SessionToken: `${CANARY}\n` }, "SessionToken"],
    ["an expiration that is none", { ...longTerm(), Expiration: "soon" }, "no time"],
    ["an expiration as number", { ...longTerm(), Expiration: 1_800_000_000 }, "no time"],
  ])("that prints %s is refused without a word of what it printed", async (_, output, says) => {
    programs.prints(output);
    const error = await brokerErrorOf(() => provider.retrieve(legacy, dev));

    expect(error.code).toBe("ConfigInvalid");
    expect(error.message).toContain(says);
    expect(error.hint).toContain("Version 1");
    expect(`${error.message} ${String(error.cause)}`).not.toContain(CANARY);
    expect(calls()).toEqual([]);
  });

  it("whose command line cannot be split is a matter of the config, and nothing is run", async () => {
    const broken = { ...legacy, command: "/bin/creds 'open" };
    for (const use of [
      () => provider.retrieve(broken, dev),
      () => provider.readiness({ ...broken, name: "unasked" }),
    ]) {
      const error = await brokerErrorOf(use);
      expect(error.code).toBe("ConfigInvalid");
      expect(error.message).toMatch(/cannot be split: a ' is never closed$/);
    }
    expect(programs.calls).toEqual([]);
  });

  it("that fails without a word is told by how it ended", async () => {
    programs.fails("ended with exit code 3");
    const { message } = await brokerErrorOf(() => provider.retrieve(legacy, dev));
    expect(message).toMatch(/ended with exit code 3$/);
  });

  it("that fails waits for the user, who reads why", async () => {
    programs.fails("ended with exit code 3", "no network");
    const error = await brokerErrorOf(() => provider.retrieve(legacy, dev));

    expect(error).toMatchObject({
      code: "LoginRequired",
      message: "credential_process /bin/creds of source legacy ended with exit code 3: no network",
    });
    expect(error.message).not.toContain("a b");
  });

  it("that may not be run is a matter of the config, and status knows it without a call", async () => {
    programs.refusal = { problem: "/bin/creds can be changed by other users", hint: "chmod go-w /bin/creds" };

    expect(await brokerErrorOf(() => provider.readiness(legacy))).toMatchObject({ code: "ConfigInvalid" });
    expect(await brokerErrorOf(() => provider.retrieve(legacy, dev))).toMatchObject({
      code: "ConfigInvalid",
      hint: "chmod go-w /bin/creds",
    });
  });
});

describe("the readiness of a source", () => {
  it("is that of its credentials, then of what was last heard, and never costs a run", async () => {
    expect(await provider.readiness(legacy)).toEqual({ needs: undefined, expiresAt: undefined });
    expect(programs.calls).toEqual([]);

    programs.prints(session());
    await provider.retrieve(legacy, dev);
    expect(await provider.readiness(legacy)).toEqual({ needs: undefined, expiresAt: clock.now() + HOUR - 60_000 });

    clock.jump(HOUR);
    programs.fails("ended with exit code 3");
    await brokerErrorOf(() => provider.retrieve(legacy, dev));
    expect(await provider.readiness(legacy)).toEqual({ needs: "LoginRequired", expiresAt: undefined });
  });

  it("begins anew with another definition, and after a lock", async () => {
    programs.prints(session());
    await provider.retrieve(legacy, dev);
    const changed = { ...legacy, command: "/bin/other" };
    expect(await provider.readiness(changed)).toEqual({ needs: undefined, expiresAt: undefined });
    await provider.retrieve(changed, dev);
    expect(programs.calls.at(-1)).toEqual(["/bin/other"]);

    provider.dropAll();
    expect(await provider.readiness(changed)).toEqual({ needs: undefined, expiresAt: undefined });
  });

  it("is not that of credentials which came after a lock", async () => {
    const release = programs.hold(JSON.stringify(session()));
    const asking = provider.retrieve(legacy, dev);
    await settle();
    provider.dropAll();
    release();
    await asking;

    expect(await provider.readiness(legacy)).toEqual({ needs: undefined, expiresAt: undefined });
  });
});
