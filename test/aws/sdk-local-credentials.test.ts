import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SdkLocalCredentials } from "../../src/aws/sdk-local-credentials.js";
import type { FoundCredentials } from "../../src/core/credentials.js";
import { type Clock, SystemClock } from "../../src/system/clock.js";
import { MachineMetadata, machineCredentials } from "../fakes/machine-metadata.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";
import { type AwsFixture, ann, CHAINED_ROLE, REGION, ROLE, startAwsFixture } from "./aws-fixture.js";

const HOUR = 3_600_000;

let fixture: AwsFixture;
let home: string;

beforeEach(async () => {
  // As in the daemon, whose environment points the SDK at nothing.
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  fixture = await startAwsFixture();
  home = tempDir("local-credentials", "input");
  mkdirSync(join(home, ".aws"), { mode: 0o700 });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await fixture.fake.close();
});

function local(variables: Record<string, string> = {}, clock: Clock = new SystemClock()): SdkLocalCredentials {
  return new SdkLocalCredentials({ sts: fixture.sts, clock, home, variables });
}
const config = (text: string): void => writeFileSync(join(home, ".aws", "config"), text, { mode: 0o600 });
const credentials = (text: string): void => writeFileSync(join(home, ".aws", "credentials"), text, { mode: 0o600 });
const profile = (name: string): Promise<FoundCredentials> => local().profile(name, REGION);

const STATIC = `aws_access_key_id = ${ann.accessKeyId}\naws_secret_access_key = ${ann.secretAccessKey}\n`;

function script(lines: string): string {
  const path = join(home, "creds");
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o700);
  return path;
}

