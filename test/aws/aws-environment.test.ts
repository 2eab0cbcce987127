import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { proxyFor } from "../../src/aws/proxies.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { tempDir } from "../support/temp-dir.js";
import { certificateAuthority } from "../support/tls.js";

const first = certificateAuthority("first").cert;
const second = certificateAuthority("second").cert;
let directory: string;
beforeAll(() => {
  directory = tempDir("aws-environment");
  writeFileSync(join(directory, "first.pem"), `# a comment, as bundles have\n${first}`);
  writeFileSync(join(directory, "second.pem"), second);
  writeFileSync(join(directory, "both.pem"), first + second);
  writeFileSync(join(directory, "garbage.pem"), "not a certificate");
  writeFileSync(join(directory, "broken.pem"), first.replace(/[A-Za-z0-9]{20}\n/, "\n"));
  writeFileSync(join(directory, "cut.pem"), first + second.slice(0, 200));
  mkdirSync(join(directory, "folder"));
});
const file = (name: string): string => join(directory, name);
const trimmed = (...certificates: readonly string[]): string[] => certificates.map((pem) => pem.trim());

describe("an empty environment", () => {
  test("overrides nothing", () => {
    const environment = awsEnvironment({});

    expect(environment).toEqual({
      endpoints: {},
      useFips: false,
      useDualstack: false,
      certificates: [],
      proxies: { https: undefined, http: undefined, noProxy: "" },
      overrides: [],
    });
  });

  test("empty and blank variables count as unset, and what is not on the list is not looked at", () => {
    const variables = {
      AWS_ENDPOINT_URL: "",
      AWS_CA_BUNDLE: " ",
      HTTPS_PROXY: "",
      AWS_USE_FIPS_ENDPOINT: "",
      AWS_PROFILE: "admin",
      AWS_ACCESS_KEY_ID: "AKIA0000000000000000",
      AWS_REGION: "us-east-1",
      ALL_PROXY: "http://evil.example.com",
    };

    expect(awsEnvironment(variables)).toEqual(awsEnvironment({}));
  });
});

describe("endpoints", () => {
  test("one for all, and one of a service before it", () => {
    const environment = awsEnvironment({
      AWS_ENDPOINT_URL: "http://127.0.0.1:4566/",
      AWS_ENDPOINT_URL_STS: "https://sts.example.com/base",
      AWS_ENDPOINT_URL_SSO: "https://portal.example.com",
      AWS_ENDPOINT_URL_SSO_OIDC: "https://oidc.example.com",
    });

    expect(environment.endpoints).toEqual({
      sts: "https://sts.example.com/base",
      iam: "http://127.0.0.1:4566",
      sso: "https://portal.example.com",
      "sso-oidc": "https://oidc.example.com",
      lambda: "http://127.0.0.1:4566",
      cloudformation: "http://127.0.0.1:4566",
      ecs: "http://127.0.0.1:4566",
      signin: "http://127.0.0.1:4566",
    });
    expect(environment.overrides).toEqual([
      "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
      "AWS_ENDPOINT_URL_STS=https://sts.example.com/base",
      "AWS_ENDPOINT_URL_SSO=https://portal.example.com",
      "AWS_ENDPOINT_URL_SSO_OIDC=https://oidc.example.com",
    ]);
  });

  test.each(["http://localhost:1", "http://127.9.9.9", "http://[::1]:4566", "http://aws.localhost:4566"])(
    "%s is loopback and may be plain http",
    (url) => {
      expect(awsEnvironment({ AWS_ENDPOINT_URL_IAM: url }).endpoints).toHaveProperty("iam");
    },
  );

  test.each([
    ["plain http elsewhere", "http://sts.example.com"],
    ["plain http to this network", "http://192.168.1.10:4566"],
    ["plain http to all addresses", "http://0.0.0.0:4566"],
    ["a name that begins like loopback", "http://127.0.0.1.example.com"],
    ["a name that ends like loopback", "http://notlocalhost"],
    ["a user name", `https://user:${CANARY}@sts.example.com`],
    ["a query", "https://sts.example.com/?x=1"],
    ["a fragment", "https://sts.example.com/#x"],
    ["another scheme", "ftp://sts.example.com"],
    ["no URL", "sts.example.com"],
  ])("%s is refused by the variable's name", async (_name, url) => {
    const error = await brokerErrorOf(() => awsEnvironment({ AWS_ENDPOINT_URL_STS: url }));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("AWS_ENDPOINT_URL_STS");
    expect(error.message).not.toContain(CANARY);
    expect(error.hint).toContain("AWS_ENDPOINT_URL_STS");
  });
});

