import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANARY } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { type FakeIdentityCenter, startFakeIdentityCenter } from "./fake-identity-center.js";
import { RawClient } from "./raw-client.js";
import { DEVICE_GRANT } from "./registrations.js";

const clock = new FakeClock();
let center: FakeIdentityCenter;
let client: RawClient;
beforeEach(async () => {
  center = await startFakeIdentityCenter({ clock });
  client = new RawClient(center);
});
afterEach(() => center.close());

describe("RegisterClient", () => {
  test("answers id, secret and both times in epoch seconds", async () => {
    const { status, body } = await client.register();

    expect(status).toBe(200);
    expect(body).toMatchObject({
      clientId: expect.any(String) as string,
      clientIdIssuedAt: clock.now() / 1000,
      clientSecretExpiresAt: clock.now() / 1000 + 90 * 86_400,
    });
    expect(body["clientSecret"]).toContain(CANARY);
  });

  test.each<[string, object, string]>([
    ["a confidential client", { clientType: "confidential" }, "InvalidClientMetadataException"],
    ["no name", { clientName: undefined }, "InvalidRequestException"],
    ["an unknown scope", { scopes: ["sso:everything"] }, "InvalidScopeException"],
    ["scopes that are no list", { scopes: "sso:account:access" }, "InvalidRequestException"],
    ["an unknown grant", { grantTypes: ["password"] }, "UnsupportedGrantTypeException"],
    ["a code client without redirect", { redirectUris: [] }, "InvalidRedirectUriException"],
    ["a code client without issuer", { issuerUrl: undefined }, "InvalidRequestException"],
    ["another organization's issuer", { issuerUrl: "https://evil.awsapps.com/start" }, "InvalidRequestException"],
    ["a redirect with a chosen port", { redirectUris: ["http://127.0.0.1:4711/cb"] }, "InvalidRedirectUriException"],
    ["a plain redirect to elsewhere", { redirectUris: ["http://example.com/cb"] }, "InvalidRedirectUriException"],
    ["a redirect to localhost by name", { redirectUris: ["http://localhost/cb"] }, "InvalidRedirectUriException"],
    ["a redirect with a fragment", { redirectUris: ["https://example.com/#x"] }, "InvalidRedirectUriException"],
    ["a redirect that is no URL", { redirectUris: ["callback"] }, "InvalidRedirectUriException"],
    ["an https redirect", { redirectUris: ["https://example.com/cb"] }, "ok"],
    ["the start URL with a slash and a hash", { issuerUrl: "https://corp.awsapps.com/start/#/" }, "ok"],
  ])("answers as AWS does to %s", async (_name, more, error) => {
    const answer = await client.register(more as Record<string, unknown>);

    expect(answer.error ?? "ok").toBe(error);
    expect(answer.status).toBe(error === "ok" ? 200 : 400);
  });

  test("a refusal has OAuth's word and a description", async () => {
    const { body } = await client.register({ scopes: ["x"] });

    expect(body).toEqual({ error: "invalid_scope", error_description: expect.stringContaining("x") as string });
  });

  test("what is no JSON is refused", async () => {
    const send = (headers: Record<string, string>, body: string): Promise<Response> =>
      fetch(`${center.url}/client/register`, { method: "POST", headers, body });

    expect((await send({ "content-type": "application/json" }, "{")).status).toBe(400);
    expect((await send({ "content-type": "application/json" }, "null")).status).toBe(400);
    expect((await send({ "content-type": "application/x-www-form-urlencoded" }, "a=b")).status).toBe(400);
  });
});

describe("a registered client", () => {
  test("needs its own secret", async () => {
    await client.register();

    const answer = await client.startDevice({ clientSecret: "another" });

    expect(answer).toMatchObject({ status: 401, error: "InvalidClientException", body: { error: "invalid_client" } });
  });

  test("ends with its registration", async () => {
    center.settings.registrationSeconds = 60;
    await client.register();
    await clock.advance(59_000);
    expect((await client.startDevice()).status).toBe(200);

    await clock.advance(1000);

    expect(await client.startDevice()).toMatchObject({ status: 401, error: "InvalidClientException" });
  });

  test("is gone when registrations are forgotten", async () => {
    await client.register();
    center.forgetRegistrations();

    expect(await client.startDevice()).toMatchObject({ status: 401, error: "InvalidClientException" });
  });

  test("may use only the grants it named; without any, those of the device flow", async () => {
    await client.register({ grantTypes: ["authorization_code"] });
    expect(await client.startDevice()).toMatchObject({ status: 400, error: "UnauthorizedClientException" });
    expect(await client.poll("x")).toMatchObject({ error: "UnauthorizedClientException" });
    expect(await client.refresh("x")).toMatchObject({ error: "UnauthorizedClientException" });

    await client.register({ grantTypes: [DEVICE_GRANT] });
    expect((await client.startDevice()).status).toBe(200);
    expect(await client.redeem("x")).toMatchObject({ error: "UnauthorizedClientException" });

    await client.register({ grantTypes: undefined, redirectUris: undefined, issuerUrl: undefined });
    expect((await client.startDevice()).status).toBe(200);
    expect(await client.redeem("x")).toMatchObject({ error: "UnauthorizedClientException" });
    expect(await client.refresh("x")).toMatchObject({ error: "InvalidGrantException" });
  });

  test("cannot use a grant that does not exist", async () => {
    await client.register();

    expect(await client.token({ grantType: "password" })).toMatchObject({ error: "UnsupportedGrantTypeException" });
    expect(await client.token({})).toMatchObject({ error: "InvalidRequestException" });
  });
});
