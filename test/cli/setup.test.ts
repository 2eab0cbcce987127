import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { SpawnedDaemon } from "../../src/system/spawn-daemon.js";
import { canaryPassphrase } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { CONTROL_C, type RunOptions, type RunResult } from "../support/cli-run.js";

const ABSENT = { code: "KeyMissing", message: "no data key has been made", hint: "brokerctl init" } as const;
const ITEM = { outcome: "add", type: "keys", sourceRole: null, notes: [] } as const;

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture({ listening: false });
  rmSync(fixture.configFile);
  Object.assign(fixture.control, { problem: ABSENT, state: "degraded", pid: 2 ** 30 });
  fixture.control.onStop = () => void fixture.control.close();
});

async function launchDaemon(): Promise<SpawnedDaemon> {
  const text = existsSync(fixture.configFile) ? readFileSync(fixture.configFile, "utf8") : "";
  fixture.control.secretStore = /^secret_store: (\w+)/m.exec(text)?.[1] ?? "none";
  await fixture.control.listen();
  return { pid: fixture.control.pid, ended: new Promise(() => undefined) };
}

function setup(argv: readonly string[], options: Omit<RunOptions, "home"> = {}): Promise<RunResult> {
  const env = { HOME: fixture.home, ...options.env };
  return fixture.run(["setup", ...argv], { launchDaemon, ...options, env });
}

