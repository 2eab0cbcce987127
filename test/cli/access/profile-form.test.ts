import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { NOW, SERVED } from "../../fakes/fake-control.js";
import { canarySecretKey } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { FakeClock } from "../../support/fake-clock.js";
import { tempDir } from "../../support/temp-dir.js";

let fixture: CliFixture;
let home: string;
let seenFile: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" }).addRole("prod").addRole("shared");
  // Where secrets are the user's own business, or what the command was to be given: the leak search leaves it out.
  home = tempDir("user", "input");
  seenFile = join(home, "seen.json");
});

/** CMD writes down what it was given. */
const LOOK = `
const fs = require("fs");
const { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials } = process.env;
const modes = [require("path").dirname(credentials), credentials, config].map((path) => (fs.statSync(path).mode & 0o777).toString(8));
const texts = { config: fs.readFileSync(config, "utf8"), credentials: fs.readFileSync(credentials, "utf8") };
fs.writeFileSync(process.argv[1], JSON.stringify({ env: process.env, modes, ...texts, argv: process.argv }), { mode: 0o600 });`;

interface Seen {
  readonly env: Readonly<Record<string, string>>;
  readonly modes: readonly string[];
  readonly config: string;
  readonly credentials: string;
}

async function exec(argv: readonly string[], options: Parameters<CliFixture["run"]>[1] = {}): Promise<RunResult> {
  const words = ["exec", ...argv, "--as", "profile", "--", process.execPath, "-e", LOOK, seenFile];
  const { env = {}, ...rest } = options;
  return fixture.run(words, { clock: new FakeClock(NOW), env: { HOME: home, ...env }, ...rest });
}

const seen = (): Seen => JSON.parse(readFileSync(seenFile, "utf8")) as Seen;
const names = (text: string): readonly string[] => [...text.matchAll(/^\[(.+)\]$/gm)].map(([, name = ""]) => name);
const directories = (): readonly string[] => {
  const directory = join(fixture.home, "run", "profiles");
  return existsSync(directory) ? readdirSync(directory) : [];
};

function awsFile(name: string, text: string): void {
  mkdirSync(join(home, ".aws"), { recursive: true });
  writeFileSync(join(home, ".aws", name), text, { mode: 0o600 });
}

