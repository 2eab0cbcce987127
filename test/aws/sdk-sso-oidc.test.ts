import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientRegistration, DeviceAuthorization, TokenGrant, TokenOutcome } from "../../src/aws/sso-oidc.js";
import { isRecoverable } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import type { SsoFault } from "../fakes/fake-identity-center/sso-faults.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import {
  CALLBACK,
  CODE_CLIENT,
  DEVICE_CLIENT,
  everythingIn,
  granted,
  IdentityCenterFixture,
  REGION,
  START_URL,
  VERIFIER,
} from "./identity-center-fixture.js";

let fixture: IdentityCenterFixture;
beforeEach(async () => {
  fixture = await IdentityCenterFixture.start({ settings: { intervalSeconds: 5 } });
});
afterEach(() => fixture.close());

const start = (client: ClientRegistration, startUrl = START_URL): Promise<DeviceAuthorization> =>
  fixture.ours.ssoOidc.startDeviceAuthorization(client, { startUrl }, REGION);
const create = (client: ClientRegistration, grant: TokenGrant): Promise<TokenOutcome> =>
  fixture.ours.ssoOidc.createToken(client, grant, REGION);
const refresh = (client: ClientRegistration, refreshToken: Secret | undefined): Promise<TokenOutcome> =>
  create(client, { kind: "refresh", refreshToken: refreshToken ?? new Secret("none") });
const lie = (change: object): SsoFault => ({ kind: "lie", body: (right) => ({ ...right, ...change }) });

describe("registering", () => {
  test("yields a secret and an end by our clock, and sends what was asked for", async () => {
    const registration = await fixture.register(CODE_CLIENT);

    expect(registration.expiresAt).toBe(fixture.clock.now() + 90 * 86_400_000);
    expect(registration.clientSecret.reveal()).toContain(CANARY);
    expect(fixture.center.lastOf("RegisterClient").params).toEqual({
      clientName: "credbroker",
      clientType: "public",
      issuerUrl: START_URL,
      scopes: ["sso:account:access"],
      grantTypes: ["authorization_code", "refresh_token"],
      redirectUris: ["http://127.0.0.1/oauth/callback"],
    });
    expect(fixture.center.lastOf("RegisterClient").userAgent).toContain("app/credbroker");
  });

  test("ends by our clock where AWS's is another", async () => {
    await fixture.close();
    fixture = await IdentityCenterFixture.start({ clock: { now: () => fixture.clock.now() + 3_600_000 } });

    expect((await fixture.register()).expiresAt).toBe(fixture.clock.now() + 90 * 86_400_000);
  });

  test.each([
    ["another start URL", { ...CODE_CLIENT, issuerUrl: "https://other.awsapps.com/start" }, "sso_start_url"],
    ["an unknown scope", { ...CODE_CLIENT, scopes: ["sso:everything"] }, "sso_registration_scopes"],
  ])("%s is a matter of the config", async (_name, request, key) => {
    const error = await brokerErrorOf(() => fixture.register(request));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.hint).toContain(key);
  });

  test.each([
    ["no secret", { clientSecret: null }],
    ["a secret of two lines", { clientSecret: "a\r\nx-evil: 1" }],
    ["an empty id", { clientId: "" }],
    ["no end", { clientSecretExpiresAt: null }],
    ["an end that has passed", { clientSecretExpiresAt: 1 }],
  ])("an answer with %s is not believed", async (_name, change) => {
    fixture.center.faults.set("RegisterClient", lie(change));

    expect(await brokerErrorOf(() => fixture.register())).toMatchObject({ code: "AwsUnreachable" });
  });
});

