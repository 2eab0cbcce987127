import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { freePort, type Outcome } from "../support/broker.js";
import { canarySecretKey } from "../support/canaries.js";
import { runToEnd } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { startUpstream, type Upstream } from "../support/upstream.js";
import { inVenv } from "../support/venv.js";
import { program, QUIET } from "./aws-clients.js";

const LONG_TERM = "AKIADIRTYHOME0000000";
const STALE = "ASIASTALE00000000000";
const OF_PROCESS = "ASIAPROCESS000000000";
const ROLE_ARN = "arn:aws:iam::222222222222:role/dev";
const KEYS = `aws_access_key_id = ${LONG_TERM}\naws_secret_access_key = ${canarySecretKey("dirty")}\n`;

/** Whose brokerd ends with their test, also where that fails. */
const shells: DirtyShell[] = [];
let upstream: Upstream;
let center: FakeIdentityCenter;
beforeAll(async () => {
  upstream = await startUpstream({ sessionSeconds: 3600 });
  center = await startFakeIdentityCenter();
}, 120_000);
afterEach(async () => {
  for (const shell of shells.splice(0)) await shell.stop();
});
afterAll(async () => {
  await upstream.stop();
  await center.close();
});

/** The home of a user who never had credbroker, and the shell that they sit at. */
class DirtyShell {
  readonly home = tempDir("user", "input");
  readonly label: string;
  readonly commands: string[] = [];
  readonly #broker = tempDir("broker");
  readonly #env: Record<string, string>;

  constructor(label: string, env: Readonly<Record<string, string>> = {}) {
    this.label = label;
    mkdirSync(join(this.home, ".aws"));
    shells.push(this);
    this.#env = { ...this.#ownVariables(), ...env };
  }

  write(path: string, text: string): this {
    writeFileSync(join(this.home, path), text, { mode: 0o600 });
    return this;
  }

  /** One command line that the user types, and counts. */
  async type(command: string): Promise<Outcome> {
    this.commands.push(command);
    const outcome = await this.#run(command);
    expect([this.label, command, outcome]).toEqual([this.label, command, expect.objectContaining({ code: 0 })]);
    return outcome;
  }

  async init(): Promise<void> {
    await this.type(`brokerctl init --secret-store key_file --port ${await freePort()} --yes`);
  }

  async stop(): Promise<void> {
    await this.#run("brokerctl stop");
  }