describe("exec --as profile", () => {
  it("gives CMD a closed file of temporary keys, as [default] and under the role's name, and no other way to them", async () => {
    const { code, stderr } = await exec(["dev"], { env: { AWS_PROFILE: "old", AWS_ACCESS_KEY_ID: "AKIAOLD" } });
    const { env, credentials, config, modes } = seen();
    const keys = [
      `aws_access_key_id = ${SERVED.accessKeyId}`,
      `aws_secret_access_key = ${SERVED.secretAccessKey}`,
      `aws_session_token = ${SERVED.sessionToken}`,
    ].join("\n");
    expect([code, modes]).toEqual([0, ["700", "600", "600"]]);
    expect(credentials).toMatch(/^# Written by `brokerctl exec/);
    expect(credentials.slice(credentials.indexOf("["))).toBe(`[default]\n${keys}\n[dev]\n${keys}\n`);
    expect(config.slice(config.indexOf("["))).toBe(
      "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-west-1\n",
    );
    expect(env).toMatchObject({ AWS_REGION: "eu-west-1", AWS_SDK_LOAD_CONFIG: "1" });
    const others = [
      "AWS_PROFILE",
      "AWS_ACCESS_KEY_ID",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ];
    expect(Object.keys(env).filter((name) => others.includes(name))).toEqual([]);
    expect(stderr).toContain("profile default, dev: keys of role dev, account 111111111111, good until");
    expect(stderr + JSON.stringify(env)).not.toContain(SERVED.secretAccessKey);
  });

  it("leaves neither the file nor a lease behind, also where CMD cannot be run or fails", async () => {
    expect(await exec(["dev"])).toMatchObject({ code: 0 });
    const { AWS_SHARED_CREDENTIALS_FILE: path = "" } = seen().env;
    expect([path.startsWith(join(fixture.home, "run", "profiles")), existsSync(path)]).toEqual([true, false]);
    expect(await fixture.run(["exec", "dev", "--as", "profile", "--", "/no/such"])).toMatchObject({ code: 127 });
    expect(await fixture.run(["exec", "dev", "--as", "profile", "--", "/bin/false"])).toMatchObject({ code: 1 });
    expect([directories(), fixture.control.leases.map(({ kind }) => kind)]).toEqual([[], ["default"]]);
  });

  it("hands the lease over to CMD, with whom it ends when brokerctl is killed", async () => {
    await exec(["dev", "--for", "10m"]);
    expect(fixture.control.requests("lease-child")).toMatchObject([{ role: "dev", forSeconds: 600 }]);
    expect(fixture.control.requests("lease-hand-over")).toMatchObject([{ id: "lease-2" }]);
    expect(fixture.control.requests("lease-revoke")).toEqual([{ lease: { by: "id", id: "lease-2" } }]);
  });

  it("has keys of another role where that is named, and fetches nothing that is not", async () => {
    expect(await exec(["dev", "--profile", "shared", "--profile", "acme-prod=prod"])).toMatchObject({ code: 0 });
    expect(names(seen().credentials)).toEqual(["default", "dev", "shared", "acme-prod"]);
    expect(fixture.control.requests("lease-child").map(({ role }) => role)).toEqual(["dev", "shared", "prod"]);
    await exec(["dev"]);
    expect(fixture.control.requests("warm").map(({ role }) => role)).toEqual(["dev", "shared", "prod", "dev"]);
  });

  it("asks what a guard asks before anything is fetched, of each role", async () => {
    const guard = { confirm: "terminal", reason: false, maxLeaseSeconds: 1800 } as const;
    fixture.control.addRole("vault", { guard });
    expect(await exec(["dev", "--profile", "vault"])).toMatchObject({ code: 5 });
    expect([existsSync(seenFile), directories()]).toEqual([false, []]);
    expect(fixture.control.requests("warm").map(({ role }) => role)).toEqual(["dev"]);
    expect(await exec(["dev", "--profile", "vault"], { answers: [[/Give it/, true]] })).toMatchObject({ code: 0 });
    expect(names(seen().credentials)).toContain("vault");
  });

  it("uses the names by which ~/.aws asks brokerctl for the role, of `profiles sync` and by hand", async () => {
    const line = (role: string): string => `credential_process = /usr/bin/brokerctl credential-process ${role}\n`;
    awsFile("config", `[profile acme-dev]\n${line("dev")}[profile other]\n${line("prod")}`);
    awsFile("credentials", `[legacy]\n${line("dev")}`);
    await exec(["dev"]);
    expect(names(seen().credentials)).toEqual(["default", "dev", "acme-dev", "legacy"]);
  });

  it("takes the place of profiles of those names, keeps their harmless settings, and leaves other profiles as they are", async () => {
    const secret = canarySecretKey("ini");
    awsFile(
      "config",
      "[profile dev]\nregion = us-west-2\noutput = text\ns3 =\n  max_queue_size = 7\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = y\n" +
        "[profile corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[default]\ns3 =\n  max_queue_size = 9\n",
    );
    awsFile("credentials", `[default]\naws_access_key_id = AKIADEFAULT000000000\naws_secret_access_key = ${secret}\n`);
    await exec(["dev"]);
    const { config, credentials } = seen();
    expect(names(config)).toEqual(["profile corp", "default", "profile dev"]);
    expect(config).toContain("[default]\ns3 =\n  max_queue_size = 9\nregion = eu-west-1\n");
    expect(config).toContain("[profile dev]\noutput = text\ns3 =\n  max_queue_size = 7\nregion = eu-west-1\n");
    expect(config + credentials).not.toMatch(/role_arn|source_profile|AKIADEFAULT/);
  });

  it("has the role of a named lease or of the default one, from start to end", async () => {
    fixture.control.addLease("named", { name: "ide", role: "prod" });
    expect(await exec(["--lease", "ide"])).toMatchObject({ code: 0 });
    expect(names(seen().credentials)).toEqual(["default", "prod"]);
    fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "dev" }));
    await exec([]);
    expect(fixture.control.requests("lease-child").at(-1)).toMatchObject({ role: "dev" });
  });

  it.each([
    [["dev", "--profile", "default=prod"]],
    [["dev", "--profile", "a b"]],
    [["dev", "--profile", "=prod"]],
    [["dev", "--profile", "x=prod", "--profile", "x=shared"]],
  ])("refuses %j, and runs nothing", async (argv) => {
    expect(await exec(argv)).toMatchObject({ code: 2 });
    expect([existsSync(seenFile), directories()]).toEqual([false, []]);
  });

  it("is what --profile is for: with another form it is refused", async () => {
    const { code, stderr } = await fixture.run(["exec", "dev", "--profile", "x=prod", "--", "/bin/true"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("brokerctl exec ROLE --as profile --profile x=prod -- CMD"),
    ]);
  });

  it("refuses a directory that is open to others, before a key is written", async () => {
    mkdirSync(join(fixture.home, "run", "profiles"), { mode: 0o755 });
    expect(statSync(join(fixture.home, "run", "profiles")).mode & 0o077).toBeGreaterThan(0);
    expect(await exec(["dev"])).toMatchObject({ code: 125 });
    expect([existsSync(seenFile), fixture.control.leases.length]).toEqual([false, 1]);
  });
});
