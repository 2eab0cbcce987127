import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { NOW, TOKEN } from "../../fakes/fake-control.js";
import { canarySecretKey } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import { runCommand } from "../../support/cli-run.js";
import { tempDir } from "../../support/temp-dir.js";

interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly id: string;
    readonly severity: string;
    readonly message: string;
    readonly fix: string | null;
  }[];
  readonly sdks: readonly { readonly name: string; readonly outcome: string; readonly why: string }[];
}

const KEY_ID = "AKIAPLANTEDINTEST0KQ";

/** Variables of a shell with the default lease, as `env --as header` prints them. */
function leaseVariables({ control }: CliFixture): Record<string, string> {
  return {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${control.endpointUrl}/creds`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: TOKEN,
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

async function reportOf(fixture: CliFixture, env: Record<string, string> = {}, ...argv: string[]) {
  const result = await fixture.run(["doctor", "--json", ...argv], { env });
  const report = result.json as Report;
  const found = (id: string) => report.findings.find((each) => each.id === id);
  return { ...result, report, found };
}

function writeAwsFile(home: string, name: string, text: string): string {
  const path = join(home, ".aws", name);
  mkdirSync(join(home, ".aws"), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
  // The user's, not ours: what is left of a home is searched for secrets in clear.
  onTestFinished(() => rmSync(path, { force: true }));
  return path;
}

const KEY_FILE = `[prod]\naws_access_key_id = ${KEY_ID}\naws_secret_access_key = ${canarySecretKey("doctor")}\n`;

describe("doctor in a shell where all is well", () => {
  it("exits 0, with every family at the lease, and one timed fetch", async () => {
    const fixture = await cliFixture();
    const { code, report, found, stderr } = await reportOf(fixture, leaseVariables(fixture));
    expect(report.findings.filter(({ severity }) => severity !== "note")).toEqual([]);
    expect([code, report.ok, stderr]).toEqual([0, true, ""]);
    expect(found("endpoint-answers")?.message).toMatch(/in \d+ ms, with credentials until 2026/);
    const others = report.sdks.filter(({ outcome }) => outcome !== "lease").map(({ name }) => name);
    expect(others).toEqual(["async-aws", "object_store", "Polars"]);
    expect(found("other-form-needed")).toMatchObject({ severity: "note" });
  });

  it("tells people the same, and never the token or a served key", async () => {
    const fixture = await cliFixture();
    const { code, stdout } = await fixture.run(["doctor"], { env: leaseVariables(fixture) });
    expect(code).toBe(0);
    expect(stdout).toContain("nothing is wrong");
    expect(stdout).not.toMatch(/brk_|ASIA/);
  });

  it("uses no role and changes nothing: it asks for the status only", async () => {
    const fixture = await cliFixture();
    await reportOf(fixture, leaseVariables(fixture));
    expect(fixture.control.calls.map(({ operation }) => operation)).toEqual(["status"]);
  });
});

describe("doctor without a daemon", () => {
  it("does not start one, says so, and judges the shell all the same", async () => {
    const fixture = await cliFixture({ listening: false });
    const env = { ...leaseVariables(fixture), AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/creds" };
    const { code, report, found } = await reportOf(fixture, env);
    expect(code).toBe(1);
    expect(found("daemon-not-running")?.fix).toBe("brokerctl start");
    expect(found("no-listener")).toBeDefined();
    expect(report.sdks.find(({ name }) => name === "botocore")?.outcome).toBe("lease");
  });

  it("says who has the port of the lease, and sends no token there", async () => {
    const fixture = await cliFixture({ listening: false });
    let asked = 0;
    const other = createServer((_, response) => {
      asked += 1;
      response.end();
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const env = { ...leaseVariables(fixture), AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/creds` };
    const { found } = await reportOf(fixture, env);
    other.close();
    expect(found("port-of-other-program")?.message).toContain(`pid ${process.pid}`);
    expect(asked).toBe(0);
  });

  it("sends no token to another port than that of the daemon", async () => {
    const fixture = await cliFixture();
    const env = { ...leaseVariables(fixture), AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/creds" };
    expect((await reportOf(fixture, env)).found("lease-of-other-port")?.fix).toContain("brokerctl env");
  });

  it("works without a home", async () => {
    const home = tempDir("doctor");
    const result = await runCommand(["doctor", "--json"], { home, env: { HOME: "" } });
    expect((result.json as Report).findings.map(({ id }) => id)).toContain("not-set-up");
    expect(result.code).toBe(1);
  });
});

