import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANARY } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { challengeOf } from "./authorization-codes.js";
import { decideInBrowser } from "./decide-in-browser.js";
import { type FakeIdentityCenter, startFakeIdentityCenter } from "./fake-identity-center.js";
import { CALLBACK, RawClient } from "./raw-client.js";
import { DEVICE_GRANT } from "./registrations.js";

const clock = new FakeClock();
let center: FakeIdentityCenter;
let client: RawClient;
beforeEach(async () => {
  center = await startFakeIdentityCenter({ clock });
  client = new RawClient(center);
  await client.register();
});
afterEach(() => center.close());

/** What GET /authorize answers: status, and the query of the redirect if it is one. */
async function authorize(more: Record<string, string>): Promise<{ status: number; query: Record<string, string> }> {
  const answer = await fetch(client.authorizeUrl(more), { redirect: "manual" });
  const location = answer.headers.get("location");
  return { status: answer.status, query: location === null ? {} : Object.fromEntries(new URL(location).searchParams) };
}

describe("GET /authorize", () => {
  test("asks the user, and sends an approval back as code and state", async () => {
    const { status, location = "" } = await decideInBrowser(client.authorizeUrl(), "approve");

    expect(status).toBe(302);
    expect(location.split("?")[0]).toBe(CALLBACK);
    const query = new URL(location).searchParams;
    expect(query.get("state")).toBe("the-state");
    expect(query.get("code")).toContain(CANARY);
  });

  test("sends a denial back as error and state", async () => {
    const { location = "" } = await decideInBrowser(client.authorizeUrl(), "deny");

    expect(location).toBe(`${CALLBACK}?error=access_denied&state=the-state`);
  });

  test("decides once", async () => {
    const form = /name="request" value="([^"]+)"/.exec(await (await fetch(client.authorizeUrl())).text());
    const decide = (): Promise<Response> => {
      const body = new URLSearchParams({ request: form?.[1] ?? "", decision: "approve" });
      return fetch(`${center.url}/authorize`, { method: "POST", body, redirect: "manual" });
    };
    expect((await decide()).status).toBe(302);

    expect((await decide()).status).toBe(400);
  });

  test.each<[string, Record<string, string>]>([
    ["an unknown client", { client_id: "missing" }],
    ["another path", { redirect_uri: "http://127.0.0.1:4711/other" }],
    ["a longer path", { redirect_uri: "http://127.0.0.1:4711/oauth/callback/x" }],
    ["a query", { redirect_uri: "http://127.0.0.1:4711/oauth/callback?x=1" }],
    ["another host", { redirect_uri: "http://127.0.0.2:4711/oauth/callback" }],
    ["loopback by name", { redirect_uri: "http://localhost:4711/oauth/callback" }],
    ["another scheme", { redirect_uri: "https://127.0.0.1:4711/oauth/callback" }],
    ["a host that begins like loopback", { redirect_uri: "http://127.0.0.1.example.com/oauth/callback" }],
    ["no URL", { redirect_uri: "x" }],
  ])("never redirects for %s", async (_name, more) => {
    expect(await authorize(more)).toEqual({ status: 400, query: {} });
  });

  test.each([
    "http://127.0.0.1:1/oauth/callback",
    "http://127.0.0.1:65535/oauth/callback",
    "http://127.0.0.1/oauth/callback",
  ])("takes any port of the registered loopback address: %s", async (uri) => {
    expect(await authorize({ redirect_uri: uri })).toMatchObject({ status: 200 });
  });

  test.each<[string, Record<string, string>, string]>([
    ["another response type", { response_type: "token" }, "unsupported_response_type"],
    ["a plain challenge", { code_challenge_method: "plain" }, "invalid_request"],
    ["no challenge", { code_challenge: "" }, "invalid_request"],
    ["a padded challenge", { code_challenge: `${challengeOf("x")}=` }, "invalid_request"],
    ["a scope that was not registered", { scopes: "sso:account:access openid" }, "invalid_scope"],
    ["no scopes: OAuth's own `scope` is not read", { scopes: "", scope: "sso:account:access" }, "invalid_scope"],
  ])("sends %s back as an error", async (_name, more, error) => {
    expect(await authorize(more)).toEqual({ status: 302, query: { error, state: "the-state" } });
  });

  test("sends a client of the device flow back", async () => {
    await client.register({ grantTypes: [DEVICE_GRANT] });

    expect((await authorize({})).query).toMatchObject({ error: "unauthorized_client" });
  });

  test("refuses a client whose registration has ended", async () => {
    center.settings.registrationSeconds = 60;
    await client.register();
    await clock.advance(60_000);

    expect(await authorize({})).toMatchObject({ status: 400 });
  });
});

describe("CreateToken with a code", () => {
  test("gives access and refresh token, once", async () => {
    const code = await client.code();

    const { status, body } = await client.redeem(code);

    expect(status).toBe(200);
    expect(body).toMatchObject({ tokenType: "Bearer", expiresIn: 3600 });
    expect(body["accessToken"]).toContain(CANARY);
    expect(body["refreshToken"]).toContain(CANARY);
    expect(await client.redeem(code)).toMatchObject({ status: 400, error: "InvalidGrantException" });
  });

  test.each<[string, Record<string, string>]>([
    ["another verifier", { codeVerifier: "w".repeat(43) }],
    ["another port", { redirectUri: CALLBACK.replace("49152", "49153") }],
    ["the registered redirect without its port", { redirectUri: "http://127.0.0.1/oauth/callback" }],
  ])("with %s is refused, and the code is spent", async (_name, more) => {
    const code = await client.code();

    expect(await client.redeem(code, more)).toMatchObject({ status: 400, error: "InvalidGrantException" });

    expect(await client.redeem(code)).toMatchObject({ error: "InvalidGrantException" });
  });

  test("with a verifier that is too short is refused, though its hash is right", async () => {
    const { location = "" } = await decideInBrowser(
      client.authorizeUrl({ code_challenge: challengeOf("short") }),
      "approve",
    );
    const code = new URL(location).searchParams.get("code");

    expect(await client.redeem(code, { codeVerifier: "short" })).toMatchObject({ error: "InvalidGrantException" });
  });

  test("refuses a code after its life, an unknown one, and another client's", async () => {
    const late = await client.code();
    await clock.advance(300_000);
    expect(await client.redeem(late)).toMatchObject({ error: "InvalidGrantException" });
    expect(await client.redeem("never")).toMatchObject({ error: "InvalidGrantException" });

    const theirs = await client.code();
    const owner = client.client;
    await client.register();
    expect(await client.redeem(theirs)).toMatchObject({ error: "InvalidGrantException" });
    client.client = owner;
    expect(await client.redeem(theirs)).toMatchObject({ status: 200 });
  });

  test("needs all of its parameters", async () => {
    for (const name of ["redirectUri", "codeVerifier", "code"]) {
      const code = await client.code();
      expect(await client.redeem(code, { [name]: undefined })).toMatchObject({ error: "InvalidRequestException" });
    }
  });
});