describe("the device flow", () => {
  test("shows a code, is pending until it is approved, and yields a token", async () => {
    const client = await fixture.register();
    const started = await start(client);
    expect(started).toMatchObject({
      verificationUri: `${fixture.center.url}/device`,
      verificationUriComplete: `${fixture.center.url}/device?user_code=${started.userCode}`,
      expiresAt: fixture.clock.now() + 600_000,
      intervalSeconds: 5,
    });
    const grant: TokenGrant = { kind: "device", deviceCode: started.deviceCode };
    expect(await create(client, grant)).toEqual({ outcome: "pending" });

    fixture.center.approve(started.userCode);
    await fixture.clock.advance(5000);
    const token = granted(await create(client, grant));

    expect(token.expiresAt).toBe(fixture.clock.now() + 3_600_000);
    expect(token.accessToken.reveal()).toContain(CANARY);
    expect(token.refreshToken?.reveal()).toContain(CANARY);
    expect(await create(client, grant)).toMatchObject({ outcome: "invalid_grant" });
  });

  test("tells slow_down, denial and expiry apart", async () => {
    const client = await fixture.register();
    const denied = await start(client);
    const late = await start(client);
    const grantOf = ({ deviceCode }: DeviceAuthorization): TokenGrant => ({ kind: "device", deviceCode });

    await create(client, grantOf(late));
    await create(client, grantOf(late));
    expect(await create(client, grantOf(late))).toEqual({ outcome: "slow_down" });
    fixture.center.deny(denied.userCode);
    expect(await create(client, grantOf(denied))).toEqual({ outcome: "denied", message: "Access denied" });
    await fixture.clock.advance(600_000);
    expect(await create(client, grantOf(late))).toEqual({ outcome: "expired" });
  });

  test("a start URL that is not known is a matter of the config", async () => {
    const client = await fixture.register();

    const error = await brokerErrorOf(() => start(client, "https://other.awsapps.com/start"));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("other.awsapps.com");
    expect(error.hint).toContain("sso_start_url");
  });

  test("a registration that is gone asks for another", async () => {
    const client = await fixture.register();
    fixture.center.forgetRegistrations();

    expect(await brokerErrorOf(() => start(client))).toMatchObject({ code: "LoginRequired", signer: "refused" });
    expect(await create(client, { kind: "device", deviceCode: new Secret("x") })).toEqual({
      outcome: "invalid_client",
    });
  });

  test("a client of another flow is no client of this one", async () => {
    const client = await fixture.register(CODE_CLIENT);

    expect(await brokerErrorOf(() => start(client))).toMatchObject({ code: "LoginRequired", signer: "refused" });
  });

  test("lacks the complete URI and the interval where the server has none", async () => {
    fixture.center.faults.set("StartDeviceAuthorization", lie({ verificationUriComplete: null, interval: null }));

    const started = await start(await fixture.register());

    expect(started).toMatchObject({ verificationUriComplete: started.verificationUri, intervalSeconds: 5 });
  });

  test.each([
    ["no device code", { deviceCode: null }],
    ["a user code that moves the cursor", { userCode: "\u001b[2J" }],
    ["a page that is a program", { verificationUri: "javascript:alert(1)" }],
    ["a page that is a file", { verificationUriComplete: "file:///etc/passwd" }],
    ["a page in clear text", { verificationUri: "http://device.example.com/" }],
    ["a page with a password", { verificationUri: "https://a:b@device.example.com/" }],
    ["an end that has passed", { expiresIn: 0 }],
    ["an end that is no number", { expiresIn: "600" }],
    ["an interval of none", { interval: 0 }],
  ])("an answer with %s is not believed", async (_name, change) => {
    const client = await fixture.register();
    fixture.center.faults.set("StartDeviceAuthorization", lie(change));

    expect(await brokerErrorOf(() => start(client))).toMatchObject({ code: "AwsUnreachable" });
  });
});

describe("the authorization code", () => {
  const grantOf = (code: Secret): TokenGrant => ({
    kind: "authorization_code",
    code,
    redirectUri: CALLBACK,
    codeVerifier: VERIFIER,
  });

  test("of a browser that was sent where we say yields a token, once", async () => {
    const client = await fixture.register(CODE_CLIENT);
    const code = await fixture.code(client);

    expect(granted(await create(client, grantOf(code))).refreshToken?.reveal()).toContain(CANARY);

    expect(await create(client, grantOf(code))).toMatchObject({
      outcome: "invalid_grant",
      message: expect.stringContaining("code") as string,
    });
  });

  test("with another verifier is refused", async () => {
    const client = await fixture.register(CODE_CLIENT);
    const grant = { ...grantOf(await fixture.code(client)), codeVerifier: new Secret("w".repeat(64)) };

    expect(await create(client, grant)).toMatchObject({ outcome: "invalid_grant" });
  });

  test("of a client of the device flow is refused", async () => {
    const client = await fixture.register(DEVICE_CLIENT);

    expect(await create(client, grantOf(new Secret("x")))).toEqual({ outcome: "invalid_client" });
  });
});

