import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { RecordingProxy, type RecordingProxyOptions } from "../fakes/proxy.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";
import { certificateAuthority } from "../support/tls.js";
import { ACCOUNT, type AwsFixture, type AwsFixtureOptions, annSigns, REGION, startAwsFixture } from "./aws-fixture.js";

const authority = certificateAuthority();
const stranger = certificateAuthority("stranger");
const identity = authority.issue(["127.0.0.1", "localhost", "sts.eu-west-1.amazonaws.com"]);
const directory = tempDir("connections");
const authorityFile = join(directory, "authority.pem");
const strangerFile = join(directory, "stranger.pem");
writeFileSync(authorityFile, authority.cert);
writeFileSync(strangerFile, stranger.cert);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function tlsWorld(
  variables: (url: string) => Record<string, string>,
  options: AwsFixtureOptions = {},
): Promise<AwsFixture> {
  const first = await startAwsFixture({ tls: identity, variables: {} });
  const port = Number(new URL(first.fake.url).port);
  await first.fake.close();
  const fixture = await startAwsFixture({ tls: identity, port, variables: variables(first.fake.url), ...options });
  closers.push(() => fixture.fake.close());
  return fixture;
}

async function proxy(options: RecordingProxyOptions = {}): Promise<RecordingProxy> {
  const started = await RecordingProxy.start(options);
  closers.push(() => started.close());
  return started;
}

const whoAmI = (fixture: AwsFixture): Promise<unknown> => fixture.sts.getCallerIdentity(annSigns, REGION);

