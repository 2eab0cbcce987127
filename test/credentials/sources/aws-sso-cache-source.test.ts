import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SsoPortal } from "../../../src/aws/sso.js";
import { toBrokerError } from "../../../src/core/errors.js";
import type { AwsSsoCacheSource, Role } from "../../../src/core/role.js";
import { Secret } from "../../../src/core/secret.js";
import { AwsSsoCacheSourceProvider } from "../../../src/credentials/sources/aws-sso-cache-source.js";
import { readSmallFile } from "../../../src/files/read-small-file.js";
import { IdentityCenterFixture, REGION, START_URL } from "../../aws/identity-center-fixture.js";
import { organization } from "../../fakes/fake-identity-center/organization.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { CANARY } from "../../support/canaries.js";
import { sessionRole } from "../../support/roles.js";
import { tempDir } from "../../support/temp-dir.js";

const session: AwsSsoCacheSource = {
  type: "aws_sso_cache",
  name: "cli",
  session: { ssoSession: "corp" },
  stsRegion: REGION,
};
const legacy: AwsSsoCacheSource = { ...session, session: { startUrl: `${START_URL}#/` } };

let fixture: IdentityCenterFixture;
let directory: string;
let accountId: string;
let role: Role;

beforeEach(async () => {
  fixture = await IdentityCenterFixture.start();
  const home = tempDir("aws-sso-cache", "input");
  directory = join(home, ".aws", "sso", "cache");
  mkdirSync(directory, { recursive: true });
  // The SDK's provider goes by the process's own home and time.
  vi.stubEnv("HOME", home);
  followTheClock();
  // what the fake has by default
  const [account] = organization(3, 2);
  accountId = account?.accountId ?? "";
  role = sessionRole(session, "dev");
  role = { ...role, sso: { accountId, roleName: account?.roles[0] ?? "" } };
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await fixture.close();
});

function followTheClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: fixture.clock.now() });
}

const provider = (portal: SsoPortal = fixture.ours.sso): AwsSsoCacheSourceProvider => {
  return new AwsSsoCacheSourceProvider({ directory, readFile: readSmallFile, portal, clock: fixture.clock });
};
const fileOf = (key: string): string => join(directory, `${createHash("sha1").update(key).digest("hex")}.json`);

/** As the AWS CLI writes it; in place, as it does. */
async function awsSsoLogin(key = "corp", more: Record<string, unknown> = {}): Promise<void> {
  const { accessToken, expiresAt, refreshToken } = await fixture.login();
  const login = {
    startUrl: START_URL,
    region: REGION,
    accessToken: accessToken.reveal(),
    expiresAt: new Date(expiresAt).toISOString().replace(/\.\d+Z/, "Z"),
    clientId: "client",
    clientSecret: `secret-${CANARY}`,
    registrationExpiresAt: "2030-01-01T00:00:00Z",
    refreshToken: refreshToken?.reveal(),
    ...more,
  };
  writeFileSync(fileOf(key), JSON.stringify(login), { mode: 0o600 });
}

const retrieve = (source = session) => provider().retrieve(source, role);