describe("doctor over a daemon that is not well", () => {
  it.each([
    ["locked", "store-locked", "brokerctl unlock"],
    ["degraded", "daemon-degraded", "brokerctl config edit"],
  ] as const)("names the fix: %s", async (state, id, fix) => {
    const fixture = await cliFixture();
    fixture.control.state = state;
    if (state === "degraded") fixture.control.problem = { code: "ConfigInvalid", message: "line 3", hint: fix };
    expect((await reportOf(fixture, leaseVariables(fixture))).found(id)?.fix).toBe(fix);
  });

  it("says what the endpoint refuses this shell for", async () => {
    const fixture = await cliFixture();
    const env = { ...leaseVariables(fixture), AWS_CONTAINER_AUTHORIZATION_TOKEN: `brk_${"z".repeat(43)}` };
    expect((await reportOf(fixture, env)).found("lease-ended")?.fix).toBe('eval "$(brokerctl env)"');
  });

  it("says which source needs a person, without calling that wrong", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("corp", "login_required", "sso").addSource("ops", "missing_key");
    const { code, report } = await reportOf(fixture, leaseVariables(fixture));
    const fixes = report.findings.filter(({ id }) => id === "source-not-ready").map(({ fix }) => fix);
    expect([code, fixes]).toEqual([0, ["brokerctl login corp", "brokerctl keys add ops"]]);
  });

  it("passes on that AWS finds the clock wrong", async () => {
    const fixture = await cliFixture();
    const message = "Signature not yet current: 20260101T000000Z is still later than 20251231T235500Z";
    fixture.control.addRole("dev", { state: "error", lastError: { code: "InternalError", message } });
    expect((await reportOf(fixture, leaseVariables(fixture))).found("clock-skew")).toBeDefined();
  });
});

describe("doctor over what keeps programs from the lease", () => {
  it("names a file with all the families that take its key, once", async () => {
    const fixture = await cliFixture();
    const path = writeAwsFile(fixture.home, "credentials", KEY_FILE.replace("prod", "default"));
    const { code, report } = await reportOf(fixture, leaseVariables(fixture));
    const shadowed = report.findings.filter(({ id }) => id === "shadowed-by-file");
    expect([code, shadowed.length]).toEqual([1, 1]);
    expect(shadowed[0]?.message).toContain("botocore, AWS CLI v2, JavaScript v3, JavaScript v2, Go v2");
    expect(shadowed[0]?.message).toContain(path);
    expect(shadowed[0]?.message).toContain("…T0KQ");
  });

  it.each([
    ["AWS_PROFILE", { AWS_PROFILE: "missing" }, "search-stops", "unset AWS_PROFILE"],
    [
      "keys",
      { AWS_ACCESS_KEY_ID: "ASIAXXXXXXXXXXXXTEMP", AWS_SECRET_ACCESS_KEY: "x" },
      "shadowed-by-variable",
      "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
    ],
    ["another tool", { AWS_VAULT: "prod" }, "left-by-other-tool", "unset AWS_VAULT"],
    ["Serverless's stage", { AWS_PROD_PROFILE: "prod" }, "stage-variables", "unset AWS_PROD_PROFILE"],
    ["a proxy", { HTTP_PROXY: "http://proxy:3128" }, "proxy-without-exception", "export NO_PROXY="],
    ["a misspelt flag", { AWS_EC2_METADATA_DISABLED: "1" }, "metadata-flag-misspelt", "export AWS_EC2"],
  ] as const)("names the variable and its fix: %s", async (_, variables, id, fix) => {
    const fixture = await cliFixture();
    const { found } = await reportOf(fixture, { ...leaseVariables(fixture), ...variables });
    expect(found(id)?.fix).toContain(fix);
  });

  it("does not call a profile wrong that asks the broker by its own process", async () => {
    const fixture = await cliFixture();
    writeAwsFile(fixture.home, "config", "[default]\ncredential_process = /usr/bin/brokerctl credential-process dev\n");
    const { report } = await reportOf(fixture, leaseVariables(fixture));
    expect(report.findings.filter(({ id }) => id.startsWith("shadowed"))).toEqual([]);
  });

  it("lets a proxy with an exception for loopback be", async () => {
    const fixture = await cliFixture();
    const proxy = { HTTP_PROXY: "http://proxy:3128", no_proxy: "corp.example, 127.0.0.1" };
    expect((await reportOf(fixture, { ...leaseVariables(fixture), ...proxy })).code).toBe(0);
  });
});

