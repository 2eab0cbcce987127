import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { homeSnapshot } from "../support/home-snapshot.js";
import { pack, pathWithoutCompilers, runBare } from "../support/packed.js";
import { tempDir } from "../support/temp-dir.js";

const INSTALL = resolve("scripts/install");
const UNINSTALL = resolve("scripts/uninstall");
let path: string;
let tarball: string;

beforeAll(() => {
  path = pathWithoutCompilers();
  tarball = pack();
});

const install = (args: readonly string[], home?: string): Outcome =>
  runBare([INSTALL, ...args], { path, ...(home !== undefined && { home }) });

describe("scripts/install and scripts/uninstall", () => {
  it("install a tarball, again, upgrade it, and take it away with everything in the home", () => {
    const home = tempDir("home");
    const prefix = join(home, ".local");
    const first = install(["--prefix", prefix, tarball], home);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toContain("installed credbroker 0.1.0");
    expect(first.stdout).toContain(`export PATH="${prefix}/bin:$PATH"`);
    expect(first.stdout).toContain("brokerctl setup");
    expect(install(["--prefix", prefix, tarball], home).stdout).toContain("installed again");
    const upgraded = install([`--prefix=${prefix}`, pack("0.2.0")], home);
    expect(upgraded.stdout).toContain("credbroker 0.1.0 became 0.2.0");
    expect(upgraded.stdout).toContain("brokerctl restart");

    const brokerctl = join(prefix, "bin", "brokerctl");
    expect(runBare([brokerctl, "init", "--secret-store", "key_file", "--yes"], { home })).toMatchObject({ code: 0 });
    const dry = runBare([UNINSTALL, "--prefix", prefix, "--dry-run"], { home });
    expect([dry.code, existsSync(brokerctl)]).toEqual([0, true]);
    // The user cannot be asked: nothing is touched, and the programs stay to finish the work.
    expect(runBare([UNINSTALL, "--prefix", prefix], { home }).code).toBe(2);
    expect(existsSync(brokerctl)).toBe(true);
    expect(runBare([UNINSTALL, "--prefix", prefix, "--yes"], { home })).toMatchObject({ code: 0 });
    expect(Object.keys(homeSnapshot(home)).filter((name) => /brokerctl|brokerd|credbroker/.test(name))).toEqual([]);
  });

  it("name what is missing and its fix, before npm is run", () => {
    const target = tempDir("prefix", "input");
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [["--prefix"], 2, "--prefix needs a directory"],
      [["--sudo"], 2, "unknown flag --sudo"],
      [["a", "b"], 2, "one package"],
      [["--prefix", target, "./none.tgz"], 1, "there is no file ./none.tgz"],
    ];
    for (const [args, code, message] of cases) {
      const outcome = install(args);
      expect([outcome.code, outcome.stderr.includes(message), outcome.stderr.includes("hint:")]).toEqual([
        code,
        true,
        true,
      ]);
    }
    expect(runBare([UNINSTALL, "--prefix", target]).stderr).toContain("not installed");
  });

  it.each([
    ["told", ""],
    ["not told where npm's settings hold a password", "me:secret@"],
  ])(
    "give up on a registry that does not answer, after saying for how long they wait; its URL is %s",
    async (_, user) => {
      const silent = createServer().listen(0, "127.0.0.1"); // the system takes the connections: this process answers none
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      const settings = {
        npm_config_registry: `http://${user}127.0.0.1:${port}/`,
        npm_config_cache: tempDir("npm-cache", "input"),
        npm_config_fetch_timeout: "1000",
      };
      const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
      const outcome = runBare(["/usr/bin/env", ...variables, INSTALL, "--prefix", tempDir("prefix", "input")], {
        path,
      });
      silent.close();
      expect(outcome.code).toBe(1);
      const from = user === "" ? `http://127.0.0.1:${port}/` : "the registry of your npm settings";
      expect(outcome.stdout).toContain(
        `packages come from ${from}; given up when it does not answer for 1 s, 2 times\n`,
      );
      expect(outcome.stderr).toMatch(/network timeout.*\n(?:.*\n)*.*hint: npm ping/);
      expect(outcome.stdout + outcome.stderr).not.toContain("secret");
    },
  );

  it.each([
    ["20.18.9", false],
    ["18.20.0", false],
    ["20.19.0", true],
    ["22.0.0", true],
  ])("take Node %s: %s", (version, isTaken) => {
    const fake = withNode(version);
    const { stderr } = runBare([INSTALL, "--prefix", tempDir("prefix", "input"), "./none.tgz"], { path: fake });
    expect(stderr.includes("too old")).toBe(!isTaken);
    expect(stderr).toContain(isTaken ? "no file" : "20.19");
  });

  it("want the Node that the package wants", () => {
    const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly engines: { readonly node: string };
    };
    expect(engines.node).toBe(">=20.19");
  });

  it("say that there is no Node, no npm", () => {
    const bare = tempDir("path", "input");
    symlinkSync("/bin/sh", join(bare, "sh"));
    const only = (): Outcome => {
      const { status, signal, stdout, stderr } = spawnSync("/bin/sh", [INSTALL], {
        env: { PATH: bare },
        encoding: "utf8",
      });
      return { code: status, signal, stdout, stderr };
    };
    expect(only()).toMatchObject({ code: 1, stderr: expect.stringContaining("Node is not in PATH") as string });
    symlinkSync(process.execPath, join(bare, "node"));
    expect(only()).toMatchObject({ code: 1, stderr: expect.stringContaining("npm is not in PATH") as string });
  });

  it("use no sudo: a prefix that is not writable is named with one that is", () => {
    const prefix = tempDir("prefix", "input");
    mkdirSync(join(prefix, "bin"));
    writeFileSync(join(prefix, "lib"), ""); // also for root: below a file nothing can be written
    chmodSync(join(prefix, "lib"), 0o400);
    const { code, stderr } = install(["--prefix", prefix, tarball]);
    expect(code).toBe(1);
    expect(stderr).toContain("hint:");
    expect(readFileSync(INSTALL, "utf8").replaceAll(/^#.*$/gm, "")).not.toMatch(/\bsudo\b/);
  });
});

/** `node` that says to be `version`, as far as the script asks. */
function withNode(version: string): string {
  const directory = pathWithoutCompilers();
  const real = process.execPath;
  const wrapped = join(tempDir("node", "input"), "node");
  writeFileSync(
    wrapped,
    `#!/bin/sh
[ "$1" = --version ] && { echo v${version}; exit 0; }
[ "$1" = -e ] && exec ${real} -e "Object.defineProperty(process.versions, 'node', { value: '${version}' }); $2"
exec ${real} "$@"
`,
  );
  chmodSync(wrapped, 0o755);
  return `${join(wrapped, "..")}:${directory}`;
}
