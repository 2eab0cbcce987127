import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import type { Listener } from "../../src/http/listen.js";
import { CANARY } from "../support/canaries.js";
import { ACCESS_KEY_ID, endpointFixture, hourOfCredentials } from "../support/endpoint-fixture.js";
import { tempDir } from "../support/temp-dir.js";

/** The SDK's own default chain, as a program with nothing but our variables runs it. */
const fixture = endpointFixture();
let listener: Listener;
const before = process.env;
const home = tempDir("sdk-home");

beforeAll(async () => {
  listener = await fixture.listen();
});
afterAll(async () => {
  process.env = before;
  await listener.close();
});

function useVariables(variables: Readonly<Record<string, string>>): void {
  process.env = { PATH: before["PATH"], HOME: home, ...variables };
}

function url(path: string): string {
  return `http://127.0.0.1:${listener.port}${path}`;
}

const inAnHour = () => ({
  ...hourOfCredentials({ expiration: Math.floor(Date.now() / 1000) * 1000 + 3_600_000 }),
  receivedAt: Date.now(),
});

describe("the JavaScript SDK", () => {
  it("takes the credentials with one variable", async () => {
    const held = inAnHour();
    fixture.credentials.hold("dev", held);
    useVariables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url(`/lease/${fixture.token}`) });

    const identity = await defaultProvider()();

    expect(identity).toMatchObject({
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: `${CANARY}/endpoint-secret`,
      sessionToken: `${CANARY}//endpoint-session`,
    });
    const told = identity.expiration?.getTime() ?? 0;
    expect(told).toBeLessThanOrEqual(held.credentials.expiration - 59_000);
    expect(told).toBeGreaterThan(held.credentials.expiration - 62_000);
  });

  it("takes them with the header form", async () => {
    fixture.credentials.hold("dev", inAnHour());
    useVariables({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url("/creds"),
      AWS_CONTAINER_AUTHORIZATION_TOKEN: fixture.token,
    });

    expect((await defaultProvider()()).accessKeyId).toBe(ACCESS_KEY_ID);
  });

  it("asks again when credentials are still pending, and gets them", async () => {
    let calls = 0;
    fixture.credentials.answers.set("dev", async () => {
      if (calls++ === 0) throw new BrokerError("CredentialsPending", "the first fetch is under way");
      return inAnHour();
    });
    useVariables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url(`/lease/${fixture.token}`) });

    expect((await defaultProvider()()).accessKeyId).toBe(ACCESS_KEY_ID);
    expect(calls).toBe(2);
  });

  it("fetches what is about to end anew, and finds the next credentials", async () => {
    const short = (id: string) => ({
      ...hourOfCredentials({
        // Soon for the SDK, which fetches anew what ends within five minutes, and late enough for a busy machine.
        expiration: Date.now() + 120_000,
        accessKeyId: id,
        sessionToken: new Secret(`${CANARY}${id}`),
      }),
      receivedAt: Date.now(),
    });
    const provider = defaultProvider();
    useVariables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url(`/lease/${fixture.token}`) });
    fixture.credentials.hold("dev", short("ASIA0000000000000001"));
    expect((await provider()).accessKeyId).toBe("ASIA0000000000000001");

    fixture.credentials.hold("dev", short("ASIA0000000000000002"));
    await expect.poll(async () => (await provider()).accessKeyId).toBe("ASIA0000000000000002");
  });

  it("fails with a wrong token, without a lock-out for the next try", async () => {
    fixture.credentials.hold("dev", inAnHour());
    useVariables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url(`/lease/${fixture.token.slice(0, -1)}~`) });
    await expect(defaultProvider()()).rejects.toThrow();

    useVariables({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url(`/lease/${fixture.token}`) });
    expect((await defaultProvider()()).accessKeyId).toBe(ACCESS_KEY_ID);
  });
});
