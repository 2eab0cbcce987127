import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CANARY } from "../support/canaries.js";
import { type RunOptions, type RunResult, runCommand } from "../support/cli-run.js";
import { get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

let broker: InProcessBroker;
let user: string;
let env: Record<string, string>;

beforeEach(async () => {
  broker = await InProcessBroker.create({ config: "# nothing yet\n" });
  await broker.start();
  await broker.call("store-create", {});
  user = tempDir("user", "input");
  for (const directory of ["bin/state", ".aws"]) mkdirSync(join(user, directory), { recursive: true });
  cpSync(new URL("../fakes/stand-ins/aws-vault", import.meta.url), join(user, "bin/aws-vault"));
  chmodSync(join(user, "bin/aws-vault"), 0o700);
  env = {
    PATH: `${join(user, "bin")}:/usr/bin:/bin`,
    AWS_CONFIG_FILE: join(user, ".aws/config"),
    AWS_SHARED_CREDENTIALS_FILE: join(user, ".aws/credentials"),
    AWS_SSO_CONFIG: join(user, "aws-sso.yaml"),
  };
});

afterEach(() => broker.close());

const ctl = (argv: readonly string[], options: Partial<RunOptions> = {}): Promise<RunResult> =>
  runCommand(argv, { home: broker.home, env, ...options });
const write = (path: string, text: string): void => writeFileSync(join(user, path), text, { mode: 0o600 });
const brokerConfig = (): string => readFileSync(join(broker.home, "config.yaml"), "utf8");

describe("import --from aws-vault", () => {
  const AWS_CONFIG = `[profile dev]\nrole_arn = ${roleArn("dev")}\nsource_profile = ops\nregion = eu-west-1\n`;

  beforeEach(() => {
    write(".aws/config", AWS_CONFIG);
    write("bin/state/keyring", `ops ${USER_KEY.accessKeyId} ${USER_KEY.secretAccessKey}\nempty\n`);
  });

  it("has its keys in the secret store and its roles served, and shows none of the keys", async () => {
    const { code, stdout, stderr } = await ctl(["import", "--from", "aws-vault"], {
      answers: [[/add 2 to the config, store 1 keys/, true]],
    });
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).not.toContain(CANARY);
    expect(stderr).toContain("no key of empty: aws-vault export ended with exit code 1");
    expect(stderr).toContain("aws-vault remove ops");
    expect(stderr).not.toContain("clear text");
    expect((await get(await broker.urlOf("dev"))).body["RoleArn"]).toContain(":role/dev");
    expect(readFileSync(join(user, ".aws/config"), "utf8")).toBe(AWS_CONFIG);
  });

  it("does nothing the second time, and nothing at all for --dry-run", async () => {
    expect(await ctl(["import", "--from", "aws-vault", "--dry-run"])).toMatchObject({ code: 0 });
    expect(brokerConfig()).not.toContain("roles:");
    await ctl(["import", "--from", "aws-vault", "--yes"], { env: { ...env, AWS_VAULT: "dev" } });
    const before = brokerConfig();
    expect((await ctl(["import", "--from", "aws-vault", "--yes"])).stderr).toContain("nothing to do");
    expect(brokerConfig()).toBe(before);
  });

  it("says that there is no aws-vault, and takes no flag that would change something of it", async () => {
    rmSync(join(user, "bin/aws-vault"));
    const missing = await ctl(["import", "--from", "aws-vault"]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("there is no aws-vault in PATH")]);
    expect(await ctl(["import", "--from", "aws-vault", "--replace"])).toMatchObject({ code: 2 });
  });
});

describe("import --from aws-sso-cli and granted", () => {
  it("make the source to log in to, and say how its roles come into the config", async () => {
    write(
      "aws-sso.yaml",
      "SSOConfig:\n  Default:\n    SSORegion: eu-west-1\n    StartUrl: https://corp.awsapps.com/start\n",
    );
    const { code, stderr } = await ctl(["import", "--from", "aws-sso-cli", "--yes"]);
    expect(code).toBe(0);
    expect(brokerConfig()).toContain("sso_start_url: https://corp.awsapps.com/start");
    expect(stderr).toContain("hint: brokerctl sso roles corp --add");
  });

  it("are refused where the program has left nothing, and where another may write its file", async () => {
    expect(await ctl(["import", "--from", "aws-sso-cli"])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("AWS_SSO_CONFIG=FILE") as unknown },
    });
    write("aws-sso.yaml", "SSOConfig: {}\n");
    chmodSync(join(user, "aws-sso.yaml"), 0o666);
    const { code, stderr } = await ctl(["import", "--from", "aws-sso-cli"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("chmod go-w")]);
  });
});