function put(name: string, text = ""): void {
  const path = join(fixture.home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
}

const config = (): string => readFileSync(fixture.configFile, "utf8");

/** What the daemon makes of an import: one role. */
function importing(role: string): void {
  fixture.control.importing = {
    items: [{ ...ITEM, what: role, role, source: "ops" }],
    ...{ keys: [], storeProblem: null, adds: true },
  };
  fixture.control.addRole(role);
}

const operations = (): string[] => fixture.control.calls.map(({ operation }) => operation);

describe("setup of a home with keys in ~/.aws", () => {
  beforeEach(() => {
    put(".aws/credentials", "[default]\n");
    importing("default");
  });

  it("asks what there is, shows what it would take, and ends with AWS's own answer", async () => {
    const { code, stdout, stderr, offered } = await setup([], {
      answers: [
        [/What do you have/, "keys"],
        [/Region of programs/, "eu-west-1"],
        [/What opens the file/, "key_file"],
        [/add 1 to the config/, true],
      ],
    });
    expect(code).toBe(0);
    expect(offered[0]?.[0]?.label).toContain("keys  an access key, in ~/.aws or typed  (found here)");
    expect(stdout).toMatch(/role +default\naccount +111111111111\narn +arn:/);
    expect(stderr).toContain("AWS has confirmed it");
    expect(fixture.control.defaultRole).toBe("default");
    expect(fixture.control.requests("import-plan")[0]?.profiles).toEqual(["default"]);
    expect(config()).toContain("\ndefaults: { region: eu-west-1 } ");
  });

  it.each([
    ["of this shell", { AWS_REGION: "eu-north-1" }, "", "eu-north-1"],
    ["of [default] in ~/.aws/config", {}, "[default]\nregion = ap-south-1\n", "ap-south-1"],
    ["that is AWS's first, where nothing says another", {}, "", "us-east-1"],
  ])("gives roles without a region the one %s", async (_, env, text, region) => {
    put(".aws/config", text);
    const { stderr } = await setup(["--secret-store", "key_file", "--yes"], { env });
    expect(config()).toContain(`\ndefaults: { region: ${region} } `);
    expect(stderr).toContain(`get ${region} (defaults.region)`);
  });

  it("asks nothing with --yes, and the second time has nothing left to do", async () => {
    const argv = ["--secret-store", "key_file", "--yes"];
    expect(await setup(argv)).toMatchObject({ code: 0 });
    fixture.control.importing = { ...fixture.control.importing, adds: false };
    const { code, stderr } = await setup(argv);
    expect([code, stderr]).toEqual([0, expect.stringContaining("nothing to do")]);
    expect(operations().filter((operation) => operation === "store-create")).toHaveLength(1);
    expect(operations().filter((operation) => operation === "use")).toHaveLength(1);
  });

  it("leaves a default role that was chosen before", async () => {
    await setup(["--secret-store", "key_file", "--yes"]);
    fixture.control.addRole("other");
    const { stderr } = await setup(["--yes", "--role", "other"]);
    expect(fixture.control.defaultRole).toBe("default");
    expect(stderr).toContain("brokerctl use other, in place of default");
  });

  it("names a role that was meant, where there is none of that name", async () => {
    const { code, error } = await setup(["--secret-store", "key_file", "--yes", "--role", "defualt"]);
    expect([code, error]).toEqual([2, undefined]);
  });
});

describe("Ctrl-C in setup", () => {
  it("leaves nothing where it comes before the secret store is made", async () => {
    put(".aws/credentials", "[default]\n");
    const passphrase = canaryPassphrase("setup");
    const { signal } = await setup(["--secret-store", "passphrase"], {
      answers: [
        [/What do you have/, "keys"],
        [/Region of programs/, ""],
        [/New passphrase/, passphrase],
        [/same again/, CONTROL_C],
      ],
    });
    expect(signal).toBe("SIGINT");
    expect(existsSync(fixture.configFile)).toBe(false);
    expect(operations()).not.toContain("import-plan");
    expect(operations()).not.toContain("store-create");
  });

  it("reads and writes nothing where it comes first", async () => {
    const { signal } = await setup([], { answers: [[/What do you have/, CONTROL_C]] });
    expect([signal, existsSync(fixture.configFile), operations()]).toEqual(["SIGINT", false, []]);
  });
});

describe("setup of other homes", () => {
  it.each([
    ["aws-vault in PATH", "aws-vault", "bin/aws-vault"],
    ["granted's directory", "granted", ".granted/config"],
    ["aws-sso-cli's directory", "aws-sso-cli", ".aws-sso/config.yaml"],
    ["a login of aws login", "aws-login", ".aws/login/cache/x.json"],
    ["nothing at all", "sso", "some-file"],
  ])("takes for granted what it finds: %s", async (_, point, file) => {
    put(file);
    const { offered } = await setup([], {
      env: { PATH: join(fixture.home, "bin") },
      answers: [[/What do you have/, CONTROL_C]],
    });
    expect(offered[0]?.[0]?.value).toBe(point);
  });

  it("adds the portal that is named, logs in, and takes the first role where it may not ask", async () => {
    fixture.control.sso.set("corp", { loggedIn: false });
    fixture.control.addRole("dev", { source: "corp" });
    const argv = ["--sso-start-url", "https://corp.awsapps.com/start", "--sso-region", "eu-west-1", "--yes"];
    const { code, stderr } = await setup([...argv, "--secret-store", "key_file"]);
    expect(code).toBe(0);
    expect(fixture.control.requests("source-add")[0]).toMatchObject({
      name: "corp",
      fields: { type: "sso", sso_start_url: "https://corp.awsapps.com/start", sso_region: "eu-west-1" },
    });
    expect(stderr).toContain("logged in to corp until");
  });

  it("says of a function what lets the developer in", async () => {
    put(".aws/credentials", "[default]\n");
    importing("default");
    fixture.control.addFunction("orders");
    const { code, stderr } = await setup(["--secret-store", "key_file", "--yes", "--function", "orders"]);
    expect(code).toBe(0);
    expect(stderr).toContain("does not have the statement that lets you in");
    expect(stderr).toContain("brokerctl lambda trust orders --via default");
    expect(stderr).toContain("brokerctl lambda exec orders --via default -- npm start");
  });

  it.each([
    ["sso", "brokerctl setup --from sso --sso-start-url VALUE"],
    ["keys", "brokerctl keys add me --csv FILE --role me"],
  ])("names the flag for what it cannot ask, before anything is written: %s", async (point, hint) => {
    const { code, stderr } = await setup(["--from", point, "--secret-store", "key_file", "--yes"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(hint)]);
    expect([existsSync(fixture.configFile), operations()]).toEqual([false, []]);
  });

  it("takes the portals of ~/.aws/config and not the keys beside them", async () => {
    const sso = "sso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Dev\n";
    put(
      ".aws/config",
      `[profile old]\nrole_arn = x\n[profile dev]\n${sso}[sso-session corp]\nsso_region = eu-west-1\n`,
    );
    importing("dev");
    expect(await setup(["--from", "sso", "--secret-store", "key_file", "--yes"])).toMatchObject({ code: 0 });
    expect(fixture.control.requests("import-plan")[0]?.profiles).toEqual(["dev"]);
  });

  it("asks for the portal before it makes the secret store", async () => {
    const { signal } = await setup(["--from", "sso"], {
      answers: [
        [/Start URL/, "https://x.awsapps.com/start"],
        [/region/, CONTROL_C],
      ],
    });
    expect([signal, existsSync(fixture.configFile), operations()]).toEqual(["SIGINT", false, []]);
  });
});
