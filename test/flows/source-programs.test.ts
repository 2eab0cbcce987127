import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../fakes/fake-aws/principals.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

const HOUR = 3_600_000;
const ACCOUNT = "111111111111";
const MFA = `arn:aws:iam::${ACCOUNT}:mfa/me`;
const DEVELOPER = roleArn("Developer");

let broker: InProcessBroker;
/** The user's home, with the programs in `bin`. */
let user: string;
let programs: string;

beforeEach(() => {
  user = tempDir("user", "input");
  programs = join(user, "bin");
  cpSync(new URL("../fakes/stand-ins", import.meta.url), programs, { recursive: true });
  for (const name of readdirSync(programs)) chmodSync(join(programs, name), 0o700);
  mkdirSync(join(programs, "state"));
  mkdirSync(join(user, ".aws"));
});
afterEach(() => broker.close());

async function start(sources: string, roles: string): Promise<void> {
  broker = await InProcessBroker.create({
    config: `defaults: { region: eu-west-1 }\nsources:\n${sources}\nroles:\n${roles}\n`,
    aws: {
      users: [{ ...USER_KEY, account: ACCOUNT, userName: "me", mfaSerial: MFA }],
      roles: [{ arn: roleArn("dev") }],
    },
  });
  broker.environment = { HOME: user, PATH: `${programs}:/usr/bin:/bin` };
  await broker.start();
  await broker.call("store-create", {});
}

const fetch = async (role: string): Promise<Readonly<Record<string, string>>> =>
  (await get(await broker.urlOf(role))).body;
const refusal = async (role: string): Promise<string> => {
  const { code, message, hint } = await brokerErrorOf(() => broker.call("warm", { role }));
  return `${code}: ${message}; ${hint ?? ""}`;
};
const say = (file: string, ...words: string[]): void =>
  writeFileSync(join(programs, "state", file), `${words.join(" ")}\n`);
const forget = (file: string): void => rmSync(join(programs, "state", file));
/** What AWS gave somewhere else. */
const session = (life: number): Principal => broker.aws.openRole(DEVELOPER, "me@corp", broker.clock.now() + life);
const utc = (life: number): string => new Date(broker.clock.now() + life).toISOString().replace(/\.\d+/, "");

describe("saml2aws", () => {
  const logIn = (life: number, end: string): Principal => {
    const held = session(life);
    const words = [held.accessKeyId, held.secretAccessKey, held.sessionToken ?? "", end];
    spawnSync(join(programs, "saml2aws"), [join(user, ".aws", "credentials"), "saml", ...words]);
    return held;
  };
  /** As Go writes local time where the clock is two hours ahead. */
  const local = (life: number): string => utc(life + 2 * HOUR).replace("Z", "+02:00");
  const SOURCES = "  saml: { type: profile, profile: saml }";
  const ROLES = `  developer: { source: saml }\n  dev: { source: saml, role_arn: "${roleArn("dev")}" }`;

  it("is served as it is to the end that it wrote, signs for other roles, and is told when it has ended", async () => {
    await start(SOURCES, ROLES);
    const held = logIn(HOUR, local(HOUR));
    expect(await fetch("developer")).toMatchObject({ Code: "Success", AccessKeyId: held.accessKeyId });
    const { Expiration = "" } = await fetch("developer");
    // The margin of a minute that every answer has.
    expect(Date.parse(Expiration)).toBe(Math.floor((broker.clock.now() + HOUR) / 1000) * 1000 - 60_000);
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });

    broker.clock.jump(HOUR);
    expect(await refusal("developer")).toMatch(/^LoginRequired: profile saml gives credentials that have expired/);
    const next = logIn(HOUR, local(HOUR));
    await broker.call("refresh", {});
    expect(await fetch("developer")).toMatchObject({ AccessKeyId: next.accessKeyId });
  });

  it("signs and is not served where its file does not say when it ends", async () => {
    await start(SOURCES, ROLES);
    logIn(HOUR, "soon");
    expect(await refusal("developer")).toContain("does not say when they end");
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });
  });
});

