import { describe, expect, it } from "vitest";
import type { FunctionContext } from "../../src/core/function-context.js";
import { type FunctionEnvironmentOptions, functionEnvironment } from "../../src/runtime-api/function-environment.js";
import { FakeClock } from "../support/fake-clock.js";
import { FUNCTION_ARN } from "../support/invoke-locally.js";

const context: FunctionContext = {
  functionName: "orders",
  functionArn: FUNCTION_ARN,
  version: "$LATEST",
  region: "eu-west-1",
  memorySize: 256,
  timeout: 3,
  handler: "app.handler",
  runtime: "nodejs22.x",
  logGroup: null,
  logFormat: null,
  logLevel: null,
  variables: {},
};

const options: FunctionEnvironmentOptions = {
  taskRoot: "/code",
  lease: { set: { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/creds" }, unset: ["AWS_PROFILE"] },
  localPath: "/usr/bin:/bin",
  clock: new FakeClock("2026-03-04T05:06:07Z"),
};

function environment(changes: Partial<FunctionContext> = {}, others: Partial<FunctionEnvironmentOptions> = {}) {
  return functionEnvironment({ ...context, ...changes }, { ...options, ...others });
}

describe("the variables of a function", () => {
  it("are Lambda's reserved ones and the lease's", () => {
    expect(environment()).toEqual({
      set: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/creds",
        AWS_DEFAULT_REGION: "eu-west-1",
        AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
        AWS_LAMBDA_FUNCTION_NAME: "orders",
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
        AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/orders",
        AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(/^2026\/03\/04\/\[\$LATEST\][0-9a-f]{32}$/) as unknown,
        AWS_REGION: "eu-west-1",
        AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
        LAMBDA_RUNTIME_DIR: "/var/runtime",
        LAMBDA_TASK_ROOT: "/code",
        PATH: "/usr/bin:/bin",
        TZ: ":UTC",
        _HANDLER: "app.handler",
      },
      withheld: [],
    });
  });

  it("are its own, which win where Lambda lets them", () => {
    const { set } = environment({ variables: { TABLE: "orders", TZ: "Europe/Berlin", AWS_REGION: "us-east-1" } });

    expect(set).toMatchObject({ TABLE: "orders", TZ: "Europe/Berlin", AWS_REGION: "eu-west-1" });
  });

  it("name no handler and no runtime where Lambda knows none, as with an image", () => {
    const { set } = environment({ handler: null, runtime: null });

    expect(set).not.toHaveProperty("_HANDLER");
    expect(set).not.toHaveProperty("AWS_EXECUTION_ENV");
  });

  it("name no execution environment for an OS-only runtime, as in Lambda", () => {
    expect(environment({ runtime: "provided.al2023" }).set).not.toHaveProperty("AWS_EXECUTION_ENV");
  });

  it("name the log group that was chosen for it", () => {
    expect(environment({ logGroup: "/orders" }).set).toMatchObject({ AWS_LAMBDA_LOG_GROUP_NAME: "/orders" });
    expect(environment().set).not.toHaveProperty("AWS_LAMBDA_LOG_LEVEL");
    expect(environment({ logFormat: "JSON", logLevel: "WARN" }).set).toMatchObject({
      AWS_LAMBDA_LOG_FORMAT: "JSON",
      AWS_LAMBDA_LOG_LEVEL: "WARN",
    });
  });

  it("never shadow the lease, and those that would are told", () => {
    const variables = {
      AWS_PROFILE: "legacy",
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/",
      TABLE: "t",
    };

    const { set, withheld } = environment({ variables });

    expect(withheld).toEqual(["AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]);
    expect(set).not.toHaveProperty("AWS_PROFILE");
    expect(set).toMatchObject({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/creds", TABLE: "t" });
  });

  it("take the function's region over the lease's", () => {
    const lease = { set: { AWS_REGION: "us-east-1" }, unset: [] };

    expect(environment({}, { lease }).set).toMatchObject({ AWS_REGION: "eu-west-1" });
  });

  it("find this machine's programs first, and then those of the function: /tmp/bin may be another user's here", () => {
    const { set } = environment({ variables: { PATH: "/opt/bin:/usr/bin" } });

    expect(set["PATH"]).toBe("/usr/bin:/bin:/opt/bin");
  });

  it("leave PATH alone where there is none", () => {
    expect(environment({}, { localPath: undefined }).set).not.toHaveProperty("PATH");
  });

  it("reach loopback without a proxy, whatever the function says of its own", () => {
    const lease = { set: { NO_PROXY: "127.0.0.1,localhost", no_proxy: "127.0.0.1,localhost" }, unset: [] };

    const { set, withheld } = environment({ variables: { NO_PROXY: "internal.example,localhost" } }, { lease });

    expect(set["NO_PROXY"]).toBe("internal.example,localhost,127.0.0.1");
    expect(set["no_proxy"]).toBe("internal.example,localhost,127.0.0.1");
    expect(withheld).toEqual([]);
    expect(environment({ variables: { no_proxy: "*" } }, { lease }).set["NO_PROXY"]).toBe("*");
  });
});

describe("the search paths of layers", () => {
  const paths = (changes: Partial<FunctionContext>, local: Record<string, string> = {}) =>
    environment(changes, { besideLayers: local }).set;

  it("are Lambda's own for the runtime, before those of the caller", () => {
    expect(paths({ runtime: "nodejs22.x" }, { NODE_PATH: "/mine" })).toMatchObject({
      NODE_PATH: "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/mine",
      PATH: "/usr/bin:/bin:/opt/bin",
      LD_LIBRARY_PATH: "/opt/lib",
    });
    expect(paths({ runtime: "python3.12" })["PYTHONPATH"]).toBe("/opt/python/lib/python3.12/site-packages:/opt/python");
    expect(paths({ runtime: "ruby3.3" })).toMatchObject({ GEM_PATH: "/opt/ruby/gems/3.3.0", RUBYLIB: "/opt/ruby/lib" });
  });

  it("are the function's own where it sets them, and none where there are no layers", () => {
    expect(paths({ variables: { NODE_PATH: "/opt/mine" } })["NODE_PATH"]).toBe("/opt/mine");
    expect(environment().set).not.toHaveProperty("NODE_PATH");
  });
});
