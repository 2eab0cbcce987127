import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import { type FakeSignIn, startFakeSignIn } from "../fakes/fake-sign-in/fake-sign-in.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { settle } from "../support/fake-clock.js";
import { get, InProcessBroker, roleArn } from "../support/in-process-broker.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CONFIG = `
sources:
  console: { type: console_login, region: eu-west-1 }
roles:
  me: { source: console }
  dev: { source: console, role_arn: "${roleArn("dev")}" }
`;

let broker: InProcessBroker;
let signIn: FakeSignIn;

beforeEach(() => start());

afterEach(async () => {
  await broker.close();
  await signIn.close();
});

async function start(config = CONFIG): Promise<void> {
  broker = await InProcessBroker.create({ config, aws: { roles: [{ arn: roleArn("dev") }] } });
  signIn = await startFakeSignIn({ aws: broker.aws, clock: broker.clock });
  broker.environment = { AWS_ENDPOINT_URL_SIGNIN: signIn.url };
  await broker.start();
  await broker.call("store-create", {});
}

/** Real sockets need real turns of the event loop. */
async function wire(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await settle();
}

/** As a user in a browser on this machine. */
async function logIn(source = "console"): Promise<void> {
  const { loginId, url } = await broker.call("login-start", { source, flow: "browser" });
  const waiting = broker.call("login-wait", { loginId });
  waiting.catch(() => undefined);
  const { location } = await decideInBrowser(url, "approve");
  await fetch(location ?? "");
  await waiting;
}

/** As a user in a browser of another machine: what the page shows at the end. */
async function codeOfPage(url: string): Promise<string> {
  const { text } = await decideInBrowser(url, "approve");
  return /<p id="message">([^<]+)</.exec(text)?.[1] ?? "";
}

/** In steps shorter than our own deadline for AWS, whose answers are on the wire meanwhile. */
async function until(code: string, url: string): Promise<void> {
  for (let step = 0; step < 100; step++) {
    if ((await get(url)).body["Code"] === code) return;
    await broker.clock.advance(5000);
    await wire();
  }
  throw new Error(`never ${code}`);
}

const state = async (): Promise<unknown> => {
  const { sources } = await broker.call("status", {});
  return sources.map(({ type, state: is, expiresAt }) => [type, is, expiresAt]);
};

const codeOf = async (action: () => unknown): Promise<string> => (await brokerErrorOf(action)).code;

function everyFile(directory: string): string {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries
    .map(({ name }) => join(directory, name))
    .map((path) =>
      statSync(path).isDirectory() ? everyFile(path) : statSync(path).isFile() ? readFileSync(path, "latin1") : "",
    )
    .join("\n");
}

describe("a login to the console", () => {
  it("in this machine's browser gives roles their credentials, its own and assumed ones", async () => {
    expect(await codeOf(() => broker.call("warm", { role: "me" }))).toBe("LoginRequired");
    await logIn();
    expect(await state()).toEqual([["console_login", "ready", broker.clock.now() + 12 * HOUR]]);
    expect(await broker.call("warm", { role: "me" })).toMatchObject({ accountId: "111111111111" });
    const identity = await broker.call("whoami", { role: "dev" });
    expect(identity.arn).toContain("assumed-role/dev/");
    const served = await get(await broker.urlOf("me"));
    expect(served.body).toMatchObject({ Code: "Success", AccountId: "111111111111" });
    expect(broker.aws.whoIs(served.body["AccessKeyId"] ?? "")?.arn).toContain("ann-at-the-console");
    // The credentials that the login gave did for all of it.
    expect(signIn.countOf("CreateToken")).toBe(1);
  });

  it("on another machine is finished by the code of its page, and by no other", async () => {
    const { loginId, url, takesCode, flow } = await broker.call("login-start", { source: "console", flow: "device" });
    expect([takesCode, flow]).toEqual([true, "device"]);
    const waiting = broker.call("login-wait", { loginId });
    const other = await broker.call("login-start", { source: "console", flow: "device" });
    expect([other.joined, other.url]).toEqual([true, url]);
    const code = await codeOfPage(url);
    const foreign = Buffer.from("state=x&code=y").toString("base64");
    for (const typed of ["", "nonsense", foreign, Buffer.from("code=y").toString("base64")].filter(Boolean)) {
      expect(await codeOf(() => broker.call("login-code", { loginId, code: typed }))).toBe("UsageInvalid");
    }
    await broker.call("login-code", { loginId, code: ` ${code}\n` });
    expect((await waiting).expiresAt).toBe(broker.clock.now() + 12 * HOUR);
    expect(await codeOf(() => broker.call("login-code", { loginId, code }))).toBe("UsageInvalid");
    expect(await broker.call("warm", { role: "me" })).toMatchObject({ accountId: "111111111111" });
  });

  it("whose user says no, or has no right to it, is none", async () => {
    const { loginId, url } = await broker.call("login-start", { source: "console", flow: "browser" });
    const waiting = broker.call("login-wait", { loginId });
    waiting.catch(() => undefined);
    const { location } = await decideInBrowser(url, "deny");
    await fetch(location ?? "");
    expect((await brokerErrorOf(() => waiting)).message).toContain("denied");
    signIn.settings.mayLogIn = false;
    const refused = await brokerErrorOf(() => logIn());
    expect([refused.code, refused.hint]).toEqual([
      "AssumeRoleDenied",
      expect.stringContaining("SignInLocalDevelopmentAccess"),
    ]);
    expect(await state()).toEqual([["console_login", "login_required", null]]);
  });

  it("of another user than login_session names is refused, and nothing of it kept", async () => {
    await broker.close();
    await signIn.close();
    await start(
      CONFIG.replace("region: eu-west-1", 'region: eu-west-1, login_session: "arn:aws:iam::111111111111:user/bob"'),
    );
    const refused = await brokerErrorOf(() => logIn());
    expect([refused.code, refused.message]).toEqual(["LoginRequired", expect.stringContaining("user/ann")]);
    expect(await state()).toEqual([["console_login", "login_required", null]]);
    signIn.settings.loginSession = "arn:aws:iam::111111111111:user/bob";
    await logIn();
    expect(await state()).toMatchObject([["console_login", "ready", expect.any(Number)]]);
  });

  it("is over after logout, for its roles too", async () => {
    await logIn();
    await broker.call("warm", { role: "me" });
    const url = await broker.urlOf("me");
    expect(await broker.call("logout", { source: "console" })).toMatchObject({ wasLoggedIn: true, problem: null });
    expect((await get(url)).body["Code"]).toBe("LoginRequired");
    expect(await broker.call("logout", { source: "console" })).toMatchObject({ wasLoggedIn: false });
  });

  it("leaves key, refresh token and code in no file, log or record in clear", async () => {
    await logIn();
    await broker.call("warm", { role: "me" });
    await broker.stop();
    const written = everyFile(broker.home) + JSON.stringify(broker.log);
    expect(written).not.toContain("PRIVATE KEY");
    expect(written).not.toContain(CANARY);
    expect(written).not.toContain(signIn.lastOf("CreateToken").params["codeVerifier"]);
  });

  it("is taken up by the next brokerd, and renewed with its key and in its region", async () => {
    await logIn();
    await broker.call("warm", { role: "me" });
    await broker.stop();
    await broker.start();
    expect(await state()).toMatchObject([["console_login", "ready", expect.any(Number)]]);
    await broker.call("refresh", { role: "me" });
    expect(signIn.lastOf("CreateToken").params["grantType"]).toBe("refresh_token");
  });

  it("is asked for anew after AWS ended it, and says why", async () => {
    await logIn();
    signIn.logins.revokeAll();
    await broker.clock.advance(2 * MINUTE);
    const { failed } = await broker.call("refresh", { role: "me" });
    expect(failed).toMatchObject([
      { code: "LoginRequired", message: expect.stringContaining("session has ended") as string },
    ]);
    expect(await state()).toEqual([["console_login", "login_required", null]]);
  });

  it("that may not be renewed for want of a right is kept, and renewed when the right is back", async () => {
    await logIn();
    await broker.call("warm", { role: "me" });
    signIn.logins.refuseRenewals("INSUFFICIENT_PERMISSIONS");
    await broker.clock.advance(2 * MINUTE);
    await wire();
    expect((await broker.call("refresh", { role: "me" })).failed).toMatchObject([{ code: "AssumeRoleDenied" }]);
    signIn.logins.refuseRenewals(undefined);
    expect((await broker.call("refresh", { role: "me" })).failed).toEqual([]);
    await broker.clock.advance(2 * MINUTE);
    await wire();
    signIn.logins.refuseRenewals("USER_CREDENTIALS_CHANGED");
    const { failed } = await broker.call("refresh", { role: "me" });
    expect(failed).toMatchObject([{ code: "LoginRequired", message: expect.stringContaining("password") as string }]);
    expect(await state()).toEqual([["console_login", "login_required", null]]);
  });

  it("follows its source to another name, and is logged out of by that", async () => {
    await logIn();
    await broker.call("warm", { role: "me" });
    const file = join(broker.home, "config.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll("console:", "home:").replaceAll("source: console", "source: home"));
    await broker.call("entry-renamed", { kind: "source", name: "console", to: "home" });
    expect(await state()).toMatchObject([["console_login", "ready", expect.any(Number)]]);
    expect(await broker.call("warm", { role: "me" })).toMatchObject({ accountId: "111111111111" });
    expect(signIn.countOf("CreateToken")).toBe(1);
    expect(await broker.call("logout", { source: "home" })).toMatchObject({ wasLoggedIn: true });
  });

  it("opens the console's own page, in the browser that is signed in", async () => {
    await logIn();
    const { way, url } = await broker.call("console", { role: "me", service: "s3" });
    expect([way, url]).toEqual(["signed-in", "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"]);
    expect(await broker.call("console", { role: "dev" })).toMatchObject({ way: "federated" });
  });

  it("lasts 12 hours without a gap, by renewals behind what is served", async () => {
    await logIn();
    const url = await broker.urlOf("me");
    const loggedInAt = broker.clock.now();
    let gaps = 0;
    for (let minute = 0; minute < 12 * 60 - 1; minute++) {
      const { status, body } = await get(url);
      const isGood = status === 200 && Date.parse(body["Expiration"] ?? "") > broker.clock.now();
      const signer = broker.aws.whoIs(body["AccessKeyId"] ?? "");
      if (!isGood || (signer?.expiration ?? 0) <= broker.clock.now()) gaps++;
      await broker.clock.advance(MINUTE);
      await wire();
    }
    const renewals = signIn.countOf("CreateToken") - 1;
    expect({ gaps, enough: renewals >= 48 }).toEqual({ gaps: 0, enough: true });
    // Each renewal is made once, with a refresh token that was not used before.
    const tokens = signIn.calls.flatMap(({ action, params }) =>
      action === "CreateToken" ? [params["refreshToken"]] : [],
    );
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(renewals).toBeLessThanOrEqual(90);
    const last = (await get(url)).body["Expiration"] ?? "";
    expect(Date.parse(last)).toBeLessThanOrEqual(loggedInAt + 12 * HOUR);
    await until("LoginRequired", url);
    expect(broker.clock.now()).toBeGreaterThanOrEqual(Date.parse(last));
  });
});
