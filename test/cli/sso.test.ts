import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("corp").addSource("ops");
  fixture.control.sso.set("corp", { loggedIn: false });
  fixture.control.addRole("dev", { source: "corp" });
});

/** A browser that writes down which URL it was given. */
function browser(): { readonly env: Record<string, string>; readonly opened: () => Promise<string> } {
  const [program, log] = [join(fixture.home, "browser"), join(fixture.home, "opened")];
  writeFileSync(program, `#!/bin/sh\necho "$1" > ${log}.part && mv ${log}.part ${log}\n`);
  chmodSync(program, 0o700);
  const opened = async (): Promise<string> => {
    while (!existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 5));
    return readFileSync(log, "utf8").trim();
  };
  return {
    env: { BROWSER: `${join(fixture.home, "is-not-there")}:${program}`, PATH: process.env["PATH"] ?? "" },
    opened,
  };
}

describe("login to Identity Center", () => {
  it("opens the first browser that there is, and shows the URL too", async () => {
    const { env, opened } = browser();
    const { code, stderr } = await fixture.run(["login"], { env });
    expect(code).toBe(0);
    expect(await opened()).toBe("https://login.example/?code=1");
    expect(stderr).toContain("https://login.example/?code=1");
    expect(stderr).toContain("logged in to corp until");
    expect(fixture.control.requests("login-start")).toEqual([{ source: "corp", flow: "browser" }]);
  });

  it("without a display shows the URL and the code, and opens nothing", async () => {
    const { code, stderr } = await fixture.run(["login", "corp"]);
    expect(code).toBe(0);
    expect(stderr).toContain("ABCD-EFGH");
    expect(fixture.control.requests("login-start")).toEqual([{ source: "corp", flow: "device" }]);
  });

  it("with --no-browser opens nothing", async () => {
    const { env } = browser();
    const { stderr } = await fixture.run(["login", "corp", "--no-browser"], { env });
    expect(stderr).toContain("https://login.example/?code=1");
    expect(existsSync(join(fixture.home, "opened"))).toBe(false);
  });

  it("joins one that is under way, and opens no second browser", async () => {
    fixture.control.joinedFlow = "device";
    const { env } = browser();
    const { code, stderr } = await fixture.run(["login", "corp"], { env });
    expect(code).toBe(0);
    expect(stderr).toContain("under way already");
    expect(stderr).toContain("ABCD-EFGH");
    expect(existsSync(join(fixture.home, "opened"))).toBe(false);
  });

  it("asks nothing of a login that is good already, unless it is forced", async () => {
    fixture.control.sso.set("corp", { loggedIn: true });
    const { code, stderr } = await fixture.run(["login", "corp"]);
    expect([code, fixture.control.requests("login-start")]).toEqual([0, []]);
    expect(stderr).toContain("brokerctl login corp --force");
    await fixture.run(["login", "corp", "--force"]);
    expect(fixture.control.requests("login-start")).toHaveLength(1);
  });

  it("that is denied exits 4 with the command to try again", async () => {
    const hint = "brokerctl login corp";
    fixture.control.refusing.set("login-wait", { code: "LoginRequired", message: "denied in the browser", hint });
    const { code, stderr } = await fixture.run(["login", "corp"]);
    expect(code).toBe(4);
    expect(stderr).toContain(hint);
  });

  it("does not take the flags of another kind of source", async () => {
    expect(await fixture.run(["login", "corp", "--mfa-code-stdin"], { stdin: "123456" })).toMatchObject({ code: 2 });
  });

  it("is offered where a role needs it, and the command goes on", async () => {
    fixture.control.failing.set("dev", { code: "LoginRequired", message: "source corp needs a login" });
    const { code, stderr } = await fixture.run(["use", "dev"], { answers: [[/Log in now/, true]] });
    expect(code).toBe(0);
    expect(stderr).toContain("logged in to corp");
  });
});

describe("logout", () => {
  it("names what it ended, and what could not be told", async () => {
    fixture.control.sso.set("corp", { loggedIn: true });
    fixture.control.logoutProblem = "portal.example cannot be reached";
    const { code, stderr } = await fixture.run(["logout"]);
    expect(code).toBe(0);
    expect(stderr).toContain("logged out of corp");
    expect(stderr).toContain("portal.example cannot be reached");
  });

  it("exits 2 where there is no login", async () => {
    expect(await fixture.run(["logout"])).toMatchObject({ code: 2 });
    expect((await fixture.run(["logout", "corp"])).stderr).toContain("there was no login to corp");
  });
});

