import { beforeEach, describe, expect, it } from "vitest";
import { type AtGetpin, CANCELLED, type StandInPinentry, standInPinentry } from "../../fakes/pinentry.js";
import { canaryPassphrase } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";

const SERIAL = "arn:aws:iam::111111111111:mfa/me";
const RIGHT = ["D 123456", "OK"];
const WRONG = ["D 000000", "OK"];

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").needMfa("dev", "123456", SERIAL);
});

function askpass(...answers: readonly AtGetpin[]): StandInPinentry {
  const pinentry = standInPinentry(answers);
  fixture.control.askpass = pinentry.path;
  return pinentry;
}

const descriptionsOf = (pinentry: StandInPinentry): readonly string[] =>
  pinentry.asked().filter((line) => line.startsWith("SETDESC"));

describe("askpass, where there is no terminal", () => {
  it.each([
    ["login", "ops"],
    ["whoami", "dev"],
    ["refresh", "dev"],
    ["credential-process", "dev"],
  ])("is asked for the MFA code by %s %s, which goes on", async (...argv) => {
    const pinentry = askpass(RIGHT);
    expect(await fixture.run(argv)).toMatchObject({ code: 0 });
    expect(fixture.control.requests("login-mfa")).toEqual([{ source: "ops", code: "123456" }]);
    expect(pinentry.asked().filter((line) => line === "GETPIN")).toHaveLength(1);
  });

  it("is told what needs the code: device, source, role, and the program with its pid and directory", async () => {
    const pinentry = askpass(RIGHT);
    await fixture.run(["credential-process", "dev"]);
    expect(descriptionsOf(pinentry)).toHaveLength(1);
    expect(descriptionsOf(pinentry)[0]).toContain(`MFA code of ${SERIAL}%0AFor source ops, role dev%0AAsked by: `);
    // This process stands for brokerctl.
    expect(descriptionsOf(pinentry)[0]).toMatch(new RegExp(`Asked by: [^%]+, pid ${process.ppid}, in /`));
  });

  it("is asked again after a wrong code, told why, and three times at most", async () => {
    const slip = askpass(WRONG, RIGHT);
    expect(await fixture.run(["login", "ops"])).toMatchObject({ code: 0 });
    expect(slip.asked().find((line) => line.startsWith("SETERROR"))).toContain("AWS did not take the MFA code");

    fixture.control.needMfa("dev", "123456", SERIAL);
    const never = askpass(WRONG);
    expect(await fixture.run(["login", "ops"])).toMatchObject({ code: 4 });
    expect(descriptionsOf(never)).toHaveLength(3);
  });

  it.each([
    ["login", "ops"],
    ["whoami", "dev"],
    ["credential-process", "dev"],
  ])("leaves %s %s with exit 4 and its hint where the user cancels", async (...argv) => {
    askpass(CANCELLED);
    const { code, stdout, stderr } = await fixture.run(argv);
    expect([code, stdout]).toEqual([4, ""]);
    expect(stderr).toContain("it was cancelled");
    expect(stderr).toContain("brokerctl login ops");
    expect(fixture.control.requests("login-mfa")).toEqual([]);
  });

  it("that cannot ask says why, with exit 4", async () => {
    fixture.control.askpass = "/nonexistent/pinentry";
    const { code, stderr } = await fixture.run(["whoami", "dev"]);
    expect(code).toBe(4);
    expect(stderr).toContain("there is no program /nonexistent/pinentry");
  });

  it("is not asked where the config has none, on a terminal, with --json, or where a program prints the code", async () => {
    expect(await fixture.run(["login", "ops"])).toMatchObject({ code: 2 });
    expect(await fixture.run(["whoami", "dev"])).toMatchObject({ code: 4 });
    expect(await fixture.run(["credential-process", "dev"])).toMatchObject({ code: 4 });

    const pinentry = askpass(RIGHT);
    expect(await fixture.run(["whoami", "dev", "--json"])).toMatchObject({ code: 4 });
    expect(await fixture.run(["login", "ops"], { answers: [[/MFA code/, "123456"]] })).toMatchObject({ code: 0 });
    fixture.control.needMfa("dev", "123456", SERIAL);
    fixture.control.mfa.get("ops")!.printed = "999999";
    expect(await fixture.run(["whoami", "dev"])).toMatchObject({ code: 4 });
    expect(pinentry.asked()).toEqual([]);
  });

  it("is asked for the passphrase by unlock, and by nothing else", async () => {
    const passphrase = canaryPassphrase("askpass");
    fixture.control.secretStore = "passphrase";
    fixture.control.passphrase = passphrase;
    fixture.control.state = "locked";
    const pinentry = askpass(["D wrong", "OK"], [`D ${passphrase}`, "OK"]);
    const { code, stdout, stderr } = await fixture.run(["unlock"]);
    expect([code, `${stdout}${stderr}`.includes(passphrase)]).toEqual([0, false]);
    expect(descriptionsOf(pinentry)[1]).toContain("Passphrase of credbroker's secret store%0AAsked by: ");

    fixture.control.state = "locked";
    askpass(CANCELLED);
    expect(await fixture.run(["unlock"])).toMatchObject({ code: 4 });
  });
});