  #run(command: string): Promise<Outcome> {
    return runToEnd(["/bin/sh", "-c", command], { env: this.#env, cwd: this.home });
  }

  #ownVariables(): Record<string, string> {
    const programs = tempDir("programs");
    const write = (name: string, text: string): void => {
      writeFileSync(join(programs, name), `#!/bin/sh\nexec ${text} "$@"\n`);
      chmodSync(join(programs, name), 0o700);
    };
    write("brokerctl", `'${process.execPath}' '${resolve("dist/brokerctl.js")}'`);
    write("aws", `'${inVenv("aws")}'`);
    write("at-terminal", `'${inVenv("python")}' '${program("at-terminal.py")}'`);
    return {
      ...{ PATH: `${programs}:${process.env["PATH"] ?? ""}`, HOME: this.home, CREDBROKER_HOME: this.#broker, ...QUIET },
      ...{ AWS_ENDPOINT_URL: upstream.proxy.url(this.label), TERM: "xterm" },
      ...{ AWS_ENDPOINT_URL_SSO: center.url, AWS_ENDPOINT_URL_SSO_OIDC: center.url },
    };
  }
}

/** The keys that signed the question who this is, as AWS saw it. */
function signersOf({ label }: DirtyShell): readonly string[] {
  const asked = upstream.proxy.callsOf(label).filter(({ action }) => action === "GetCallerIdentity");
  return asked.map(({ accessKeyId }) => accessKeyId ?? "unsigned");
}

const ASK = "aws sts get-caller-identity";

describe("from a home that other tools have left, the first right identity takes three commands", () => {
  it("with long-term keys in [default]", async () => {
    const shell = new DirtyShell("default keys")
      .write(".aws/credentials", `[default]\n${KEYS}`)
      .write(".aws/config", "[default]\nregion = eu-west-1\n");
    await shell.init();
    await shell.type("brokerctl import default --yes");
    await shell.type(`brokerctl exec default -- ${ASK}`);
    const [signer = "", ...others] = signersOf(shell);
    // A session that was handed out for the key, never the key.
    expect([shell.commands.length, others, signer === LONG_TERM]).toEqual([3, [], false]);
    expect(upstream.proxy.endOf(signer)).toBeGreaterThan(Date.now());
  });

  it("with what `aws configure sso` leaves in [default], login included", async () => {
    const sso =
      "sso_session = corp\nsso_account_id = 100000000001\nsso_role_name = AdministratorAccess\nregion = eu-west-1\n";
    const session =
      "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\nsso_registration_scopes = sso:account:access\n";
    const browser = { BROWSER: `${process.execPath} ${resolve("test/flows/programs/approving-browser.mjs")}` };
    const log = join(tempDir("browser"), "log");
    const shell = new DirtyShell("sso", { ...browser, APPROVING_BROWSER_LOG: log }).write(
      ".aws/config",
      `[default]\n${sso}${session}`,
    );
    await shell.init();
    await shell.type("brokerctl import default --yes");
    await shell.type(`at-terminal brokerctl exec default -- ${ASK}`);
    expect([shell.commands.length, signersOf(shell).length, center.countOf("GetRoleCredentials")]).toEqual([3, 1, 1]);
    expect(signersOf(shell)[0]).not.toMatch(/^AKIA/);
  });

  it("with a credential_process in [default]", async () => {
    const shell = new DirtyShell("process");
    const script = join(shell.home, "creds");
    const answer = JSON.stringify({
      ...{
        Version: 1,
        AccessKeyId: OF_PROCESS,
        SecretAccessKey: canarySecretKey("process"),
        SessionToken: canarySecretKey("token"),
      },
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    });
    writeFileSync(script, `#!/bin/sh\npwd >> '${shell.home}/ran-in'\necho '${answer}'\n`);
    chmodSync(script, 0o700);
    shell.write(".aws/config", `[default]\ncredential_process = ${script}\nregion = eu-west-1\n`);
    await shell.init();
    await shell.type("brokerctl import default --yes");
    await shell.type(`brokerctl exec default -- ${ASK}`);
    // brokerd runs programs from `/`, the AWS CLI where it is itself.
    const ranIn = readFileSync(join(shell.home, "ran-in"), "utf8");
    expect([shell.commands.length, signersOf(shell), ranIn]).toEqual([3, [OF_PROCESS], "/\n"]);
  });

  it("with the variables of another vault still set", async () => {
    const leftovers = {
      ...{
        AWS_VAULT: "work",
        AWS_ACCESS_KEY_ID: STALE,
        AWS_SECRET_ACCESS_KEY: canarySecretKey("stale"),
        AWS_SESSION_TOKEN: "stale",
      },
      ...{
        AWS_CREDENTIAL_EXPIRATION: "2026-01-01T00:00:00Z",
        AWS_PROFILE: "leapp-gone",
        GRANTED_SSO: "true",
        AWS_DEFAULT_REGION: "us-west-2",
      },
    };
    const shell = new DirtyShell("leftovers", leftovers)
      .write(".aws/credentials", `[work]\n${KEYS}`)
      .write(".aws/config", `[profile work-dev]\nrole_arn = ${ROLE_ARN}\nsource_profile = work\nregion = eu-west-1\n`);
    await shell.init();
    await shell.type("brokerctl import work-dev --yes");
    await shell.type(`brokerctl exec work-dev -- ${ASK}`);
    expect([shell.commands.length, signersOf(shell).map((key) => upstream.proxy.roleOf(key))]).toEqual([3, [ROLE_ARN]]);
    const keys = upstream.proxy.keysOf(shell.label);
    expect(keys).not.toContain(STALE);
  });

  it("of a Lambda developer, with a long-term key in .env", async () => {
    const secret = canarySecretKey("dotenv");
    const env = { AWS_ACCESS_KEY_ID: LONG_TERM, AWS_SECRET_ACCESS_KEY: secret, AWS_REGION: "eu-west-1" };
    // The shell has read it, as their start file does.
    const shell = new DirtyShell("dotenv", env).write(
      ".env",
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );
    await shell.init();
    const add = `brokerctl keys add ops --access-key-id "$AWS_ACCESS_KEY_ID" --secret-stdin --role dev --role-arn ${ROLE_ARN}`;
    await shell.type(`printenv AWS_SECRET_ACCESS_KEY | ${add}`);
    await shell.type(`brokerctl exec dev -- ${ASK}`);
    expect([shell.commands.length, signersOf(shell).map((key) => upstream.proxy.roleOf(key))]).toEqual([3, [ROLE_ARN]]);
  });
});
