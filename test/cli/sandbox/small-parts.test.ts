import { describe, expect, it } from "vitest";
import { isWayOut, listeningNames } from "../../../src/cli/sandbox/abstract-sockets.js";
import { wishOf } from "../../../src/cli/sandbox/confine-options.js";
import { confinedEnvironment } from "../../../src/cli/sandbox/environment.js";
import { lendFiles } from "../../../src/cli/sandbox/lend-files.js";
import { bwrapFailed } from "../../../src/cli/sandbox/why-bwrap-fails.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";

const PATHS = {
  configFile: "/home/me/.config/credbroker/config.yaml",
  stateDir: "/home/me/.local/state/credbroker",
  runtimeDir: "/run/user/1000/credbroker",
  controlSocket: "/run/user/1000/credbroker/control.sock",
  logFile: "/home/me/.local/state/credbroker/brokerd.log",
};

describe("the variables of a confined command", () => {
  const env = {
    ...{ PATH: "/usr/bin", LC_ALL: "C", TERM: "xterm", HTTPS_PROXY: "http://proxy", AWS_REGION: "eu-west-1" },
    ...{ AWS_ENDPOINT_URL_S3: "http://localhost:9000", AWS_BEARER_TOKEN_BEDROCK: "b", AWS_SECRET_ACCESS_KEY: "k" },
    ...{ GITHUB_TOKEN: "t", SSH_AUTH_SOCK: "/tmp/a", DBUS_SESSION_BUS_ADDRESS: "x", TMUX: "x", DOCKER_HOST: "x" },
    ...{ CREDBROKER_HOME: "/x", XDG_RUNTIME_DIR: "/run/user/1000", WSL_INTEROP: "/run/WSL/1_interop", DISPLAY: ":0" },
  };

  it("are those of a list", () => {
    expect(Object.keys(confinedEnvironment(env, []))).toEqual([
      ...["PATH", "LC_ALL", "TERM", "HTTPS_PROXY", "AWS_REGION", "AWS_ENDPOINT_URL_S3"],
    ]);
  });

  it("are also those that the user names", () => {
    expect(confinedEnvironment(env, ["GITHUB_TOKEN", "MISSING"])).toMatchObject({ GITHUB_TOKEN: "t" });
    expect(confinedEnvironment(env, ["MISSING"])).not.toHaveProperty("MISSING");
  });
});

describe("the files of a lease", () => {
  const variables = {
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${PATHS.stateDir}/tokens/12ab`,
    AWS_CONFIG_FILE: `${PATHS.stateDir}/aws/3b/config`,
    AWS_SHARED_CREDENTIALS_FILE: `${PATHS.runtimeDir}/profiles/12ab/credentials`,
    AWS_REGION: "eu-west-1",
  };

  it("are lent under names that say nothing of where the others are", () => {
    expect(lendFiles(variables, PATHS, true)).toEqual({
      variables: {
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/run/credbroker/token",
        AWS_CONFIG_FILE: "/run/credbroker/aws/config",
        AWS_SHARED_CREDENTIALS_FILE: "/run/credbroker/profiles/credentials",
        AWS_REGION: "eu-west-1",
      },
      shown: [
        { path: `${PATHS.stateDir}/tokens/12ab`, as: "/run/credbroker/token" },
        { path: `${PATHS.stateDir}/aws/3b`, as: "/run/credbroker/aws" },
        { path: `${PATHS.runtimeDir}/profiles/12ab`, as: "/run/credbroker/profiles" },
      ],
    });
  });

  it("are also the lease's socket: with its directory where that is ours, alone where it is the user's", () => {
    const socketAt = (CREDBROKER_SOCKET: string) => lendFiles({ CREDBROKER_SOCKET }, PATHS, true);
    const directory = `${PATHS.runtimeDir}/leases/x7`;
    expect(socketAt(`${directory}/lease.sock`)).toEqual({
      variables: { CREDBROKER_SOCKET: "/run/credbroker/leases/lease.sock" },
      shown: [{ path: directory, as: "/run/credbroker/leases" }],
    });
    expect(socketAt("/home/me/.agent/a.sock")).toEqual({
      variables: { CREDBROKER_SOCKET: "/run/credbroker/a.sock" },
      shown: [{ path: "/home/me/.agent/a.sock", as: "/run/credbroker/a.sock" }],
    });
  });

  it("keep their names where nothing can be shown under another one", () => {
    const lent = lendFiles(variables, PATHS, false);
    expect(lent.variables).toEqual(variables);
    expect(lent.shown.map(({ path, as }) => path === as)).toEqual([true, true, true]);
  });
});

describe("the sockets without a file", () => {
  const HEAD = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  const row = (flags: string, name: string): string =>
    `0000000000000000: 00000002 00000000 ${flags} 0001 01 4711 ${name}\n`;

  it("that programs listen on are found by the kernel's table", () => {
    const table = [HEAD, row("00010000", "@/tmp/.X11-unix/X0"), row("00000000", "@a"), row("00010000", "/run/x")].join(
      "",
    );
    expect(listeningNames(table)).toEqual(["@/tmp/.X11-unix/X0"]);
    expect(listeningNames("")).toEqual([]);
  });

  it("are ways out where they are X11's and D-Bus's", () => {
    const all = [
      "@/tmp/.X11-unix/X0",
      "@/tmp/dbus-Wq3",
      "@/home/me/.cache/ibus/dbus-1",
      "@ISCSIADM_ABSTRACT_NAMESPACE",
    ];
    expect(all.filter(isWayOut)).toEqual(all.slice(0, 3));
  });
});

describe("a bwrap that may not confine", () => {
  const hintWhere = (files: Readonly<Record<string, string>>): string => bwrapFailed((path) => files[path]).hint ?? "";

  it.each([
    ["apparmor_restrict_unprivileged_userns=0", { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" }],
    ["unprivileged_userns_clone=1", { "/proc/sys/kernel/unprivileged_userns_clone": "0\n" }],
    ["max_user_namespaces=", { "/proc/sys/user/max_user_namespaces": "0\n" }],
    ["--security-opt", { "/.dockerenv": "" }],
    ["bwrap ", {}],
  ])("is told with the setting that helps: %s", (expected, files) => {
    expect(hintWhere(files)).toContain(expected);
  });
});

describe("the flags of a confined command", () => {
  const none = { confine: false, writable: [], readable: [], "keep-env": [] };

  it("are refused without --confine", async () => {
    const error = await brokerErrorOf(async () => wishOf({ ...none, writable: ["x"] }, "npm"));
    expect([error.code, error.hint]).toEqual(["UsageInvalid", "brokerctl exec ROLE --confine --writable x -- CMD"]);
    expect(wishOf(none, "npm")).toBeUndefined();
  });
});
