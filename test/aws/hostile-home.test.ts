import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFakeIdentityCenter } from "../fakes/fake-identity-center/fake-identity-center.js";
import { RecordingProxy } from "../fakes/proxy.js";
import { CANARY } from "../support/canaries.js";
import { tempDir } from "../support/temp-dir.js";
import { certificateAuthority } from "../support/tls.js";
import { type AwsFixture, startAwsFixture } from "./aws-fixture.js";

const child = fileURLToPath(new URL("hostile-home.child.ts", import.meta.url));
const authority = certificateAuthority();
/** Written before everything else in the child: notes each file below ~/.aws, or at /dev/null, that is opened. */
const SPY = `
const fs = require("node:fs");
for (const holder of [fs, fs.promises]) {
  for (const name of ["readFile", "readFileSync", "open", "openSync", "createReadStream"]) {
    const original = holder[name];
    if (!original) continue;
    holder[name] = function (path, ...rest) {
      if (/[.]aws|dev.null/.test(String(path))) fs.appendFileSync(process.env.SPY_LOG, path + "\\n");
      return original.call(this, path, ...rest);
    };
  }
}
require("node:module").syncBuiltinESMExports();
`;

let evil: Server;
let evilHits: number;
let fixture: AwsFixture;
let proxy: RecordingProxy;
let home: string;
let spyLog: string;

beforeAll(async () => {
  evil = createServer((_request, response) => {
    evilHits++;
    response.writeHead(403).end();
  });
  await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
  const hosts = ["127.0.0.1", "sts.eu-west-1.amazonaws.com", "iam.amazonaws.com"];
  fixture = await startAwsFixture({ tls: authority.issue(hosts), variables: {} });
  const port = Number(new URL(fixture.fake.url).port);
  proxy = await RecordingProxy.start({ destination: { host: "127.0.0.1", port } });
  home = tempDir("hostile-home", "input");
  const url = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
  mkdirSync(join(home, ".aws"));
  writeFileSync(join(home, ".aws", "config"), hostileConfig(url));
  const keys = `aws_access_key_id = AKIAEVIL000000000000\naws_secret_access_key = ${CANARY}evil\n`;
  writeFileSync(join(home, ".aws", "credentials"), `[default]\n${keys}[evil]\n${keys}`);
  writeFileSync(join(home, "ca.pem"), authority.cert);
  writeFileSync(join(home, "spy.cjs"), SPY);
});
beforeEach(() => {
  evilHits = 0;
  proxy.requests.length = 0;
  spyLog = join(tempDir("spy"), "log");
});
afterAll(async () => {
  evil.closeAllConnections();
  evil.close();
  await proxy.close();
  await fixture.fake.close();
});

function hostileConfig(url: string): string {
  const settings = [
    `endpoint_url = ${url}`,
    "services = evil",
    "region = us-west-2",
    "retry_mode = adaptive",
    "max_attempts = 9",
    "use_fips_endpoint = true",
    "use_dualstack_endpoint = true",
    "sts_regional_endpoints = legacy",
    "defaults_mode = auto",
    "sdk_ua_app_id = evil",
    `ca_bundle = ${url}`,
    "aws_access_key_id = AKIAEVIL000000000000",
    `aws_secret_access_key = ${CANARY}evil`,
  ].join("\n");
  return `[default]\n${settings}\n[profile evil]\n${settings}\n[profile follow]\nregion = us-west-2\nendpoint_url = ${url}\n[services evil]\nsts =\n  endpoint_url = ${url}\niam =\n  endpoint_url = ${url}\nsso =\n  endpoint_url = ${url}\nsso_oidc =\n  endpoint_url = ${url}\n`;
}

async function run(kind: "broker" | "plain" | "sso", variables: Record<string, string>): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--require", join(home, "spy.cjs"), "--import", "tsx", child, kind],
    { env: { PATH: process.env["PATH"], HOME: home, SPY_LOG: spyLog, ...variables }, cwd: process.cwd() },
  );
  return JSON.parse(stdout);
}

const filesRead = (): string => (existsSync(spyLog) ? readFileSync(spyLog, "utf8") : "");

describe("a hostile ~/.aws", () => {
  test.each<[string, Record<string, string>]>([
    [
      "with the environment that brokerd gives itself",
      { AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" },
    ],
    ["even where the SDK could find it", {}],
    [
      "with a hostile environment on top",
      {
        AWS_PROFILE: "evil",
        AWS_REGION: "us-west-2",
        AWS_DEFAULT_REGION: "us-west-2",
        AWS_ACCESS_KEY_ID: "AKIAEVIL000000000000",
        AWS_SECRET_ACCESS_KEY: `${CANARY}evil`,
        AWS_RETRY_MODE: "adaptive",
        AWS_MAX_ATTEMPTS: "9",
        AWS_STS_REGIONAL_ENDPOINTS: "legacy",
        AWS_SDK_UA_APP_ID: "evil",
      },
    ],
  ])("changes nothing %s, and is not read", async (_name, variables) => {
    const ca = join(home, "ca.pem");

    const answer = await run("broker", { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: ca, ...variables });

    expect(answer).toEqual({
      assumedRoleArn: "arn:aws:sts::222222222222:assumed-role/prod/credbroker",
      keys: 1,
      overrides: [`AWS_CA_BUNDLE=${ca}`, `HTTPS_PROXY=${proxy.url}`],
    });
    expect(proxy.requests.map(({ target }) => target)).toEqual([
      "sts.eu-west-1.amazonaws.com:443",
      "iam.amazonaws.com:443",
    ]);
    expect(fixture.fake.lastOf("AssumeRole").userAgent).not.toContain("evil");
    expect(evilHits).toBe(0);
    expect(filesRead()).toBe("");
  });

  test("changes nothing for unsigned calls either, and is not searched for credentials", async () => {
    const hosts = ["oidc.eu-west-1.amazonaws.com", "portal.sso.eu-west-1.amazonaws.com"];
    const center = await startFakeIdentityCenter({ tls: authority.issue(hosts) });
    const port = Number(new URL(center.secureUrl).port);
    const toCenter = await RecordingProxy.start({ destination: { host: "127.0.0.1", port } });

    const answer = await run("sso", {
      HTTPS_PROXY: toCenter.url,
      AWS_CA_BUNDLE: join(home, "ca.pem"),
      AWS_PROFILE: "evil",
      AWS_SDK_UA_APP_ID: "evil",
    });

    expect(answer).toEqual({ host: "oidc.eu-west-1.amazonaws.com", listed: "LoginRequired" });
    expect(toCenter.requests.map(({ target }) => target)).toEqual(hosts.map((host) => `${host}:443`));
    expect(center.lastOf("RegisterClient").userAgent).not.toContain("evil");
    expect(evilHits).toBe(0);
    expect(filesRead()).toBe("");
    await toCenter.close();
    await center.close();
  });

  test("would be read and followed by a client that leaves things open", async () => {
    // FIPS and a custom endpoint exclude each other: this profile has the endpoint only.
    expect(await run("plain", { AWS_PROFILE: "follow" })).toEqual({ ok: false });

    expect(filesRead()).toContain(join(home, ".aws", "config"));
    expect(evilHits).toBeGreaterThan(0);
  });
});
