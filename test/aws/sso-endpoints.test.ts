import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { Secret } from "../../src/core/secret.js";
import { SystemClock } from "../../src/system/clock.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { RecordingProxy } from "../fakes/proxy.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";
import { certificateAuthority } from "../support/tls.js";
import { CODE_CLIENT } from "./identity-center-fixture.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Leads every tunnel to one port, whatever host it names; to a closed one by default. */
async function proxyTo(port = 1): Promise<RecordingProxy> {
  const proxy = await RecordingProxy.start({ destination: { host: "127.0.0.1", port } });
  closers.push(() => proxy.close());
  return proxy;
}

function awsWith(variables: Record<string, string>): Aws {
  return createAws({ environment: awsEnvironment(variables), logger: memoryLogger(), clock: new SystemClock() });
}

const token = new Secret("token");
const calls: Readonly<Record<string, (aws: Aws, region: string) => Promise<unknown>>> = {
  OIDC: ({ ssoOidc }, region) => ssoOidc.registerClient(CODE_CLIENT, region),
  portal: ({ sso }, region) => sso.listAccounts(token, {}, region),
};

async function hostCalled(service: string, variables: Record<string, string>, region: string): Promise<unknown> {
  const proxy = await proxyTo();
  const error = await brokerErrorOf(() => calls[service]?.(awsWith({ HTTPS_PROXY: proxy.url, ...variables }), region));
  expect(error).toMatchObject({ code: "AwsUnreachable" });
  return proxy.requests.at(-1)?.target;
}

describe("without custom endpoints", () => {
  test.each([
    ["OIDC", "eu-west-1", {}, "oidc.eu-west-1.amazonaws.com"],
    ["OIDC", "us-gov-west-1", {}, "oidc.us-gov-west-1.amazonaws.com"],
    ["OIDC", "cn-north-1", {}, "oidc.cn-north-1.amazonaws.com.cn"],
    ["OIDC", "us-east-1", { AWS_USE_FIPS_ENDPOINT: "true" }, "oidc-fips.us-east-1.amazonaws.com"],
    ["OIDC", "eu-west-1", { AWS_USE_DUALSTACK_ENDPOINT: "true" }, "oidc.eu-west-1.api.aws"],
    ["portal", "eu-west-1", {}, "portal.sso.eu-west-1.amazonaws.com"],
    ["portal", "cn-north-1", {}, "portal.sso.cn-north-1.amazonaws.com.cn"],
    ["portal", "us-east-1", { AWS_USE_FIPS_ENDPOINT: "true" }, "portal.sso-fips.us-east-1.amazonaws.com"],
  ])("the API %s of %s with %o is at %s", async (service, region, variables, host) => {
    expect(await hostCalled(service, variables, region)).toBe(`${host}:443`);
  });
});

describe("with custom endpoints", () => {
  test("each service goes to its own", async () => {
    const variables = {
      AWS_ENDPOINT_URL: "https://everything.example.com",
      AWS_ENDPOINT_URL_SSO: "https://portal.example.com:8443/base",
      AWS_ENDPOINT_URL_SSO_OIDC: "https://oidc.example.com",
    };

    expect(await hostCalled("OIDC", variables, "eu-west-1")).toBe("oidc.example.com:443");
    expect(await hostCalled("portal", variables, "eu-west-1")).toBe("portal.example.com:8443");
  });
});

describe("the page that a login opens", () => {
  const parameters = { client_id: "a b", scopes: "x y" };

  test.each([
    ["eu-west-1", {}, "https://oidc.eu-west-1.amazonaws.com/authorize"],
    ["cn-north-1", {}, "https://oidc.cn-north-1.amazonaws.com.cn/authorize"],
    ["us-east-1", { AWS_USE_FIPS_ENDPOINT: "true" }, "https://oidc-fips.us-east-1.amazonaws.com/authorize"],
    ["eu-west-1", { AWS_ENDPOINT_URL_SSO_OIDC: "http://127.0.0.1:4566/" }, "http://127.0.0.1:4566/authorize"],
    ["eu-west-1", { AWS_ENDPOINT_URL: "https://example.com/base" }, "https://example.com/base/authorize"],
  ])("in %s with %o is %s", async (region, variables, url) => {
    expect(await awsWith(variables).ssoOidc.authorizeUrl(parameters, region)).toBe(`${url}?client_id=a+b&scopes=x+y`);
  });

  test("is an error where the region is none", async () => {
    const { ssoOidc } = awsWith({});

    const error = await brokerErrorOf(() => ssoOidc.authorizeUrl(parameters, "evil.example.com#"));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("evil.example.com#");
  });
});

describe("AWS's own host names over TLS", () => {
  const authority = certificateAuthority();
  const directory = tempDir("sso-endpoints");
  const authorityFile = join(directory, "authority.pem");
  writeFileSync(authorityFile, authority.cert);

  async function secureCenter(...hosts: readonly string[]): Promise<FakeIdentityCenter> {
    const center = await startFakeIdentityCenter({ tls: authority.issue(hosts) });
    closers.push(() => center.close());
    return center;
  }

  test("are called in a tunnel, verified by the authority of the environment", async () => {
    const center = await secureCenter("oidc.eu-west-1.amazonaws.com", "portal.sso.eu-west-1.amazonaws.com");
    const proxy = await proxyTo(Number(new URL(center.secureUrl).port));
    const aws = awsWith({ HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: authorityFile });

    await aws.ssoOidc.registerClient(CODE_CLIENT, "eu-west-1");
    const error = await brokerErrorOf(() => aws.sso.listAccounts(token, {}, "eu-west-1"));

    expect(error).toMatchObject({ code: "LoginRequired" });
    expect(center.calls.map(({ action, region }) => `${action} ${region}`)).toEqual([
      "RegisterClient eu-west-1",
      "ListAccounts eu-west-1",
    ]);
  });

  test("are not called where another host answers, before a token is sent", async () => {
    const center = await secureCenter("oidc.eu-west-1.amazonaws.com");
    const proxy = await proxyTo(Number(new URL(center.secureUrl).port));
    const aws = awsWith({ HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: authorityFile });

    const error = await brokerErrorOf(() => aws.sso.listAccounts(token, {}, "eu-west-1"));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("certificate");
    expect(center.calls).toEqual([]);
  });
});
