import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment } from "../../../src/cli/context.js";
import { FunctionKeys } from "../../../src/cli/lambda/function-keys.js";
import { canarySecretKey } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";

const OWN = "http://127.0.0.1:9000";
let generation: number;
let asked: number;
let lease: Server;
let clock: FakeClock;

beforeEach(async () => {
  [generation, asked] = [1, 0];
  clock = new FakeClock();
  lease = createServer((_, response) => {
    asked++;
    const SecretAccessKey = canarySecretKey(`generation-${generation}`);
    response.end(JSON.stringify({ AccessKeyId: `ASIA${generation}`, SecretAccessKey, Token: "t", Expiration: "x" }));
  });
  await new Promise<void>((resolve) => lease.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  lease.closeAllConnections();
  await new Promise((resolve) => lease.close(resolve));
});

const keys = (env: Environment): FunctionKeys => new FunctionKeys({ env, ownUrl: OWN }, { clock });
const ofLease = (): FunctionKeys =>
  keys({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(lease.address() as AddressInfo).port}/lease/x` });

describe("the keys of a function", () => {
  it("are those that its lease gives, now and before", async () => {
    const known = ofLease();
    expect((await known.keysOf("ASIA1"))?.secretAccessKey.reveal()).toBe(canarySecretKey("generation-1"));
    generation = 2;
    expect(await known.keysOf("ASIA3")).toBeUndefined();
    expect((await known.keysOf("ASIA1"))?.accessKeyId).toBe("ASIA1");
    expect((await known.keysOf("ASIA2"))?.accessKeyId).toBe("ASIA2");
    expect(asked).toBe(2);
  });

  it("are looked at with the events, once a minute at most", async () => {
    const known = ofLease();
    known.noteSoon();
    known.noteSoon();
    await expect.poll(() => asked).toBe(1);
    expect((await known.keysOf("ASIA1"))?.accessKeyId).toBe("ASIA1");
    generation = 2;
    await clock.advance(60_000);
    known.noteSoon();
    await expect.poll(() => asked).toBe(2);
    generation = 3;
    expect((await known.keysOf("ASIA2"))?.accessKeyId).toBe("ASIA2");
    expect(asked).toBe(2);
  });

  it("are in its variables where it has no lease", async () => {
    const AWS_SECRET_ACCESS_KEY = canarySecretKey("static");
    const known = keys({ AWS_ACCESS_KEY_ID: "ASIASTATIC", AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: "t" });
    expect((await known.keysOf("ASIASTATIC"))?.secretAccessKey.reveal()).toBe(AWS_SECRET_ACCESS_KEY);
    expect(await known.keysOf("ASIAOTHER")).toBeUndefined();
  });
});

describe("Lambda's own endpoint", () => {
  it.each([
    ["eu-west-1", {}, "https://lambda.eu-west-1.amazonaws.com"],
    ["cn-north-1", {}, "https://lambda.cn-north-1.amazonaws.com.cn"],
    ["us-gov-west-1", {}, "https://lambda.us-gov-west-1.amazonaws.com"],
    ["us-isob-east-1", {}, "https://lambda.us-isob-east-1.sc2s.sgov.gov"],
    ["eu-west-1", { AWS_ENDPOINT_URL: "http://localhost:4566" }, "http://localhost:4566/"],
    [
      "eu-west-1",
      { AWS_ENDPOINT_URL: "http://localhost:4566", AWS_ENDPOINT_URL_LAMBDA: "https://vpce.example" },
      "https://vpce.example/",
    ],
    // The shell calls what is served by it.
    ["eu-west-1", { AWS_ENDPOINT_URL_LAMBDA: "http://localhost:9000/" }, "https://lambda.eu-west-1.amazonaws.com"],
    ["eu-west-1", { AWS_ENDPOINT_URL_LAMBDA: OWN, AWS_ENDPOINT_URL: "http://[::1]:4566" }, "http://[::1]:4566/"],
    [
      "eu-west-1",
      { AWS_ENDPOINT_URL: "http://localhost:4566", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" },
      "https://lambda.eu-west-1.amazonaws.com",
    ],
  ])("in %s with %j is %s", (region, env, url) => {
    expect(keys(env).endpointOf(region)).toBe(url);
  });

  it.each(["http://evil.example", "ftp://127.0.0.1", "no url"])("is not %s", (AWS_ENDPOINT_URL) => {
    expect(() => keys({ AWS_ENDPOINT_URL }).endpointOf("eu-west-1")).toThrow("only loopback may go without TLS");
  });
});
