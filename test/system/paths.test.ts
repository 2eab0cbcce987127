import { describe, expect, it } from "vitest";
import { type PathInputs, resolvePaths } from "../../src/system/paths.js";
import { brokerErrorOf } from "../support/broker-error-of.js";

const linux: PathInputs = {
  env: {},
  platform: "linux",
  homeDir: "/home/me",
  uid: 1000,
  isOwnDirectory: () => true,
};

describe("the place of everything", () => {
  it("is under CREDBROKER_HOME when that is set, whatever else is", () => {
    const env = { CREDBROKER_HOME: "/tmp/demo", XDG_CONFIG_HOME: "/x", XDG_RUNTIME_DIR: "/y" };

    expect(resolvePaths({ ...linux, env })).toEqual({
      home: "/tmp/demo",
      configFile: "/tmp/demo/config.yaml",
      stateDir: "/tmp/demo/state",
      runtimeDir: "/tmp/demo/run",
      controlSocket: "/tmp/demo/run/control.sock",
      logFile: "/tmp/demo/state/brokerd.log",
    });
  });

  it("follows the XDG variables on Linux", () => {
    const env = { XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/r" };

    expect(resolvePaths({ ...linux, env })).toEqual({
      configFile: "/c/credbroker/config.yaml",
      stateDir: "/s/credbroker",
      runtimeDir: "/r/credbroker",
      controlSocket: "/r/credbroker/control.sock",
      logFile: "/s/credbroker/brokerd.log",
    });
  });

  it("has the XDG defaults where variables are missing, empty or relative", () => {
    const env = { XDG_CONFIG_HOME: "", XDG_STATE_HOME: "relative/state", CREDBROKER_HOME: "" };

    expect(resolvePaths({ ...linux, env })).toMatchObject({
      configFile: "/home/me/.config/credbroker/config.yaml",
      stateDir: "/home/me/.local/state/credbroker",
      runtimeDir: "/run/user/1000/credbroker",
    });
  });

  it("keeps the socket in the state directory when there is no runtime directory of ours", () => {
    const { runtimeDir } = resolvePaths({ ...linux, isOwnDirectory: () => false });
    expect(runtimeDir).toBe("/home/me/.local/state/credbroker/run");
  });

  it("looks for the runtime directory itself when no variable names it", () => {
    const inputs = { env: {}, platform: "linux", homeDir: "/home/me", uid: 4_000_000_000 } as const;
    const { runtimeDir } = resolvePaths(inputs);
    expect(runtimeDir).toBe("/home/me/.local/state/credbroker/run");
  });

  it("is in Application Support on macOS", () => {
    expect(resolvePaths({ ...linux, platform: "darwin", homeDir: "/Users/me" })).toMatchObject({
      configFile: "/Users/me/Library/Application Support/credbroker/config.yaml",
      stateDir: "/Users/me/Library/Application Support/credbroker/state",
      controlSocket: "/Users/me/Library/Application Support/credbroker/run/control.sock",
    });
  });

  it("is refused when it depends on the current directory", async () => {
    const relative = await brokerErrorOf(() => resolvePaths({ ...linux, env: { CREDBROKER_HOME: "my demo" } }));
    expect(relative).toMatchObject({ code: "UsageInvalid", hint: `export CREDBROKER_HOME="$PWD"/'my demo'` });

    expect((await brokerErrorOf(() => resolvePaths({ ...linux, homeDir: "" }))).code).toBe("UsageInvalid");
  });

  it("allows a socket path of 103 bytes and not one more, counted as bytes", async () => {
    const homeOf = (bytes: number): string => `/${"é".repeat(10)}`.padEnd(bytes - 10 - "/run/control.sock".length, "x");
    const resolveAt = (bytes: number): string =>
      resolvePaths({ ...linux, env: { CREDBROKER_HOME: homeOf(bytes) } }).controlSocket;

    expect(Buffer.byteLength(resolveAt(103))).toBe(103);
    const error = await brokerErrorOf(() => resolveAt(104));
    expect(error.code).toBe("UsageInvalid");
    expect(error.message).toContain("104 bytes");
    expect(error.hint).toContain("CREDBROKER_HOME");
  });
});
