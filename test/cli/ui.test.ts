import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { PAGE_LINK } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

let fixture: CliFixture;
let seen: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev");
  seen = join(tempDir("seen", "input"), "seen.json");
  writeFileSync(
    join(fixture.home, "browser.mjs"),
    'import { writeFileSync } from "node:fs"; writeFileSync(process.argv[2], JSON.stringify(process.argv.slice(3)));',
  );
});

const desktop = (): Readonly<Record<string, string>> => ({
  BROWSER: `${process.execPath} ${join(fixture.home, "browser.mjs")} ${seen} %s`,
});

describe("brokerctl ui", () => {
  it("opens the link in the user's browser, and prints it nowhere", async () => {
    const { code, stdout, stderr } = await fixture.run(["ui"], { env: desktop() });

    expect([code, stdout], stderr).toEqual([0, ""]);
    expect(stderr).not.toContain("#");
    await expect.poll(() => existsSync(seen) && readFileSync(seen, "utf8")).toBe(JSON.stringify([PAGE_LINK]));
  });

  it("prints the link alone on stdout with --print, and what it is good for", async () => {
    const { code, stdout, stderr } = await fixture.run(["ui", "--print"]);
    expect([code, stdout]).toEqual([0, `${PAGE_LINK}\n`]);
    expect(stderr).toContain("good once");
    const { json } = await fixture.run(["ui", "--json"]);
    expect(json).toMatchObject({ url: PAGE_LINK, expires_at: expect.stringMatching(/Z$/) as string });
  });

  it("hands over what doctor finds in this shell, with the command that fixes it, and no secret of it", async () => {
    const env = { AWS_ACCESS_KEY_ID: "AKIA0000000000000001", AWS_SECRET_ACCESS_KEY: "s".repeat(40) };
    await fixture.run(["ui", "--print"], { env });

    const [{ findings } = { findings: [] }] = fixture.control.requests("ui-open");
    expect(findings.some(({ level, fix }) => level === "error" && fix !== null)).toBe(true);
    expect(JSON.stringify(findings)).not.toMatch(/s{40}|AKIA0000000000000001/);
  });

  it("asks for no link where there is no browser to open, and says how to have it", async () => {
    const { code, stderr } = await fixture.run(["ui"], { env: { SSH_CONNECTION: "1 2 3 4" } });
    expect(code).toBe(2);
    expect(stderr).toContain("brokerctl ui --print");
    expect(fixture.control.requests("ui-open")).toEqual([]);
  });

  it("says so where the browser does not start", async () => {
    const { code, stderr } = await fixture.run(["ui"], { env: { BROWSER: "/nonexistent/browser" } });
    expect(code).toBe(1);
    expect(stderr).toContain("/nonexistent/browser does not start");
  });
});