describe("sso roles", () => {
  beforeEach(() => {
    fixture.control.accounts.set("100000000001", ["Admin", "ReadOnly"]);
    fixture.control.accounts.set("100000000002", ["ReadOnly"]);
  });

  it("lists them with the names under which they can be used", async () => {
    const { code, stdout } = await fixture.run(["sso", "roles", "corp"]);
    expect(code).toBe(0);
    expect(stdout).toContain("corp:100000000001/Admin");
    const { json } = await fixture.run(["sso", "roles", "corp", "--json"]);
    expect(json).toHaveLength(3);
    expect(json).toContainEqual({
      account_id: "100000000002",
      account_name: "Team 2",
      role_name: "ReadOnly",
      role: "corp:100000000002/ReadOnly",
    });
  });

  it.each([
    ["*/ReadOnly", 2],
    ["team 1/*", 2],
    ["100000000001/Admin", 1],
    ["read*", 2],
    ["Team ?", 3],
    ["[a]", 0],
    ["*-*", 0],
    ["prod-*", 0],
    ["-", 0],
    ["team", 3],
    ["ADMIN", 1],
    ["only", 2],
    ["1/Admin", 0],
    ["*1/Admin", 1],
    ["{admin,missing}", 1],
    ["*/[a-c]*", 1],
    ["!admin", 0],
  ])("--match %s leaves %d", async (pattern, count) => {
    const { json } = await fixture.run(["sso", "roles", "corp", "--match", pattern, "--json"]);
    expect(json).toHaveLength(count);
  });

  it("--match takes every character that stands in a name for itself", async () => {
    const names = ["Prod (EU)", "a.b+c", "x-y_z", "R&D/Test", "$cost^", "back\\slash", "über"];
    for (const [index, name] of names.entries())
      fixture.control.addAccount(`20000000000${String(index)}`, name, ["Admin"]);
    for (const name of names) {
      const { json } = await fixture.run(["sso", "roles", "corp", "--match", `${name.toUpperCase()}/*`, "--json"]);
      expect(json, name).toMatchObject([{ account_name: name }]);
      const part = await fixture.run(["sso", "roles", "corp", "--match", name, "--json"]);
      expect(part.json, name).toHaveLength(1);
    }
  });

  it.each([[" "], ["*".repeat(70_000)]])(
    "--match refuses what is no pattern before it asks the portal (%#)",
    async (pattern) => {
      const { code, stderr } = await fixture.run(["sso", "roles", "corp", "--match", pattern]);
      expect(code).toBe(2);
      expect(stderr).toContain("--match '");
      expect(stderr.length).toBeLessThan(500);
      expect(fixture.control.requests("sso-accounts")).toEqual([]);
    },
  );

  it("--add asks before it writes, and writes what was planned", async () => {
    const no = await fixture.run(["sso", "roles", "corp", "--add"], { answers: [[/Write this/, false]] });
    expect(no.code).toBe(1);
    expect(readFileSync(fixture.configFile, "utf8")).toBe("version: 1\n");
    const argv = ["sso", "roles", "corp", "--add", "--match", "*/Admin", "--name", "{role_name}", "--prune"];
    expect(await fixture.run([...argv, "--yes"])).toMatchObject({ code: 0 });
    expect(readFileSync(fixture.configFile, "utf8")).toBe("version: 1\n# {role_name} 100000000001/Admin pruned\n");
    expect(fixture.control.requests("config-reload")).toHaveLength(1);
  });

  it("--add without a terminal needs --yes", async () => {
    expect(await fixture.run(["sso", "roles", "corp", "--add"])).toMatchObject({ code: 2 });
  });

  it.each([["--prune"], ["--yes"], ["--name", "x"]])("%s goes with --add", async (...flags) => {
    expect(await fixture.run(["sso", "roles", "corp", ...flags])).toMatchObject({ code: 2 });
  });

  it("offers the login that is missing", async () => {
    fixture.control.refusing.set("sso-accounts", { code: "LoginRequired", message: "source corp needs a login" });
    expect(await fixture.run(["sso", "roles", "corp"])).toMatchObject({ code: 4 });
    const { asked, code } = await fixture.run(["sso", "roles", "corp"], { answers: [[/Log in now/, true]] });
    expect([asked.length, code]).toEqual([1, 4]);
  });
});
