import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

const CODE = Buffer.from("state=s&code=c").toString("base64");
const QUESTION = /Code that the page shows/;

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("console");
  fixture.control.sso.set("console", { loggedIn: false });
  fixture.control.consoleCodes.set("console", CODE);
});

describe("login to the console", () => {
  it("in another machine's browser asks for the code of its page, and again where it was copied wrong", async () => {
    const { code, asked, stderr } = await fixture.run(["login", "console", "--device"], {
      answers: [
        [QUESTION, "nonsense"],
        [QUESTION, CODE],
      ],
    });
    expect(code, stderr).toBe(0);
    expect(asked).toHaveLength(2);
    expect(stderr).toContain("https://login.example/?code=1");
    expect(stderr).toContain("copy it to here");
    expect(stderr).toContain("logged in to console until");
    expect(stderr).not.toContain(CODE);
  });

  it("gives up after the third wrong code", async () => {
    const answers = [1, 2, 3].map((count) => [QUESTION, `nonsense ${count}`] as const);
    expect((await fixture.run(["login", "console", "--device"], { answers })).code).toBe(2);
    expect(fixture.control.requests("login-code")).toHaveLength(3);
  });

  it("asks for no code where no one is there to type it, and says where to", async () => {
    const { code, stderr } = await fixture.run(["login", "console", "--device"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("brokerctl login console --device");
  });

  it("in this machine's browser asks for nothing", async () => {
    const { code } = await fixture.run(["login", "console"], {
      env: { BROWSER: "true", PATH: process.env["PATH"] ?? "" },
    });
    expect(code).toBe(0);
    expect(fixture.control.requests("login-start")).toEqual([{ source: "console", flow: "browser" }]);
    expect(fixture.control.requests("login-code")).toEqual([]);
  });

  it("takes no MFA code", async () => {
    const { code, stderr } = await fixture.run(["login", "console", "--mfa-code-stdin"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--mfa-code-stdin is not for console");
  });
});
