import { describe, expect, it } from "vitest";
import { directToEndpoint, environmentOfChild } from "../../../src/cli/access/child-environment.js";
import { newLeaseToken } from "../../../src/core/lease.js";

const NEUTRAL = {
  files: { AWS_CONFIG_FILE: "/state/aws/config", AWS_SHARED_CREDENTIALS_FILE: "/state/aws/credentials" },
  defaultSettings: { AWS_REGION: "eu-south-1", AWS_DEFAULT_REGION: "eu-south-1", AWS_DEFAULT_OUTPUT: "table" },
};

describe("the environment of a child", () => {
  const token = newLeaseToken().reveal();
  const lease = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:9171/lease/${token}` };

  it("has what brokerctl inherited, without what competes with the lease and without the variable of the hook", () => {
    const inherited = { PATH: "/bin", AWS_PROFILE: "work", AWS_ACCESS_KEY_ID: "AKIA", CREDBROKER_HOOK: "bash:1" };

    const env = environmentOfChild(inherited, lease, NEUTRAL);

    expect(env).toMatchObject({ PATH: "/bin", ...lease, ...NEUTRAL.files, AWS_EC2_METADATA_DISABLED: "true" });
    for (const name of ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "CREDBROKER_HOOK"]) expect(env).not.toHaveProperty(name);
  });

  it("says a setting of [default] only where neither the environment nor the lease says it", () => {
    const region = { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" };

    expect(environmentOfChild({}, lease, NEUTRAL)).toMatchObject(NEUTRAL.defaultSettings);
    expect(environmentOfChild({ AWS_DEFAULT_OUTPUT: "json" }, lease, NEUTRAL)["AWS_DEFAULT_OUTPUT"]).toBe("json");
    expect(environmentOfChild({}, { ...lease, ...region }, NEUTRAL)).toMatchObject(region);
  });

  it("has the copies of ~/.aws in the place of files that it was told of", () => {
    const env = environmentOfChild({ AWS_CONFIG_FILE: "/home/me/other" }, lease, NEUTRAL);

    expect(env["AWS_CONFIG_FILE"]).toBe("/state/aws/config");
  });

  it("tells a hook in a shell below to leave alone the lease, or the keys, that it was given", () => {
    const inherited = { CREDBROKER_LEASE: "of another shell" };
    const keys = { AWS_ACCESS_KEY_ID: "ASIA", AWS_SECRET_ACCESS_KEY: "x", AWS_SESSION_TOKEN: "y" };

    const marks = [lease, keys].map(
      (variables) => environmentOfChild(inherited, variables, NEUTRAL)["CREDBROKER_LEASE"],
    );

    expect(marks).toEqual([expect.stringMatching(/^(?!none:).+:exec$/), "none:none:exec"]);
    expect(marks[0]).not.toContain(token);
  });
});

describe("what takes a program directly to the endpoint", () => {
  it("adds loopback to the hosts without a proxy, in both spellings, each from the other where one is not set", () => {
    expect(directToEndpoint({ NO_PROXY: "corp.example, 127.0.0.1" })).toMatchObject({
      NO_PROXY: "corp.example,127.0.0.1,localhost",
      no_proxy: "corp.example,127.0.0.1,localhost",
    });
    expect(directToEndpoint({ no_proxy: "*" })).toMatchObject({ NO_PROXY: "*", no_proxy: "*" });
  });
});