describe("FIPS and dual stack", () => {
  test("are read in any case", () => {
    const environment = awsEnvironment({ AWS_USE_FIPS_ENDPOINT: "True", AWS_USE_DUALSTACK_ENDPOINT: "false" });

    expect(environment).toMatchObject({
      useFips: true,
      useDualstack: false,
      overrides: ["AWS_USE_FIPS_ENDPOINT=true"],
    });
  });

  test.each([{ AWS_USE_FIPS_ENDPOINT: "yes" }, { AWS_USE_DUALSTACK_ENDPOINT: "1" }])(
    "%o is neither",
    async (variables) => {
      const error = await brokerErrorOf(() => awsEnvironment(variables));

      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(error.message).toContain(Object.keys(variables)[0]);
    },
  );

  test("cannot be had from a custom endpoint", async () => {
    for (const name of ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"]) {
      const error = await brokerErrorOf(() =>
        awsEnvironment({ [name]: "true", AWS_ENDPOINT_URL: "http://127.0.0.1:1" }),
      );
      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(error.message).toContain(name);
    }
  });
});

describe("certificates", () => {
  test("come from every variable, each once, and are named by file in the overrides", () => {
    const environment = awsEnvironment({
      AWS_CA_BUNDLE: file("both.pem"),
      NODE_EXTRA_CA_CERTS: file("first.pem"),
      cafile: file("second.pem"),
    });

    expect(environment.certificates).toEqual(trimmed(first, second));
    expect(environment.overrides).toEqual([
      `AWS_CA_BUNDLE=${file("both.pem")}`,
      `NODE_EXTRA_CA_CERTS=${file("first.pem")}`,
      `cafile=${file("second.pem")}`,
    ]);
  });

  test("cafile may name several files", () => {
    const environment = awsEnvironment({ cafile: `${file("first.pem")}, ${file("second.pem")}` });

    expect(environment.certificates).toEqual(trimmed(first, second));
  });

  test.each([
    ["as it stands", (pem: string) => pem],
    ["with newlines written out", (pem: string) => pem.replaceAll("\n", "\\n")],
  ])("ca holds certificates %s, one or several", (_name, written) => {
    expect(awsEnvironment({ ca: written(first) })).toMatchObject({
      certificates: trimmed(first),
      overrides: ["ca=(1 certificate)"],
    });
    expect(awsEnvironment({ ca: `${written(first)},${written(second)}` })).toMatchObject({
      certificates: trimmed(first, second),
      overrides: ["ca=(2 certificates)"],
    });
  });

  test.each([
    ["a missing file", "missing.pem", "ENOENT"],
    ["a directory", "folder", "not a file"],
    ["a file without certificates", "garbage.pem", "no PEM certificate"],
    ["a broken certificate", "broken.pem", "number 1"],
    ["a cut-off certificate", "cut.pem", "cut-off"],
  ])("%s is refused by variable and path", async (_name, path, says) => {
    for (const name of ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "cafile"]) {
      const error = await brokerErrorOf(() => awsEnvironment({ [name]: file(path) }));

      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(error.message).toContain(name);
      expect(error.message).toContain(file(path));
      expect(error.message).toContain(says);
      expect(error.hint).toContain(name);
    }
  });

  test("a relative path would depend on where the daemon was started", async () => {
    const error = await brokerErrorOf(() => awsEnvironment({ AWS_CA_BUNDLE: "ca.pem" }));

    expect(error).toMatchObject({ code: "ConfigInvalid" });
    expect(error.message).toContain("absolute");
  });

  test.each(["garbage", "-----BEGIN CERTIFICATE-----", first + "rest", first.replace(/[A-Za-z0-9]{20}\n/, "\n")])(
    "ca refuses what is no list of certificates",
    async (ca) => {
      const error = await brokerErrorOf(() => awsEnvironment({ ca }));

      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(error.message).toContain("variable ca ");
    },
  );
});

