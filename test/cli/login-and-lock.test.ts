import { beforeEach, describe, expect, it } from "vitest";
import { NOW } from "../fakes/fake-control.js";
import { canaryPassphrase } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { FakeClock } from "../support/fake-clock.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addSource("other").addSource("plain");
  fixture.control.addRole("dev").addRole("prod", { source: "other" });
  fixture.control.needMfa("dev", "123456", "arn:aws:iam::111111111111:mfa/me");
});

describe("login", () => {
  it.each(["123 456", "123-456", " 12 34 56\t", "123\u00a0456", "123\u2013456"])("takes the code %j", async (typed) => {
    const asked = await fixture.run(["login", "ops"], { answers: [[/MFA code/, typed]] });
    const piped = await fixture.run(["login", "ops", "--mfa-code-stdin", "--force"], { stdin: `${typed}\n` });
    expect([asked.code, piped.code]).toEqual([0, 0]);
    expect(fixture.control.requests("login-mfa")).toEqual(Array(2).fill({ source: "ops", code: "123456" }));
  });

  it("asks for the code of the one source that needs it", async () => {
    const { code, stderr } = await fixture.run(["login"], { answers: [[/MFA code of arn:.*mfa\/me/, "123456"]] });
    expect(code).toBe(0);
    expect(stderr).toContain("logged in to ops until");
  });

  it("reads the code from stdin", async () => {
    expect(await fixture.run(["login", "ops", "--mfa-code-stdin"], { stdin: "123456\n" })).toMatchObject({ code: 0 });
  });

  it("does not ask the user where a program prints the code, unless it is given", async () => {
    fixture.control.mfa.get("ops")!.printed = "123456";
    expect(await fixture.run(["login"])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("until") as unknown,
    });

    fixture.control.mfa.get("ops")!.printed = "999999";
    fixture.control.mfa.get("ops")!.loggedIn = false;
    expect(await fixture.run(["login", "ops"])).toMatchObject({ code: 4 });
    expect(await fixture.run(["login", "ops", "--mfa-code-stdin"], { stdin: "123456\n" })).toMatchObject({ code: 0 });
  });

  it("gives up after three wrong codes, with exit 4", async () => {
    const wrong = [/MFA code/, "000000"] as const;
    const { code, asked } = await fixture.run(["login"], { answers: [wrong, wrong, wrong] });
    expect([code, asked.length]).toEqual([4, 3]);
  });

  it("takes one wrong code from stdin for what it is", async () => {
    expect(await fixture.run(["login", "--mfa-code-stdin"], { stdin: "000000" })).toMatchObject({ code: 4 });
    expect(await fixture.run(["login", "--mfa-code-stdin"], { stdin: "12345" })).toMatchObject({ code: 2 });
    expect(await fixture.run(["login", "--mfa-code-stdin"], { stdin: "123 456 7" })).toMatchObject({ code: 2 });
  });

  it("asks nothing and sends nothing where the session is still good, unless it is forced", async () => {
    fixture.control.mfa.get("ops")!.loggedIn = true;
    const { code, stderr } = await fixture.run(["login", "ops"], { interactive: true });
    expect([code, fixture.control.requests("login-mfa")]).toEqual([0, []]);
    expect(stderr).toContain("logged in to ops already until");
    expect(stderr).toContain("brokerctl login ops --force");
    expect(await fixture.run(["login", "ops", "--force"], { answers: [[/MFA/, "123456"]] })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("login-mfa")).toHaveLength(1);
  });

  it("takes a session of an MFA code that ends within a quarter of an hour for none", async () => {
    fixture.control.mfa.get("ops")!.loggedIn = true;
    const clock = new FakeClock(NOW + 3_600_000 - 14 * 60_000);
    expect(await fixture.run(["login", "ops"], { answers: [[/MFA/, "123456"]], clock })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("login-mfa")).toHaveLength(1);
  });

  it.each<[string, string[], RegExp]>([
    ["a source that is not there", ["login", "osp"], /did you mean brokerctl login ops/],
    ["a source without MFA", ["login", "plain"], /takes no login/],
    ["no terminal to ask at", ["login", "ops"], /brokerctl login ops --mfa-code-stdin/],
    ["a flag that is for Identity Center", ["login", "--device"], /--device is not for ops/],
  ])("exits 2 for %s", async (_, argv, message) => {
    const { code, stderr } = await fixture.run(argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("exits 2 with the choices when none or several sources need it", async () => {
    fixture.control.needMfa("prod", "1", "arn:aws:iam::111111111111:mfa/other");
    expect((await fixture.run(["login"])).stderr).toContain("ops, other need a login");
    for (const device of fixture.control.mfa.values()) device.loggedIn = true;
    const { code, stderr } = await fixture.run(["login"]);
    expect([code, stderr.includes("no source needs a login now")]).toEqual([2, true]);
    fixture.control.mfa.clear();
    expect((await fixture.run(["login"])).stderr).toContain("none is of type sso");
  });
});

describe("lock and unlock", () => {
  const passphrase = canaryPassphrase("unlock");

  beforeEach(() => {
    Object.assign(fixture.control, { secretStore: "passphrase", passphrase });
  });

  it("lock forgets, unlock asks for the passphrase", async () => {
    expect(await fixture.run(["lock"])).toMatchObject({ code: 0 });
    expect(fixture.control.state).toBe("locked");
    const { code, stderr } = await fixture.run(["unlock"], { answers: [[/Passphrase/, passphrase]] });
    expect([code, fixture.control.state]).toEqual([0, "ready"]);
    expect(stderr).not.toContain(passphrase);
  });

  it("lets a passphrase be tried three times", async () => {
    fixture.control.state = "locked";
    const wrong = [/Passphrase/, "wrong"] as const;
    expect(await fixture.run(["unlock"], { answers: [wrong, [/Passphrase/, passphrase]] })).toMatchObject({ code: 0 });
    fixture.control.state = "locked";
    expect(await fixture.run(["unlock"], { answers: [wrong, wrong, wrong] })).toMatchObject({ code: 4 });
  });

  it("takes it from stdin, spaces and all", async () => {
    fixture.control.state = "locked";
    fixture.control.passphrase = ` ${passphrase} `;
    expect(await fixture.run(["unlock", "--passphrase-stdin"], { stdin: ` ${passphrase} \n` })).toMatchObject({
      code: 0,
    });
  });

  it("leaves it to the daemon's own file where the user cannot be asked", async () => {
    fixture.control.state = "locked";
    expect(await fixture.run(["unlock"])).toMatchObject({ code: 4 });
    expect(fixture.control.requests("unlock")).toEqual([{}]);
  });

  it("asks for nothing where the keychain opens, and does it even when the store is open", async () => {
    Object.assign(fixture.control, { secretStore: "keychain", passphrase: undefined });
    expect(await fixture.run(["unlock"], { interactive: true })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("unlock")).toEqual([{}]);
    expect(await fixture.run(["unlock", "--passphrase-stdin"], { stdin: "x" })).toMatchObject({ code: 2 });
  });

  it("asks for nothing when the store is open already", async () => {
    expect(await fixture.run(["unlock"], { interactive: true })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("unlock")).toEqual([]);
  });
});
