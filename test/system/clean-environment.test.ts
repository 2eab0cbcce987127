import { describe, expect, it } from "vitest";
import { cleanEnvironment, cleanEnvironmentInPlace } from "../../src/system/clean-environment.js";
import { CANARY } from "../support/canaries.js";

const SDK_SETTINGS = {
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
};

describe("the daemon's environment", () => {
  it.each([
    ...["HOME", "USER", "PATH", "LANG", "LC_ALL", "LC_TIME", "TZ", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"],
    ...["DBUS_SESSION_BUS_ADDRESS", "CREDBROKER_HOME", "CREDBROKER_PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY"],
    ...["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"],
    ...["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_CLOUDFORMATION"],
    ...["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "ca", "cafile"],
    ...["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"],
  ])("keeps %s", (name) => {
    expect(cleanEnvironment({ [name]: "value" })).toEqual({ [name]: "value", ...SDK_SETTINGS });
  });

  it.each([
    ...["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_ROLE_ARN"],
    ...["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_ENDPOINT_URL_S3"],
    ...["NODE_OPTIONS", "NODE_PATH", "NODE_DEBUG", "NODE_TLS_REJECT_UNAUTHORIZED", "SSLKEYLOGFILE"],
    ...["LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "GITHUB_TOKEN", "CA", "Path", "CREDBROKE", "ALL_PROXY"],
  ])("loses %s", (name) => {
    expect(cleanEnvironment({ [name]: CANARY })).toEqual(SDK_SETTINGS);
  });

  it.each([
    { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1" },
    {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/token",
    },
    { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://[fd00:ec2::23]/v1/credentials" },
  ])("keeps where a container's credentials are offered: %j", (variables) => {
    expect(cleanEnvironment(variables)).toEqual({ ...variables, ...SDK_SETTINGS });
  });

  it.each([
    "http://127.0.0.1:9171/lease/x",
    "http://localhost/creds",
    "https://example.com/",
    "http://169.254.170.2.example.com/",
  ])("loses the container endpoint %s, which may be our own or another program's", (uri) => {
    const variables = { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: CANARY };
    expect(cleanEnvironment(variables)).toEqual(SDK_SETTINGS);
  });

  it("points the SDK's files at nothing, whatever they were", () => {
    expect(cleanEnvironment({ AWS_CONFIG_FILE: "/home/me/.aws/config" })).toEqual(SDK_SETTINGS);
  });

  it("has no variable for one that is not set", () => {
    expect(cleanEnvironment({ HOME: undefined })).toEqual(SDK_SETTINGS);
  });

  it("can be made of a running process's own", () => {
    const env: NodeJS.ProcessEnv = { HOME: "/home/me", AWS_PROFILE: "prod", NODE_OPTIONS: "--inspect" };
    cleanEnvironmentInPlace(env);
    expect(env).toEqual({ HOME: "/home/me", ...SDK_SETTINGS });
  });
});