describe("proxies", () => {
  const aws = new URL("https://sts.eu-west-1.amazonaws.com");
  const through = (variables: Record<string, string>, endpoint = aws): string | undefined =>
    proxyFor(awsEnvironment(variables).proxies, endpoint)?.display;

  test("HTTPS_PROXY stands before https endpoints, its lower-case form first", () => {
    expect(through({ HTTPS_PROXY: "http://proxy.example.com:3128" })).toBe("http://proxy.example.com:3128");
    expect(through({ HTTPS_PROXY: "http://upper:1", https_proxy: "http://lower:1" })).toBe("http://lower:1");
    expect(through({ HTTP_PROXY: "http://proxy.example.com:3128" })).toBeUndefined();
  });

  test("a proxy without scheme is http", () => {
    expect(through({ HTTPS_PROXY: "proxy.example.com:3128" })).toBe("http://proxy.example.com:3128");
  });

  test("user name and password show nowhere but in the request", () => {
    const environment = awsEnvironment({ HTTPS_PROXY: `http://ann:${CANARY}@proxy.example.com:3128` });

    expect(environment.overrides).toEqual(["HTTPS_PROXY=http://proxy.example.com:3128"]);
    expect(JSON.stringify(environment)).not.toContain(CANARY);
    expect(environment.proxies.https?.url.reveal()).toContain(CANARY);
  });

  test.each(["socks5://proxy:1080", "http://", "http://a:b%zz@proxy", "http://proxy:port"])(
    "%s is refused without quoting it",
    async (value) => {
      const error = await brokerErrorOf(() => awsEnvironment({ https_proxy: value }));

      expect(error).toMatchObject({ code: "ConfigInvalid" });
      expect(error.message).toContain("https_proxy");
      expect(error.message).not.toContain(value);
    },
  );

  test.each<[string, string, boolean]>([
    ["*", "https://sts.amazonaws.com", true],
    ["sts.amazonaws.com", "https://sts.amazonaws.com", true],
    ["amazonaws.com", "https://sts.amazonaws.com", true],
    [".amazonaws.com", "https://sts.amazonaws.com", true],
    ["*.amazonaws.com", "https://sts.amazonaws.com", true],
    ["AMAZONAWS.COM", "https://sts.amazonaws.com", true],
    ["example.com, amazonaws.com", "https://sts.amazonaws.com", true],
    ["example.com amazonaws.com", "https://sts.amazonaws.com", true],
    ["amazonaws.com:443", "https://sts.amazonaws.com", true],
    ["amazonaws.com:8443", "https://sts.amazonaws.com:8443", true],
    ["10.0.0.0/8", "https://10.1.2.3", true],
    ["10.1.2.3", "https://10.1.2.3:8443", true],
    ["fd00::/8", "https://[fd00::1]", true],
    ["[fd00::1]", "https://[fd00::1]", true],
    ["aws.com", "https://sts.amazonaws.com", false],
    ["amazonaws.com:8443", "https://sts.amazonaws.com", false],
    ["10.0.0.0/8", "https://11.1.2.3", false],
    ["10.0.0.0/99", "https://10.1.2.3", false],
    ["fd00::/8", "https://10.1.2.3", false],
    ["1.2.3", "https://10.1.2.3", false],
    ["", "https://sts.amazonaws.com", false],
  ])("NO_PROXY=%s exempts %s: %s", (noProxy, endpoint, isExempt) => {
    const proxy = through({ HTTPS_PROXY: "http://proxy:1", NO_PROXY: noProxy }, new URL(endpoint));

    expect(proxy === undefined).toBe(isExempt);
  });

  test("a loopback endpoint goes only through a loopback proxy", () => {
    const local = new URL("http://127.0.0.1:4566");

    expect(through({ HTTP_PROXY: "http://127.0.0.1:8080" }, local)).toBe("http://127.0.0.1:8080");
    expect(through({ HTTP_PROXY: "http://proxy.example.com" }, local)).toBeUndefined();
    expect(through({ HTTPS_PROXY: "http://proxy.example.com" }, new URL("https://localhost:1"))).toBeUndefined();
  });
});