describe("the login of the AWS CLI", () => {
  it.each([
    ["an SSO session", session, "corp"],
    ["a start URL, to the letter", legacy, `${START_URL}#/`],
    ["a start URL that the CLI's profile spells another way", legacy, `${START_URL}/`],
    ["a start URL that the CLI's profile spells the short way", legacy, START_URL],
  ] as const)("is found by %s and gives the role's credentials", async (_, source, key) => {
    await awsSsoLogin(key);
    const held = await retrieve(source);

    expect(held).toMatchObject({ receivedAt: fixture.clock.now(), credentials: { accountId } });
    expect(await fixture.ours.sts.getCallerIdentity(held.credentials, REGION)).toMatchObject({ account: accountId });
  });

  it("is asked in the region that the config names before its own", async () => {
    await awsSsoLogin("corp", { region: undefined });

    expect(await brokerErrorOf(retrieve)).toMatchObject({
      code: "ConfigInvalid",
      hint: "set sso_region: brokerctl config edit",
    });
    expect(await retrieve({ ...session, ssoRegion: REGION })).toBeDefined();
  });

  it.each([
    ["a session", "corp", session],
    ["a start URL", `${START_URL}#/`, legacy],
  ])("of %s is never written, renewed or moved, before and after its end", async (_, key, source) => {
    await awsSsoLogin(key);
    const before = stateOf(fileOf(key));
    const { expiresAt } = JSON.parse(readFileSync(fileOf(key), "utf8")) as { expiresAt: string };
    const tokens = fixture.center.countOf("CreateToken");
    const dev = { accountId, roleName: role.sso?.roleName ?? "" };
    await retrieve(source);
    // Where the SDK and the AWS CLI renew a session's login: 5 min before its end; then behind it.
    for (const beforeEnd of [4 * 60_000, -1000, -100 * 3_600_000]) {
      fixture.clock.jump(Date.parse(expiresAt) - beforeEnd - fixture.clock.now());
      followTheClock();
      const asked = fixture.center.countOf("GetRoleCredentials");
      const outcome = await fixture.ours.sso.getRoleCredentialsOfCli(key, dev, REGION).then(
        () => undefined,
        (error: unknown) => toBrokerError(error),
      );
      await retrieve(source).catch(() => undefined);
      await provider().readiness(source);
      expect(outcome?.code).toBe(beforeEnd > 0 ? undefined : "LoginRequired");
      expect(fixture.center.countOf("GetRoleCredentials") - asked).toBe(beforeEnd > 0 ? 2 : 0);
    }

    expect(stateOf(fileOf(key))).toEqual(before);
    expect(readdirSync(directory)).toHaveLength(1);
    expect(fixture.center.countOf("CreateToken")).toBe(tokens);
  });

  it("is asked with by the SDK's provider through our client, and the portal's errors stay told apart", async () => {
    await awsSsoLogin();
    fixture.center.faults.set("GetRoleCredentials", { kind: "throttle", times: 1 });
    expect(await brokerErrorOf(retrieve)).toMatchObject({ code: "AwsUnreachable" });
    expect(await retrieve()).toBeDefined();
  });

  it.each<[string, (now: number) => string]>([
    ["of the CLI", (now) => new Date(now).toISOString().replace(/\.\d+Z/, "Z")],
    ["of the JavaScript SDK", (now) => new Date(now).toISOString()],
    ["of older CLIs", (now) => new Date(now).toISOString().replace(/\.\d+Z/, "UTC")],
    ["without a zone", (now) => new Date(now).toISOString().replace(/\.\d+Z/, "")],
    ["of the CLI, with blanks around it", (now) => ` ${new Date(now).toISOString().replace(/\.\d+Z/, " UTC")}\n`],
    ["of another zone without a colon", (now) => new Date(now + 7_200_000).toISOString().replace("Z", "+0200")],
    ["of another zone", (now) => new Date(now + 2 * 3_600_000).toISOString().replace("Z", "+02:00")],
  ])("has its end read in the form %s", async (_, written) => {
    const end = fixture.clock.now() + 3_600_000;
    await awsSsoLogin("corp", { expiresAt: written(end) });

    expect(await provider().readiness(session)).toEqual({ needs: undefined, expiresAt: end });
  });

  it("that has ended names the CLI's own command", async () => {
    await awsSsoLogin("corp", { expiresAt: "2020-01-01T00:00:00Z" });
    expect(await brokerErrorOf(retrieve)).toMatchObject({
      code: "LoginRequired",
      message: "source cli: SSO session corp has ended in the AWS CLI's cache",
      hint: "aws sso login --sso-session corp",
    });
    expect(await provider().readiness(session)).toMatchObject({ needs: "LoginRequired" });

    await awsSsoLogin();
    expect(await retrieve()).toBeDefined();
  });

  it("that is not there asks for one at once, in words for a shell", async () => {
    const odd = { ...session, session: { ssoSession: "my corp's" } };

    expect(await brokerErrorOf(() => retrieve(odd))).toMatchObject({
      code: "LoginRequired",
      hint: String.raw`aws sso login --sso-session 'my corp'\''s'`,
    });
    expect((await brokerErrorOf(() => retrieve(legacy))).hint).toContain("--profile PROFILE");
    rmSync(directory, { recursive: true });
    expect(await brokerErrorOf(() => provider().readiness(session))).toMatchObject({ code: "LoginRequired" });
  });

  it("that the portal refuses has ended, unless the file has a new one by then", async () => {
    await awsSsoLogin();
    const old = readFileSync(fileOf("corp"), "utf8");
    await fixture.ours.sso.logout(tokenIn(old), REGION);
    expect(await brokerErrorOf(retrieve)).toMatchObject({
      code: "LoginRequired",
      hint: "aws sso login --sso-session corp",
    });

    let asked = 0;
    const portal = Object.create(fixture.ours.sso) as SsoPortal;
    portal.getRoleCredentialsOfCli = async (...call) => {
      asked++;
      const answer = fixture.ours.sso.getRoleCredentialsOfCli(...call);
      await answer.catch(() => undefined);
      if (asked === 1) await awsSsoLogin();
      return answer;
    };
    expect(await provider(portal).retrieve(session, role)).toBeDefined();
    expect(asked).toBe(2);
  });

  it("is not used for a role that names no account and permission set", async () => {
    await awsSsoLogin();
    const asked = fixture.center.countOf("GetRoleCredentials");
    expect(await brokerErrorOf(() => provider().retrieve(session, sessionRole(session, "bare")))).toMatchObject({
      code: "ConfigInvalid",
    });
    expect(fixture.center.countOf("GetRoleCredentials")).toBe(asked);
  });

  it("does not reach a role that is not assigned", async () => {
    await awsSsoLogin();
    role = { ...role, sso: { accountId, roleName: "NotGranted" } };

    expect(await brokerErrorOf(retrieve)).toMatchObject({ code: "AssumeRoleDenied" });
  });
});