describe("Roles Anywhere's aws_signing_helper", () => {
  const arn = (what: string): string =>
    `arn:aws:rolesanywhere:eu-west-1:${ACCOUNT}:${what}/00000000-0000-0000-0000-000000000000`;

  it("is served, renewed by itself, and its own words are told", async () => {
    for (const name of ["cert.pem", "key.pem"]) writeFileSync(join(user, name), "");
    const files = `--certificate ${user}/cert.pem --private-key ${user}/key.pem`;
    const arns = `--trust-anchor-arn ${arn("trust-anchor")} --profile-arn ${arn("profile")} --role-arn ${DEVELOPER}`;
    await start(
      `  anywhere: { type: process, credential_process: "aws_signing_helper credential-process ${files} ${arns}" }`,
      `  ci: { source: anywhere }\n  dev: { source: anywhere, role_arn: "${roleArn("dev")}" }`,
    );
    expect(await refusal("ci")).toMatch(/LoginRequired: .*AccessDeniedException: Untrusted certificate/);
    const create = (): string => {
      const held = session(HOUR);
      say("session", held.accessKeyId, held.secretAccessKey, held.sessionToken ?? "", utc(HOUR));
      return held.accessKeyId;
    };
    const first = create();
    await broker.call("refresh", {});
    expect(await fetch("ci")).toMatchObject({ Code: "Success", AccessKeyId: first });
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });

    broker.clock.jump(HOUR);
    const second = create();
    expect(await fetch("ci")).toMatchObject({ AccessKeyId: second });
  });
});

describe("1Password's op", () => {
  it("gives a long-term key that signs and is never served, and says when the app is locked", async () => {
    const template = join(user, "aws-key.json");
    const reference = (field: string): string => `{{ op://Private/aws/${field} }}`;
    const fields = {
      Version: 1,
      AccessKeyId: reference("access key id"),
      SecretAccessKey: reference("secret access key"),
    };
    writeFileSync(template, JSON.stringify(fields));
    await start(
      `  vault: { type: process, credential_process: "op inject --in-file ${template}" }`,
      `  own: { source: vault }\n  dev: { source: vault, role_arn: "${roleArn("dev")}" }`,
    );
    expect(await refusal("dev")).toMatch(/LoginRequired: .*authorization prompt dismissed, please try again/);
    say("unlocked", USER_KEY.accessKeyId, USER_KEY.secretAccessKey, "111111");
    await broker.call("refresh", {});
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });
    const own = await fetch("own");
    expect(own["AccessKeyId"]).toMatch(/^ASIA/);
    expect(broker.aws.countOf("GetSessionToken")).toBe(1);
  });
});

describe("an MFA code", () => {
  const SOURCE = (command: string): string =>
    `  ops-keys: { type: keys, mfa_serial: "${MFA}", mfa_process: '${command}' }`;
  const ROLE = `  dev: { source: ops-keys, role_arn: "${roleArn("dev")}" }`;

  async function startWithKey(command: string): Promise<void> {
    await start(SOURCE(command), ROLE);
    await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    broker.aws.allowMfaCodes("111111", "222222");
  }

  it("comes from 1Password, also when the session has ended", async () => {
    await startWithKey("op item get aws --otp");
    say("unlocked", "-", "-", "111111");
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });
    broker.clock.jump(12 * HOUR);
    say("unlocked", "-", "-", "222222");
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });
    expect(broker.aws.countOf("GetSessionToken")).toBe(2);
  });

  it("comes from a YubiKey that wants a touch, and what is wrong is told in its words", async () => {
    await startWithKey("ykman oath accounts code --single aws");
    expect(await refusal("dev")).toMatch(/MfaRequired: mfa_process ykman of source ops-keys .*No YubiKey detected!/);
    say("yubikey", "111111", "touch");
    await broker.call("login-mfa", { source: "ops-keys" });
    expect(await fetch("dev")).toMatchObject({ RoleArn: roleArn("dev") });
    forget("yubikey");
    // The session serves on without the key.
    await broker.call("refresh", {});
    expect(await fetch("dev")).toMatchObject({ Code: "Success" });
  });

  it.each([
    ["an account that the YubiKey has not", "ykman oath accounts code --single nope", /No matching account found/],
    [
      "a list, as ykman prints it without --single",
      "ykman oath accounts code aws",
      /something else than a code of 6 digits/,
    ],
  ])("is refused where the program has %s", async (_, command, told) => {
    await startWithKey(command);
    say("yubikey", "111111");
    expect(await refusal("dev")).toMatch(told);
    expect(broker.aws.countOf("GetSessionToken")).toBe(0);
  });
});