describe("a profile", () => {
  it("of `aws login` gives what that left in its cache, with its end, and leaves the login as it is", async () => {
    const session = "arn:aws:iam::111111111111:user/ann";
    const expiresAt = "2099-01-01T00:00:00Z";
    const accessToken = {
      ...{
        accessKeyId: "ASIALOGIN00000000000",
        secretAccessKey: canarySecretKey("login"),
        sessionToken: `token${CANARY}`,
      },
      ...{ accountId: "111111111111", expiresAt },
    };
    const login = {
      accessToken,
      tokenType: "aws_sigv4",
      clientId: "arn:aws:signin:::devtools/same-device",
      refreshToken: CANARY,
      dpopKey: CANARY,
    };
    const cache = join(home, ".aws", "login", "cache");
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    const file = join(cache, `${createHash("sha256").update(session).digest("hex")}.json`);
    writeFileSync(file, JSON.stringify(login), { mode: 0o600 });
    vi.stubEnv("HOME", home);
    config(`[profile console]\nlogin_session = ${session}\nregion = eu-west-1\n`);

    expect(await profile("console")).toMatchObject({
      ...{ accessKeyId: "ASIALOGIN00000000000", accountId: "111111111111", expiration: Date.parse(expiresAt) },
    });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(login);
  });

  it("with a key gives the key, without an end", async () => {
    credentials(`[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = no\n[old]\n${STATIC}`);
    const found = await profile("old");

    expect(found.accessKeyId).toBe(ann.accessKeyId);
    expect(found.secretAccessKey.reveal()).toBe(ann.secretAccessKey);
    expect(found).not.toHaveProperty("sessionToken");
    expect(found).not.toHaveProperty("expiration");
  });

  it.each([
    ["2099-01-02T00:47:31+02:00", Date.UTC(2099, 0, 1, 22, 47, 31)],
    ["2099-01-01T22:47:31Z", Date.UTC(2099, 0, 1, 22, 47, 31)],
    ["2099-01-01T22:47:31+0000", Date.UTC(2099, 0, 1, 22, 47, 31)],
    ["2099-01-01 22:47:31", undefined],
    ["2099-01-01T22:47:31", undefined],
    ["tomorrow", undefined],
    ["2099-13-01T22:47:31Z", undefined],
  ])("with temporary keys has the end that is written beside them as %s: %s", async (written, expiration) => {
    const keys = STATIC + `aws_session_token = token${CANARY}\n`;
    const other = keys.replace(ann.accessKeyId, "ASIAOTHER0000000");
    credentials(
      `[before]\n${other}x_security_token_expires = 2030-01-01T00:00:00Z\n[saml]\n${keys}x_security_token_expires = ${written}\n`,
    );
    expect((await profile("saml")).expiration).toBe(expiration);
    credentials(`[before]\n${other}x_security_token_expires = 2030-01-01T00:00:00Z\n[saml]\n${keys}`);
    expect(await profile("saml")).not.toHaveProperty("expiration");
  });

  it.each([
    [
      "itself",
      "[profile dev]\ncredential_process = /usr/bin/node /opt/dist/brokerctl.js credential-process dev\n",
      /^profile dev: it gets/,
    ],
    [
      "what signs for it",
      `[profile dev]\nrole_arn = ${ROLE}\nsource_profile = base\n[profile base]\ncredential_process = '/o p/brokerctl.js' credential-process x\n`,
      /^profile dev: profile base, which signs for it, gets/,
    ],
  ])("that asks this broker, by %s, is refused at once: no process is started", async (_, text, told) => {
    config(text);
    const { code, message } = await brokerErrorOf(() => profile("dev"));
    expect([code, message]).toEqual(["ConfigInvalid", expect.stringMatching(told)]);
  });

  it("with temporary keys whose written end has passed is to be logged in to", async () => {
    credentials(`[saml]\n${STATIC}aws_session_token = t${CANARY}\nx_security_token_expires = 2020-01-01T00:00:00Z\n`);
    expect(await brokerErrorOf(() => profile("saml"))).toMatchObject({ code: "LoginRequired" });
  });

  it("that assumes roles has them assumed by our own STS, through the region of the source", async () => {
    credentials(`[base]\n${STATIC}`);
    config(`[profile prod]\nrole_arn = ${ROLE}\nsource_profile = base\nexternal_id = abc\nduration_seconds = 900
[profile deep]\nrole_arn = ${CHAINED_ROLE}\nsource_profile = prod\nrole_session_name = me\n`);
    const found = await profile("deep");

    expect(found).toMatchObject({ accountId: "333333333333" });
    expect(found.expiration).toBeGreaterThan(Date.now() + HOUR - 60_000);
    expect(
      fixture.fake.calls.map(({ params, region }) => [params["RoleArn"], params["DurationSeconds"], region]),
    ).toEqual([
      [ROLE, "900", REGION],
      [CHAINED_ROLE, "3600", REGION],
    ]);
    expect(fixture.fake.calls[0]?.params).toMatchObject({ ExternalId: "abc" });
    expect(fixture.fake.calls[1]?.params).toMatchObject({ RoleSessionName: "me" });
  });

  it("with a web identity has its role assumed by our own STS", async () => {
    fixture.fake.setRole({ arn: ROLE, webIdentity: "me" });
    const token = join(home, "token");
    writeFileSync(token, `${fixture.fake.issueWebToken({ subject: "me", expiresAt: Date.now() + HOUR })}\n`);
    config(`[profile web]\nrole_arn = ${ROLE}\nweb_identity_token_file = ${token}\n`);

    expect(await profile("web")).toMatchObject({ accountId: "222222222222" });
    expect(fixture.fake.countOf("AssumeRoleWithWebIdentity")).toBe(1);
  });

  it("with credential_process gives what it prints", async () => {
    const printed = {
      Version: 1,
      AccessKeyId: "ASIAPROCESS",
      SecretAccessKey: canarySecretKey(),
      SessionToken: `x${CANARY}`,
    };
    const Expiration = new Date(Date.now() + HOUR).toISOString();
    config(`[profile proc]\ncredential_process = ${script(`echo '${JSON.stringify({ ...printed, Expiration })}'`)}\n`);

    expect(await profile("proc")).toMatchObject({ accessKeyId: "ASIAPROCESS", expiration: Date.parse(Expiration) });
  });

  it("is read anew each time", async () => {
    credentials(`[old]\n${STATIC}`);
    await profile("old");
    credentials(`[old]\n${STATIC.replace(ann.accessKeyId, "AKIACHANGED")}`);

    expect(await profile("old")).toMatchObject({ accessKeyId: "AKIACHANGED" });
  });

  it("is looked for in the user's files, whatever the environment says", async () => {
    const elsewhere = join(home, "elsewhere");
    writeFileSync(elsewhere, `[old]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n`);
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", elsewhere);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAWRONG");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
    vi.stubEnv("AWS_PROFILE", "other");
    credentials(`[old]\n${STATIC}`);

    expect(await profile("old")).toMatchObject({ accessKeyId: ann.accessKeyId });
  });

  it.each<[string, string, string, RegExp]>([
    ["is not there", "[profile x]\nregion = eu-west-1\n", "ConfigInvalid", /there is no profile p/],
    ["has nothing that gives credentials", "[profile p]\nregion = eu-west-1\n", "ConfigInvalid", /nothing in it gives/],
    [
      "asks for an MFA code",
      `[profile b]\n${STATIC}[profile p]\nrole_arn = ${ROLE}\nsource_profile = b\nmfa_serial = GAHT12345678\n`,
      "ConfigInvalid",
      /asks for an MFA code/,
    ],
    [
      "signs in through Identity Center",
      `[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1
[profile p]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Dev\n`,
      "ConfigInvalid",
      /Identity Center/,
    ],
    [
      "is chained from one that signs in through Identity Center",
      `[profile s]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 111111111111\nsso_role_name = Dev
[profile p]\nrole_arn = ${ROLE}\nsource_profile = s\n`,
      "ConfigInvalid",
      /Identity Center/,
    ],
    [
      "logs in with `aws login`",
      "[profile p]\nlogin_session = me\nregion = eu-west-1\n",
      "LoginRequired",
      /no credentials now/,
    ],
    [
      "takes the environment's keys",
      `[profile p]\nrole_arn = ${ROLE}\ncredential_source = Environment\n`,
      "LoginRequired",
      /profile p/,
    ],
    [
      "has a program that fails",
      "[profile p]\ncredential_process = /bin/false\n",
      "LoginRequired",
      /no credentials now/,
    ],
    [
      "may not assume its role",
      `[profile b]\n${STATIC}[profile p]\nrole_arn = arn:aws:iam::222222222222:role/none\nsource_profile = b\n`,
      "AssumeRoleDenied",
      /profile p: AWS denies/,
    ],
  ])("that %s says so", async (_, text, code, says) => {
    config(text);
    const error = await brokerErrorOf(() => profile("p"));

    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
    expect(error.hint).toBeTruthy();
    expect(error.hint).not.toContain("keys add SOURCE");
    expect(`${error.message} ${String(error.cause)}`).not.toContain(CANARY);
  });

  it("that gives expired credentials is refused", async () => {
    const printed = { Version: 1, AccessKeyId: "ASIA1", SecretAccessKey: canarySecretKey(), SessionToken: "x" };
    config(
      `[profile p]\ncredential_process = ${script(`echo '${JSON.stringify({ ...printed, Expiration: "2001-01-01T00:00:00Z" })}'`)}\n`,
    );

    expect(await brokerErrorOf(() => profile("p"))).toMatchObject({ code: "LoginRequired" });
  });

  it("that hangs is given up on after a minute, and not asked a second time meanwhile", async () => {
    const clock = new FakeClock();
    const log = join(home, "runs");
    config(
      `[profile p]\ncredential_process = ${script(`echo run >> ${log}; while [ -e ${log} ]; do sleep 0.1; done`)}\n`,
    );
    const slow = local({}, clock);
    const first = brokerErrorOf(() => slow.profile("p", REGION));
    await expect.poll(() => readdirSync(home)).toContain("runs");
    await clock.advance(60_000);
    expect(await first).toMatchObject({ code: "AwsUnreachable" });

    const second = brokerErrorOf(() => slow.profile("p", REGION));
    await clock.advance(60_000);
    await second;
    expect(readFileSync(log, "utf8")).toBe("run\n");
    rmSync(log);
  });

  it("writes nothing", async () => {
    credentials(`[old]\n${STATIC}`);
    await profile("old");

    expect(readdirSync(join(home, ".aws"))).toEqual(["credentials"]);
  });
});