describe("a login file that is being written", () => {
  it.each(["", "{", '{"startUrl": "https://corp'])("is read again while it holds %j", async (half) => {
    writeFileSync(fileOf("corp"), half);
    const asking = retrieve();
    await waiting();
    await awsSsoLogin();
    await fixture.clock.advance(25);

    expect(await asking).toBeDefined();
  });

  it.each(["", "{", "null", "[]", '{"accessToken": 7}', '{"accessToken": "x", "expiresAt": "soon"}'])(
    "is given up on after 200 ms while it holds %j",
    async (text) => {
      writeFileSync(fileOf("corp"), text);
      const asking = brokerErrorOf(retrieve);
      for (let round = 0; round < 8; round++) {
        await waiting();
        await fixture.clock.advance(25);
      }

      expect(await asking).toMatchObject({
        code: "LoginRequired",
        message: "source cli: SSO session corp holds no login that can be read in the AWS CLI's cache",
      });
    },
  );

  it("of another size or kind is none", async () => {
    writeFileSync(fileOf("corp"), JSON.stringify({ accessToken: CANARY.repeat(6000) }));
    const error = await brokerErrorOf(retrieve);

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).not.toContain(CANARY);
  });
});

function stateOf(path: string): object {
  const { ino, mtimeMs, ctimeMs, size, mode } = statSync(path);
  return { ino, mtimeMs, ctimeMs, size, mode, text: readFileSync(path, "utf8") };
}

/** Until the reader sleeps. */
async function waiting(): Promise<void> {
  while (fixture.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
}

function tokenIn(text: string): Secret {
  return new Secret((JSON.parse(text) as { accessToken: string }).accessToken);
}
