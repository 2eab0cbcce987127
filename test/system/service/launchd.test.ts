import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/system/clock.js";
import { Launchd } from "../../../src/system/service/launchd.js";
import { readLaunchAgent, renderLaunchAgent } from "../../../src/system/service/launchd-plist.js";
import { FakeLaunchd } from "../../fakes/fake-launchd.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { tempDir } from "../../support/temp-dir.js";

/** A sleep ends at once, that much later. */
function hastyClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    after: () => () => undefined,
    sleep: (delayMs) => {
      now += delayMs;
      return Promise.resolve();
    },
  };
}

interface Fixture {
  readonly fake: FakeLaunchd;
  readonly launchd: Launchd;
  readonly file: string;
  readonly home: string;
  readonly script: string;
}

function fixture(
  options: { env?: Record<string, string>; homeDir?: string; broker?: string; node?: string } = {},
): Fixture {
  const homeDir = options.homeDir ?? tempDir("mac");
  const home = options.broker ?? join(homeDir, "Library", "Application Support", "credbroker");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const fake = new FakeLaunchd();
  const paths = {
    configFile: join(home, "config.yaml"),
    stateDir: join(home, "state"),
    runtimeDir: join(home, "run"),
    controlSocket: join(home, "run", "control.sock"),
    logFile: join(home, "state", "brokerd.log"),
  };
  const nodePath = options.node ?? process.execPath;
  const scriptPath = join(homeDir, "brokerd.js");
  writeFileSync(scriptPath, "");
  const place = { env: options.env ?? {}, homeDir, uid: 501, paths, nodePath, scriptPath, run: fake.run };
  const launchd = new Launchd(place, hastyClock());
  const file = join(homeDir, "Library", "LaunchAgents", "credbroker.brokerd.plist");
  return { fake, launchd, home, file, script: scriptPath };
}

const INSTALL = { port: 9171, unconfinedBecause: [], needsPath: false };

describe("the LaunchAgent", () => {
  it("is absent, installed without being started, and then ours", async () => {
    const { launchd, fake, file, home } = fixture();
    expect([await launchd.ownership(), launchd.files]).toEqual(["absent", [file]]);
    expect(await launchd.install(INSTALL)).toEqual({ written: [file], notes: [] });
    expect([await launchd.ownership(), fake.loaded]).toEqual(["ours", undefined]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await launchd.state()).toMatchObject({
      ownership: "ours",
      configFile: join(home, "config.yaml"),
      running: false,
      holdsSockets: false,
      problems: [],
    });
  });

  it("is written once: a second install changes and ends nothing", async () => {
    const { launchd, fake } = fixture();
    await launchd.install(INSTALL);
    await launchd.start();
    expect(await launchd.install(INSTALL)).toEqual({ written: [], notes: [] });
    expect(fake.running).toBe(true);
  });

  it("starts by being loaded into the login session, and is kicked when it is loaded already", async () => {
    const { launchd, fake, file } = fixture();
    await launchd.install(INSTALL);
    fake.asked.length = 0;
    await launchd.start();
    expect(fake.asked.at(-1)).toBe(`/bin/launchctl bootstrap gui/501 ${file}`);
    expect(await launchd.state()).toMatchObject({ running: true });
    fake.running = false;
    await launchd.start();
    expect(fake.asked.at(-1)).toBe("/bin/launchctl kickstart gui/501/credbroker.brokerd");
    await launchd.restart();
    expect(fake.asked.at(-1)).toBe("/bin/launchctl kickstart -k gui/501/credbroker.brokerd");
  });

  it("is ended before a changed file is taken up, so that the next start has the new text", async () => {
    const before = fixture();
    await before.launchd.install(INSTALL);
    await before.launchd.start();
    const { launchd, fake } = fixture({ homeDir: join(before.home, "../../.."), env: { AWS_CA_BUNDLE: "/ca.pem" } });
    fake.loaded = before.file;
    expect((await launchd.install(INSTALL)).written).toEqual([before.file]);
    expect(fake.loaded).toBeUndefined();
  });

  it("waits until it has gone, and goes on trying while launchd is still busy with that", async () => {
    const { launchd, fake } = fixture();
    await launchd.install(INSTALL);
    await launchd.start();
    fake.slow = 5;
    await launchd.stop();
    expect(fake.loaded).toBeUndefined();
    await launchd.start();
    expect(fake.running).toBe(true);
  });

  it("that never goes is told", async () => {
    const { launchd, fake } = fixture();
    await launchd.install(INSTALL);
    await launchd.start();
    fake.slow = 1_000_000;
    expect(await brokerErrorOf(() => launchd.stop())).toMatchObject({ code: "InternalError" });
  });

  it("goes with exactly its file", async () => {
    const { launchd, fake, file } = fixture();
    await launchd.install(INSTALL);
    await launchd.start();
    writeFileSync(join(file, "..", "other.plist"), "other");
    expect(await launchd.uninstall()).toEqual({ removed: [file] });
    expect([fake.loaded, existsSync(file), existsSync(join(file, "..", "other.plist"))]).toEqual([
      undefined,
      false,
      true,
    ]);
    expect(await launchd.uninstall()).toEqual({ removed: [] });
  });

  it("of another home is left alone, and named", async () => {
    const first = fixture();
    await first.launchd.install(INSTALL);
    const homeDir = join(first.home, "../../..");
    const second = fixture({ homeDir, broker: tempDir("second home") });
    expect(await second.launchd.ownership()).toBe("foreign");
    expect(await second.launchd.state()).toMatchObject({ configFile: join(first.home, "config.yaml"), running: false });
    for (const attempt of [() => second.launchd.install(INSTALL), () => second.launchd.uninstall()]) {
      const error = await brokerErrorOf(attempt);
      expect(error).toMatchObject({ code: "Conflict" });
      expect(error.hint).toContain("service uninstall");
    }
    expect(await first.launchd.ownership()).toBe("ours");
  });

  it.each(["<plist/>", "bplist00\u0000\u0001", "Written by `brokerctl service install`"])(
    "that another program wrote is left alone: %j",
    async (text) => {
      const { launchd, file } = fixture();
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, text);
      expect(await launchd.ownership()).toBe("foreign");
      expect(await brokerErrorOf(() => launchd.install(INSTALL))).toMatchObject({ code: "Conflict" });
      expect(readFileSync(file, "utf8")).toBe(text);
    },
  );

  it("cannot be installed without a login session, and nothing is written then", async () => {
    const { launchd, fake, file } = fixture();
    fake.reachable = false;
    expect(await brokerErrorOf(() => launchd.install(INSTALL))).toMatchObject({ code: "NotSupported" });
    expect(existsSync(file)).toBe(false);
  });

  it("is as it was when the former one does not end", async () => {
    const before = fixture();
    await before.launchd.install(INSTALL);
    const text = readFileSync(before.file, "utf8");
    const { launchd, fake } = fixture({ homeDir: join(before.home, "../../.."), env: { AWS_CA_BUNDLE: "/ca.pem" } });
    fake.loaded = before.file;
    fake.slow = 1_000_000;
    expect(await brokerErrorOf(() => launchd.install(INSTALL))).toMatchObject({ code: "InternalError" });
    expect(readFileSync(before.file, "utf8")).toBe(text);
  });

  it("tells of programs that are gone", async () => {
    const { launchd } = fixture({ node: "/nvm/versions/node/v20.0.0/bin/node" });
    await launchd.install(INSTALL);
    const { problems } = await launchd.state();
    expect(problems).toMatchObject([{ hint: "brokerctl service install" }]);
    expect(problems[0]?.message).toContain("/nvm/versions/node/v20.0.0/bin/node");
  });

  it("tells of a program that a version manager may take away", async () => {
    const { launchd } = fixture({ node: "/nvm/versions/node/v20.0.0/bin/node" });
    const { notes } = await launchd.install(INSTALL);
    expect(notes.join()).toContain("nvm");
  });

  it("tells of a brokerd that is gone", async () => {
    const { launchd, script } = fixture();
    await launchd.install(INSTALL);
    rmSync(script);
    expect((await launchd.state()).problems[0]?.message).toContain(script);
  });

  it("that cannot be read is not ours to touch", async () => {
    const { launchd, file } = fixture();
    mkdirSync(file, { recursive: true });
    expect(await launchd.ownership()).toBe("foreign");
    expect(await brokerErrorOf(() => launchd.uninstall())).toMatchObject({ code: "FileRefused" });
  });
});