describe("renewal", () => {
  test("yields another token and another refresh token; the old one is dead", async () => {
    const client = await fixture.register();
    const first = await fixture.login(client);

    const second = granted(await refresh(client, first.refreshToken));

    expect(second.refreshToken?.reveal()).not.toBe(first.refreshToken?.reveal());
    expect(await refresh(client, first.refreshToken)).toMatchObject({ outcome: "invalid_grant" });
  });

  test("without a new refresh token has none, though the old one was sent", async () => {
    fixture.center.settings.rotation = "omit";
    const client = await fixture.register();
    const { refreshToken } = await fixture.login(client);

    expect(granted(await refresh(client, refreshToken)).refreshToken).toBeUndefined();
  });

  test.each(["ExpiredTokenException", "InvalidRequestException", "InvalidScopeException"])(
    "refused with %s needs a login too",
    async (code) => {
      const client = await fixture.register();
      fixture.center.faults.set("CreateToken", { kind: "refuse", code, message: "because" });

      expect(await refresh(client, undefined)).toEqual({ outcome: "invalid_grant", message: "because" });
    },
  );

  test("is not a matter of the login when it is slowed down", async () => {
    const client = await fixture.register();
    fixture.center.faults.set("CreateToken", { kind: "throttle", retryAfterSeconds: 7 });

    const error = await brokerErrorOf(() => refresh(client, undefined));

    expect(error).toMatchObject({ code: "AwsUnreachable", retryAfterMs: 7000 });
  });

  test.each<[string, SsoFault]>([
    ["unavailable", { kind: "unavailable" }],
    ["failing", { kind: "failing" }],
    ["silent", { kind: "drop" }],
    ["cut off", { kind: "reset" }],
    ["hidden behind a login page", { kind: "captive" }],
    ["answering in HTML", { kind: "lie", body: () => "<html>" }],
    ["answering nothing", { kind: "lie", body: () => "" }],
    ["answering null", { kind: "lie", body: () => null }],
    ["answering without token", lie({ accessToken: null })],
    ["answering with a token of two lines", lie({ accessToken: "a\nb" })],
    ["answering without end", lie({ expiresIn: null })],
    ["answering with an end before now", lie({ expiresIn: -1 })],
    ["answering with an end never to come", lie({ expiresIn: 1e12 })],
    ["answering with another kind of token", lie({ tokenType: "mac" })],
    ["answering with a refresh token that is none", lie({ refreshToken: "" })],
  ])("with an upstream %s can be tried again", async (_name, fault) => {
    const client = await fixture.register();
    const { refreshToken } = await fixture.login(client);
    fixture.center.faults.set("CreateToken", fault);

    const error = await brokerErrorOf(() => refresh(client, refreshToken));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(isRecoverable(error)).toBe(true);
    expect(error.message).toContain(new URL(fixture.center.url).host);
    expect(everythingIn(error)).not.toContain(CANARY);
  });
});

describe("secrets", () => {
  test("show in no error, whatever the server quotes", async () => {
    const client = await fixture.register(CODE_CLIENT);
    const grants: TokenGrant[] = [
      { kind: "device", deviceCode: new Secret(`short${CANARY}`) },
      {
        kind: "authorization_code",
        code: await fixture.code(client),
        redirectUri: CALLBACK,
        codeVerifier: new Secret(CANARY),
      },
      { kind: "refresh", refreshToken: new Secret(`short-${CANARY}`) },
    ];
    fixture.center.faults.set("CreateToken", { kind: "echo" });
    fixture.center.faults.set("StartDeviceAuthorization", { kind: "echo" });

    const said: unknown[] = [await brokerErrorOf(() => start(client))];
    for (const grant of grants) said.push(await create(client, grant).catch((error: unknown) => error));

    expect(said).toHaveLength(4);
    for (const each of said) expect(`${everythingIn(each)} ${JSON.stringify(each)}`).not.toContain(CANARY);
    expect(JSON.stringify(fixture.logger.lines)).not.toContain(CANARY);
  });
});