describe("doctor over long-term keys", () => {
  it("shows four characters of each, and the command that moves it", async () => {
    const fixture = await cliFixture();
    writeAwsFile(fixture.home, "credentials", KEY_FILE);
    const env = { ...leaseVariables(fixture), MY_KEY: KEY_ID };
    const { stdout, found } = await reportOf(fixture, env);
    expect(found("long-term-key-in-file")?.fix).toBe("brokerctl import prod --replace");
    expect(found("long-term-key-in-variable")?.message).toContain("MY_KEY");
    expect(stdout).not.toContain(KEY_ID);
  });

  it("finds them below a directory that is named, not behind links, and not in other people's code", async () => {
    const fixture = await cliFixture();
    const [project, elsewhere] = [tempDir("project", "input"), tempDir("elsewhere", "input")];
    const secret = `AWS_ACCESS_KEY_ID=${KEY_ID}\n`;
    mkdirSync(join(project, "api", "node_modules"), { recursive: true });
    writeFileSync(join(project, "api", ".env.local"), `A=1\n${secret}`);
    writeFileSync(join(project, "serverless.yml"), `provider:\n  environment: { KEY: ${KEY_ID} }\n`);
    writeFileSync(join(project, "notes.txt"), secret);
    writeFileSync(join(project, "api", "node_modules", ".env"), secret);
    writeFileSync(join(elsewhere, ".env"), secret);
    symlinkSync(elsewhere, join(project, "linked"));
    symlinkSync(join(elsewhere, ".env"), join(project, ".env"));
    const { report, stdout } = await reportOf(fixture, leaseVariables(fixture), "--scan", project);
    const messages = report.findings
      .filter(({ id }) => id === "long-term-key-in-project")
      .map(({ message }) => message);
    expect(messages).toEqual([
      `the long-term key …T0KQ stands in ${join(project, "api", ".env.local")}, line 2`,
      `the long-term key …T0KQ stands in ${join(project, "serverless.yml")}, line 2`,
    ]);
    expect(stdout).not.toContain(KEY_ID);
  });

  it("refuses to scan what is not there", async () => {
    const fixture = await cliFixture();
    const { code, error } = await fixture.run(["doctor", "--json", "--scan", "/does/not/exist"]);
    expect([code, error?.code]).toEqual([2, "UsageInvalid"]);
  });
});

describe("doctor over files", () => {
  it("names what of ours is open to others", async () => {
    const fixture = await cliFixture();
    chmodSync(join(fixture.home, "state"), 0o755);
    const { found, code } = await reportOf(fixture, leaseVariables(fixture));
    expect([code, found("own-files")?.fix]).toEqual([1, `chmod 700 ${join(fixture.home, "state")}`]);
  });

  it("names AWS files that others can read or write", async () => {
    const fixture = await cliFixture();
    chmodSync(writeAwsFile(fixture.home, "credentials", "# none\n"), 0o644);
    chmodSync(writeAwsFile(fixture.home, "config", "# none\n"), 0o666);
    const { found } = await reportOf(fixture, leaseVariables(fixture));
    expect(found("aws-files-readable")?.fix).toContain("chmod go-r");
    expect(found("aws-files-writable")?.fix).toContain("chmod go-w");
  });
});

describe("doctor --fix", () => {
  it("does what the user says yes to, and prints what only a shell can do", async () => {
    const fixture = await cliFixture();
    const directory = join(fixture.home, "state");
    chmodSync(directory, 0o755);
    const env = { ...leaseVariables(fixture), AWS_PROFILE: "missing" };
    const { code, stderr } = await fixture.run(["doctor", "--fix"], { env, answers: [[/Set its mode to 700/, true]] });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect([code, stderr]).toEqual([1, expect.stringContaining("unset AWS_PROFILE")]);
  });

  it("changes nothing after a no", async () => {
    const fixture = await cliFixture();
    const directory = join(fixture.home, "state");
    chmodSync(directory, 0o755);
    await fixture.run(["doctor", "--fix"], { answers: [[/Set its mode/, false]] });
    expect(statSync(directory).mode & 0o777).toBe(0o755);
  });

  it("never acts without a terminal", async () => {
    const fixture = await cliFixture();
    const directory = join(fixture.home, "state");
    chmodSync(directory, 0o755);
    const { code } = await fixture.run(["doctor", "--fix"], { interactive: false });
    expect([code, statSync(directory).mode & 0o777]).toEqual([2, 0o755]);
  });
});

describe("keys that another tool has left", () => {
  it("are told to have ended, by the variable that says so", async () => {
    const fixture = await cliFixture();
    const env = {
      AWS_ACCESS_KEY_ID: "ASIAX",
      AWS_SECRET_ACCESS_KEY: "x",
      AWS_SESSION_EXPIRATION: new Date(NOW - 1).toISOString(),
    };
    expect((await reportOf(fixture, env)).found("ended-keys")?.message).toContain("AWS_SESSION_EXPIRATION");
  });
});