describe("what the LaunchAgent carries", () => {
  const carried = async (env: Record<string, string>, needsPath = false): Promise<Record<string, string>> => {
    const { launchd, file, home } = fixture({ env });
    await launchd.install({ ...INSTALL, needsPath });
    const { CREDBROKER_HOME, ...rest } = readLaunchAgent(readFileSync(file, "utf8"))?.environment ?? {};
    expect(CREDBROKER_HOME).toBe(home);
    return rest;
  };

  it("is the shell's overrides, and nothing of the shell itself", async () => {
    const overrides = {
      AWS_ENDPOINT_URL_STS: "http://127.0.0.1:1",
      HTTPS_PROXY: "http://p:3128",
      AWS_CA_BUNDLE: "/ca",
    };
    const own = { HOME: "/Users/me", PATH: "/opt/homebrew/bin", LANG: "de_DE", XDG_RUNTIME_DIR: "/x", TZ: "UTC" };
    expect(await carried({ ...overrides, ...own })).toEqual(overrides);
  });

  it("is never what would run code in brokerd or give it credentials", async () => {
    const env = {
      NODE_OPTIONS: "--require /x.js",
      DYLD_INSERT_LIBRARIES: "/x",
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_PROFILE: "p",
    };
    expect(await carried(env)).toEqual({});
  });

  it("is PATH where the config runs programs by name", async () => {
    expect(await carried({ PATH: "/opt/homebrew/bin:/usr/bin" }, true)).toEqual({ PATH: "/opt/homebrew/bin:/usr/bin" });
  });

  it("is named", async () => {
    const { launchd } = fixture({ env: { AWS_CA_BUNDLE: "/ca" } });
    expect((await launchd.install(INSTALL)).notes.join()).toContain("AWS_CA_BUNDLE");
  });
});

describe("the property list's text", () => {
  const hostile = `a & b < c > d "e" 'f' $& ]]> @PROGRAM_ARGUMENTS@\r\n\t</string><key>RunAtLoad</key>`;

  it("reads back as it was written, whatever stands in a path or variable", () => {
    const agent = { command: [hostile, "x"], environment: { [hostile]: hostile }, standardErrorPath: hostile };
    expect(readLaunchAgent(renderLaunchAgent(agent))).toEqual(agent);
  });

  it("refuses what XML cannot hold, and names it", async () => {
    const agent = { command: ["node"], environment: { AWS_CA_BUNDLE: "a\u0007b" }, standardErrorPath: "/e" };
    const error = await brokerErrorOf(() => renderLaunchAgent(agent));
    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.message).toContain("AWS_CA_BUNDLE");
  });
});