describe("TLS", () => {
  test.each<[string, Record<string, string>]>([
    ["AWS_CA_BUNDLE", { AWS_CA_BUNDLE: authorityFile }],
    ["NODE_EXTRA_CA_CERTS", { NODE_EXTRA_CA_CERTS: authorityFile }],
    ["cafile", { cafile: authorityFile }],
    ["cafile among others", { cafile: `${strangerFile},${authorityFile}` }],
    ["ca", { ca: authority.cert.replaceAll("\n", "\\n") }],
    ["ca among others", { ca: `${stranger.cert},${authority.cert}` }],
    ["one of two variables", { AWS_CA_BUNDLE: strangerFile, ca: authority.cert }],
  ])("an authority of %s is trusted", async (_name, trust) => {
    const fixture = await tlsWorld((url) => ({ AWS_ENDPOINT_URL: url, ...trust }));

    expect(await whoAmI(fixture)).toMatchObject({ account: ACCOUNT });
  });

  test.each<[string, Record<string, string>]>([
    ["without any", {}],
    ["with another one", { AWS_CA_BUNDLE: strangerFile }],
  ])("an unknown authority is refused %s, before anything is sent", async (_name, trust) => {
    const fixture = await tlsWorld((url) => ({ AWS_ENDPOINT_URL: url, ...trust }));

    const error = await brokerErrorOf(() => whoAmI(fixture));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("certificate");
    expect(error.hint).toContain("AWS_CA_BUNDLE");
    expect(fixture.fake.calls).toHaveLength(0);
  });

  test("a certificate for another host, or one that has expired, is refused", async () => {
    const past = { from: new Date("2001-01-01"), until: new Date("2002-01-01") };
    for (const tls of [authority.issue(["sts.example.com"]), authority.issue(["127.0.0.1"], past)]) {
      const fixture = await tlsWorld((url) => ({ AWS_ENDPOINT_URL: url, AWS_CA_BUNDLE: authorityFile }), { tls });
      const error = await brokerErrorOf(() => whoAmI(fixture));
      expect(error).toMatchObject({ code: "AwsUnreachable" });
      expect(error.message).toContain("certificate");
    }
  });

  test("NODE_TLS_REJECT_UNAUTHORIZED=0 does not turn verification off", async () => {
    const fixture = await tlsWorld((url) => ({ AWS_ENDPOINT_URL: url }));
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      expect(await brokerErrorOf(() => whoAmI(fixture))).toMatchObject({ code: "AwsUnreachable" });
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  test("plain http behind an https URL is told", async () => {
    const fixture = await startAwsFixture();
    closers.push(() => fixture.fake.close());
    const overTls = await startAwsFixture({
      variables: { AWS_ENDPOINT_URL: fixture.fake.url.replace("http:", "https:") },
    });
    closers.push(() => overTls.fake.close());

    expect(await brokerErrorOf(() => whoAmI(overTls))).toMatchObject({ code: "AwsUnreachable" });
  });
});

describe("a proxy", () => {
  test("carries calls to AWS's own host in a tunnel, verified end to end", async () => {
    const fixture = await tlsWorld(() => ({}));
    const destination = { host: "127.0.0.1", port: Number(new URL(fixture.fake.url).port) };
    const recording = await proxy({ destination });
    const proxied = await tlsWorld(() => ({ HTTPS_PROXY: recording.url, AWS_CA_BUNDLE: authorityFile }));

    expect(await whoAmI(proxied)).toMatchObject({ account: ACCOUNT });

    expect(recording.requests).toEqual([
      { method: "CONNECT", target: "sts.eu-west-1.amazonaws.com:443", authorization: undefined },
    ]);
    expect(fixture.fake.countOf("GetCallerIdentity")).toBe(1);
    await until(() => recording.openConnections === 0);
  });

  test("that gives its own certificate is not trusted unless told", async () => {
    const fixture = await tlsWorld(() => ({}));
    const destination = { host: "127.0.0.1", port: Number(new URL(fixture.fake.url).port) };
    const recording = await proxy({ destination });
    const proxied = await tlsWorld(() => ({ HTTPS_PROXY: recording.url }));

    const error = await brokerErrorOf(() => whoAmI(proxied));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain(recording.url);
    expect(error.hint).toContain("AWS_CA_BUNDLE");
  });

  test("gets user name and password, which show nowhere else", async () => {
    const recording = await proxy({ credentials: `ann:${CANARY}` });
    const address = recording.url.replace("//", `//ann:${CANARY}@`);
    const fixture = await tlsWorld((url) => ({
      AWS_ENDPOINT_URL: url,
      AWS_CA_BUNDLE: authorityFile,
      https_proxy: address,
    }));

    expect(await whoAmI(fixture)).toMatchObject({ account: ACCOUNT });

    expect(recording.requests).toHaveLength(1);
    await recording.close();
    const error = await brokerErrorOf(() => whoAmI(fixture));
    expect(error.message).toContain(recording.url);
    expect(JSON.stringify([error, error.message, error.cause, fixture.overrides, fixture.logger.lines])).not.toContain(
      CANARY,
    );
  });

  test("that wants a password and gets none says so", async () => {
    const recording = await proxy({ credentials: `ann:${CANARY}` });
    const fixture = await tlsWorld((url) => ({ AWS_ENDPOINT_URL: url, HTTPS_PROXY: recording.url }));

    const error = await brokerErrorOf(() => whoAmI(fixture));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("407");
    expect(error.hint).toContain("HTTPS_PROXY");
  });

  test("carries plain http to a loopback endpoint, where it is on loopback too", async () => {
    const recording = await proxy();
    const fixture = await startAwsFixture({ variables: {} });
    closers.push(() => fixture.fake.close());
    const proxied = await startAwsFixture({
      variables: { AWS_ENDPOINT_URL: fixture.fake.url, HTTP_PROXY: recording.url },
    });
    closers.push(() => proxied.fake.close());

    expect(await whoAmI(proxied)).toMatchObject({ account: ACCOUNT });

    expect(recording.requests).toEqual([{ method: "POST", target: `${fixture.fake.url}/`, authorization: undefined }]);
  });

  test("is passed by where NO_PROXY says so", async () => {
    const recording = await proxy();
    const fixture = await tlsWorld((url) => ({
      AWS_ENDPOINT_URL: url,
      AWS_CA_BUNDLE: authorityFile,
      HTTPS_PROXY: recording.url,
      NO_PROXY: "example.com,127.0.0.1",
    }));

    await whoAmI(fixture);

    expect(recording.requests).toEqual([]);
  });

  test("that cannot reach AWS, or is not there, is named", async () => {
    const recording = await proxy({ destination: { host: "127.0.0.1", port: 1 } });
    const fixture = await startAwsFixture({ variables: { HTTPS_PROXY: recording.url } });
    closers.push(() => fixture.fake.close());

    for (const step of ["reachable", "gone"]) {
      if (step === "gone") await recording.close();
      const error = await brokerErrorOf(() => whoAmI(fixture));
      expect(error, step).toMatchObject({ code: "AwsUnreachable" });
      expect(error.message, step).toContain(recording.url);
      expect(error.message, step).toContain("sts.eu-west-1.amazonaws.com");
    }
  });

  test("that accepts and never answers is given up at the deadline, and its connection closed", async () => {
    const clock = new FakeClock();
    const recording = await proxy({ silent: true });
    const fixture = await startAwsFixture({ ourClock: clock, variables: { HTTPS_PROXY: recording.url } });
    closers.push(() => fixture.fake.close());
    const failed = brokerErrorOf(() => whoAmI(fixture));
    await until(() => recording.requests.length === 1);

    await clock.advance(10_000);

    expect(await failed).toMatchObject({ code: "AwsUnreachable" });
    await until(() => recording.openConnections === 0);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
