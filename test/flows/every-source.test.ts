import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MachineMetadata } from "../fakes/machine-metadata.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

const HOUR = 3_600_000;
const MFA = "arn:aws:iam::111111111111:mfa/me";

let broker: InProcessBroker;
let machine: MachineMetadata;
/** The user's: their files and programs. */
let user: string;

beforeEach(async () => {
  user = tempDir("user", "input");
  machine = await MachineMetadata.start();
  vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await broker.close();
  await machine.close();
});

function script(name: string, lines: string): string {
  const path = join(user, name);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o700);
  return path;
}

async function start(sources: string, roles: string): Promise<void> {
  broker = await InProcessBroker.create({
    config: `defaults: { region: eu-west-1 }\nsources:\n${sources}\nroles:\n${roles}\n`,
    aws: {
      users: [{ ...USER_KEY, account: "111111111111", userName: "me", mfaSerial: MFA }],
      roles: [{ arn: roleArn("dev"), webIdentity: "me" }],
    },
  });
  broker.environment = {
    HOME: user,
    PATH: "/usr/bin:/bin",
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${machine.url}/container`,
  };
  await broker.start();
  await broker.call("store-create", {});
}

const stateOf = async (name: string): Promise<string | undefined> =>
  (await broker.call("status", {})).sources.find((source) => source.name === name)?.state;

const fetch = async (role: string): Promise<Readonly<Record<string, string>>> =>
  (await get(await broker.urlOf(role))).body;

/** In the clock of the broker. */
const until = (life: number): string => new Date(broker.clock.now() + life).toISOString();

describe("the daemon", () => {
  it("serves roles of a web identity, and of one that waits for its token", async () => {
    const token = join(user, "token");
    await start(
      `  oidc: { type: web_identity, web_identity_token_file: ${token} }`,
      `  web: { source: oidc, role_arn: "${roleArn("dev")}" }`,
    );
    expect(await stateOf("oidc")).toBe("login_required");
    const refused = await fetch("web");
    expect(refused).toMatchObject({ code: "LoginRequired" });
    expect(refused["message"]).toContain(token);

    writeFileSync(token, broker.aws.issueWebToken({ subject: "me", expiresAt: broker.clock.now() + HOUR }));
    broker.clock.jump(5000);
    expect(await fetch("web")).toMatchObject({ Code: "Success", RoleArn: roleArn("dev") });
    expect(await stateOf("oidc")).toBe("ready");
  });

  it("serves what a program, a profile, the instance and the container give, and never a long-term key", async () => {
    mkdirSync(join(user, ".aws"));
    const file = `[old]\naws_access_key_id = ${USER_KEY.accessKeyId}\naws_secret_access_key = ${USER_KEY.secretAccessKey}\n`;
    writeFileSync(join(user, ".aws", "credentials"), file, { mode: 0o600 });
    const printed = {
      Version: 1,
      AccessKeyId: "ASIAPROCESS",
      SecretAccessKey: canarySecretKey(),
      SessionToken: `x${CANARY}`,
    };
    const program = script("creds", `cat ${join(user, "answer")}`);
    await start(
      `  legacy: { type: process, credential_process: "${program} --json" }
  old: { type: profile, profile: old }
  box: { type: instance_metadata }
  task: { type: container }`,
      `  printed: { source: legacy }
  session: { source: old }
  assumed: { source: old, role_arn: "${roleArn("dev")}" }
  instance: { source: box }
  container: { source: task }`,
    );
    writeFileSync(join(user, "answer"), JSON.stringify({ ...printed, Expiration: until(HOUR) }));
    machine.credentials = { ...machine.credentials, Expiration: new Date(Date.now() + HOUR).toISOString() };

    expect(await fetch("printed")).toMatchObject({ AccessKeyId: "ASIAPROCESS" });
    expect(await fetch("assumed")).toMatchObject({ RoleArn: roleArn("dev") });
    const session = await fetch("session");
    expect(session["AccessKeyId"]).toMatch(/^ASIA/);
    expect(broker.aws.whoIs(session["AccessKeyId"] ?? "")).toMatchObject({ kind: "session" });
    expect(await fetch("instance")).toMatchObject({ AccessKeyId: "ASIAMACHINE000000001" });
    expect(await fetch("container")).toMatchObject({ AccessKeyId: "ASIAMACHINE000000001" });
    for (const source of ["legacy", "old", "box", "task"]) expect(await stateOf(source)).toBe("ready");
  });

  it("says of a program that others can change what is wrong with it, and does not run it", async () => {
    const program = script("creds", `touch ${join(user, "ran")}`);
    chmodSync(program, 0o777);
    await start(`  legacy: { type: process, credential_process: "${program}" }`, "  printed: { source: legacy }");

    expect(await stateOf("legacy")).toBe("error");
    expect(await fetch("printed")).toMatchObject({ code: "ConfigInvalid" });
    await expect(broker.call("warm", { role: "printed" })).rejects.toMatchObject({ hint: `chmod go-w ${program}` });
  });

  it("says which of the AWS CLI's logins is missing", async () => {
    await start(
      "  cli: { type: aws_sso_cache, sso_session: corp, sso_region: eu-west-1 }",
      '  dev: { source: cli, sso_account_id: "111111111111", sso_role_name: Developer }',
    );

    expect(await stateOf("cli")).toBe("login_required");
    await expect(broker.call("warm", { role: "dev" })).rejects.toMatchObject({
      code: "LoginRequired",
      hint: "aws sso login --sso-session corp",
    });
  });

  it("logs in with MFA by a program: at a login, and when a session has ended", async () => {
    const program = script("totp", `cat ${join(user, "code")}`);
    await start(
      `  ops-keys: { type: keys, mfa_serial: "${MFA}", mfa_process: "${program}" }`,
      `  dev: { source: ops-keys, role_arn: "${roleArn("dev")}" }`,
    );
    await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    broker.aws.allowMfaCodes("111111", "222222");
    writeFileSync(join(user, "code"), "111111\n");
    expect((await broker.call("login-choices", {})).sources).toMatchObject([{ name: "ops-keys", mfaProcess: true }]);
    await broker.call("login-mfa", { source: "ops-keys" });
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });

    await broker.stop();
    await broker.start();
    expect(await stateOf("ops-keys")).toBe("ready");
    expect(broker.aws.countOf("GetSessionToken")).toBe(1);

    broker.clock.jump(12 * HOUR);
    writeFileSync(join(user, "code"), "222222\n");
    await broker.call("warm", { role: "dev" });
    expect(broker.aws.countOf("GetSessionToken")).toBe(2);
  });

  it("forgets on lock what it was given", async () => {
    const program = script("creds", `cat ${join(user, "answer")}`);
    await start(
      `  legacy: { type: process, credential_process: "${program}" }`,
      `  assumed: { source: legacy, role_arn: "${roleArn("dev")}" }`,
    );
    const { accessKeyId, secretAccessKey, sessionToken } = broker.aws.openRole(
      roleArn("other"),
      "me",
      broker.clock.now() + HOUR,
    );
    const printed = {
      Version: 1,
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: until(HOUR),
    };
    writeFileSync(join(user, "answer"), JSON.stringify(printed));
    const url = await broker.urlOf("assumed");
    expect((await get(url)).status).toBe(200);
    expect((await broker.call("status", {})).sources).toMatchObject([{ expiresAt: expect.any(Number) as unknown }]);
    await broker.call("lock", {});

    expect((await broker.call("status", {})).sources).toMatchObject([{ expiresAt: null }]);
    expect((await get(url)).body).toMatchObject({ code: "StoreLocked" });
  });
});
