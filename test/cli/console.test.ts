import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { FEDERATED_URL, PORTAL_URL } from "../fakes/fake-control.js";
import { CANARY } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

let fixture: CliFixture;
/** What the browser was started with, and where that led. */
let seen: string;

/** Goes where it is sent, and notes it; like a real one it has the whole environment. */
const BROWSER = `
import { writeFileSync } from "node:fs";
const [, , out, ...argv] = process.argv;
const url = argv.at(-1);
const answer = url.startsWith("http://127.0.0.1") ? await fetch(url, { redirect: "manual" }) : undefined;
writeFileSync(out, JSON.stringify({ argv, location: answer?.headers.get("location") ?? null }));
`;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addRole("admin");
  fixture.control.addRole("prod", { guard: { confirm: "terminal", reason: false, maxLeaseSeconds: 1800 } });
  fixture.control.portalRoles.add("admin");
  seen = join(tempDir("seen", "input"), "seen.json");
  writeFileSync(join(fixture.home, "browser.mjs"), BROWSER);
});

const desktop = (): Readonly<Record<string, string>> => ({
  BROWSER: `${process.execPath} ${join(fixture.home, "browser.mjs")} ${seen} %s`,
});

async function visited(): Promise<{ readonly argv: readonly string[]; readonly location: string | null }> {
  while (!existsSync(seen) || readFileSync(seen, "utf8") === "")
    await new Promise((resolve) => setTimeout(resolve, 10));
  return JSON.parse(readFileSync(seen, "utf8")) as Awaited<ReturnType<typeof visited>>;
}

describe("brokerctl console", () => {
  it("leads the browser to the URL that signs in, which stands in no command line and no output", async () => {
    const { code, stdout, stderr } = await fixture.run(["console", "dev"], { env: desktop() });
    expect(code, stderr).toBe(0);
    const { argv, location } = await visited();
    expect(location).toBe(`${FEDERATED_URL}&service=console`);
    expect(argv).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}$/)]);
    expect(stdout).toBe("");
    expect(stderr).toContain("signed in to the console as dev (account 111111111111, eu-west-1) until");
    expect(stderr).not.toContain(CANARY);
  });

  it("opens a page of Identity Center as it is: it holds nothing secret", async () => {
    const { code } = await fixture.run(["console", "admin", "--service", "S3"], { env: desktop() });
    expect(code).toBe(0);
    expect((await visited()).argv).toEqual([`${PORTAL_URL}&service=s3`]);
  });

  it("prints the URL alone on stdout, and says what it is worth", async () => {
    const { code, stdout, stderr } = await fixture.run(["console", "dev", "--print", "--service", "s3"]);
    expect([code, stdout]).toEqual([0, `${FEDERATED_URL}&service=s3\n`]);
    expect(stderr).toContain("within 15 minutes");
    expect(stderr).not.toContain(CANARY);
    const json = await fixture.run(["console", "admin", "--json"]);
    expect(json.json).toMatchObject({ role: "admin", way: "portal", account_id: "111111111111", until: null });
  });

  it("without ROLE is that of the shell's lease, else of the default one", async () => {
    expect((await fixture.run(["console", "--print"])).code).toBe(2);
    await fixture.run(["use", "dev", "--default"]);
    expect((await fixture.run(["console", "--print"])).stdout).toContain("SigninToken=");
    expect(fixture.control.requests("console").at(-1)).toEqual({ lease: { by: "default" } });
  });

  it("sends region, service, duration and --federate along", async () => {
    const argv = [
      "console",
      "admin",
      "--print",
      "--federate",
      "--region",
      "us-east-1",
      "--service",
      "ec2",
      "--for",
      "1h",
    ];
    expect((await fixture.run(argv)).code).toBe(0);
    expect(fixture.control.requests("console")).toEqual([
      { role: "admin", federate: true, region: "us-east-1", service: "ec2", forSeconds: 3600 },
    ]);
  });

  it("of a guarded role asks at the terminal, and takes no for an answer", async () => {
    const no = await fixture.run(["console", "prod", "--print"], { answers: [[/Give it/, false]] });
    expect([no.code, no.stdout]).toEqual([5, ""]);
    expect((await fixture.run(["console", "prod", "--print"])).code).toBe(5);
    const yes = await fixture.run(["console", "prod", "--print"], { answers: [[/Give it/, true]] });
    expect([yes.code, yes.asked[0]]).toEqual([0, expect.stringContaining("prod")]);
  });

  it("asks nothing of anyone where no browser can be shown", async () => {
    const { code, stderr } = await fixture.run(["console", "prod"], {
      env: { SSH_TTY: "/dev/pts/1" },
      interactive: true,
    });
    expect(code).toBe(2);
    expect(stderr).toContain("brokerctl console ROLE --print");
    expect(fixture.control.calls).toEqual([]);
  });

  it.each([
    ["--print", "--container"],
    ["--json", "--browser-profile", "x"],
    ["--container", "--browser-profile", "x"],
  ])("refuses %s with %s", async (...flags) => {
    const { code, stderr } = await fixture.run(["console", "dev", ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain("exclude each other");
  });

  it("says which browser does not start, and how to go on", async () => {
    const env = { BROWSER: "/nonexistent/browser" };
    const { code, stderr } = await fixture.run(["console", "dev"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("/nonexistent/browser does not start");
    expect(stderr).toContain("brokerctl console dev --print");
    expect(stderr).not.toContain(CANARY);
  });
});