describe("the machine", () => {
  let machine: MachineMetadata;

  beforeEach(async () => {
    machine = await MachineMetadata.start();
    // The SDK's provider takes its endpoint from here alone.
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.url);
  });
  afterEach(() => machine.close());

  const asContainer = (more: Record<string, string> = {}): Promise<FoundCredentials> =>
    local({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${machine.url}/container`, ...more }).container();

  it("gives the role of an EC2 instance, by IMDSv2", async () => {
    expect(await local().instanceMetadata()).toMatchObject({
      accessKeyId: "ASIAMACHINE000000001",
      expiration: Date.parse(String(machine.credentials["Expiration"])),
    });
    expect(machine.requests).toEqual([
      "PUT /latest/api/token",
      "GET /latest/meta-data/iam/security-credentials/",
      "GET /latest/meta-data/iam/security-credentials/instance-role",
    ]);
  });

  it("is not asked without a token: IMDSv1 answers whatever a server is tricked into fetching", async () => {
    machine.imdsV2 = false;
    const error = await brokerErrorOf(() => local().instanceMetadata());

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(machine.requests.some((request) => request.startsWith("GET"))).toBe(false);
  });

  it("without a role says so", async () => {
    machine.roleName = undefined;

    expect(await brokerErrorOf(() => local().instanceMetadata())).toMatchObject({
      code: "ConfigInvalid",
      message: "no role is attached to this EC2 instance",
    });
  });

  it("never gives credentials that have ended a later end", async () => {
    machine.credentials = machineCredentials(-HOUR);

    expect(await brokerErrorOf(() => local().instanceMetadata())).toMatchObject({
      code: "LoginRequired",
      message: "the instance metadata service gives credentials that have expired",
    });
    expect(await brokerErrorOf(() => asContainer())).toMatchObject({ code: "LoginRequired" });
  });

  it("that is silent, or not there, is out of reach", async () => {
    machine.isSilent = true;
    expect(await brokerErrorOf(() => local().instanceMetadata())).toMatchObject({ code: "AwsUnreachable" });
    expect(await brokerErrorOf(() => asContainer())).toMatchObject({ code: "AwsUnreachable" });

    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    expect(await brokerErrorOf(() => local().instanceMetadata())).toMatchObject({ code: "AwsUnreachable" });
  });

  it("that was silent is asked again when it speaks", async () => {
    const clock = new FakeClock(Date.now());
    const container = local({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${machine.url}/container` }, clock);
    machine.isSilent = true;
    const silent = brokerErrorOf(() => container.container());
    await expect.poll(() => machine.requests.length).toBe(1);
    await clock.advance(5000);
    expect(await silent).toMatchObject({ code: "AwsUnreachable" });

    machine.isSilent = false;
    clock.jump(60_000);
    expect(await container.container()).toMatchObject({ accessKeyId: "ASIAMACHINE000000001" });
  });

  it("gives the role of a container, with the token that its file holds now", async () => {
    const file = join(home, "token");
    machine.containerToken = `first ${CANARY}`;
    writeFileSync(file, machine.containerToken);
    const withFile = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file, AWS_CONTAINER_AUTHORIZATION_TOKEN: "stale" };
    expect(await asContainer(withFile)).toMatchObject({ accessKeyId: "ASIAMACHINE000000001" });

    machine.containerToken = `second ${CANARY}`;
    const error = await brokerErrorOf(() => asContainer(withFile));
    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(`${error.message} ${String(error.cause)}`).not.toContain(CANARY);
    expect(await asContainer({ AWS_CONTAINER_AUTHORIZATION_TOKEN: machine.containerToken })).toBeDefined();
  });

  it("is only a container where the daemon's environment says so, not that of the process", async () => {
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${machine.url}/container`);

    expect(await brokerErrorOf(() => local().container())).toMatchObject({ code: "ConfigInvalid" });
    expect(machine.requests).toEqual([]);
  });

  it.each(["http://example.com/creds", "not a url"])("is not looked for at %s", async (uri) => {
    const error = await brokerErrorOf(() => local({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }).container());

    expect(error.code).toBe("ConfigInvalid");
  });
});
